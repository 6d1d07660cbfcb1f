"""The breaker: one row that every process sees."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from memory_maintenance.errors import LanguageModelError, ModelBusyError, ModelForbiddenError, ModelUnavailableError
from memory_maintenance.store.pool import fetch
from scripted_endpoint import replies as scripted
from scripted_endpoint.replies import answer, status
from tests.writers.model.conftest import pass_time, question, rows

PATIENCE, OPEN = timedelta(minutes=10), timedelta(minutes=15)


async def breakers(pool):
    return [row["reason"] for row in await fetch(pool, "SELECT reason FROM maintenance.model_breaker")]


async def open_it(pool, model, endpoint):
    endpoint.script(status(503), status(503))
    with pytest.raises(ModelBusyError):
        await model.ask(question())
    await pass_time(pool, PATIENCE)
    with pytest.raises(ModelUnavailableError):
        await model.ask(question())


async def test_patience_ends_and_every_process_fails_at_once(pool, make_model, endpoint):
    with capture_logs() as logs:
        await open_it(pool, make_model(), endpoint)
        with pytest.raises(ModelUnavailableError) as caught:
            await make_model().ask(question(prompt="another question"))
    assert (caught.value.reason, caught.value.retryable, len(endpoint.requests)) == ("server_error", False, 2)
    opened = [log for log in logs if log["event"] == "model_breaker_opened"]
    assert [log["reason"] for log in opened] == ["server_error"]


async def test_patience_is_counted_per_round(pool, model, endpoint):
    endpoint.script(status(503), status(503))
    with pytest.raises(ModelBusyError):
        await model.ask(question())
    await pass_time(pool, 2 * PATIENCE)
    with pytest.raises(ModelBusyError):
        await model.ask(question(attempt_group="cycle-2"))
    assert await breakers(pool) == []
    assert await rows(pool, "attempt", "waits") == [(1, 1)]


async def test_the_first_success_closes_it(pool, make_model, endpoint):
    model = make_model()
    await open_it(pool, model, endpoint)
    await pass_time(pool, OPEN)
    endpoint.script(answer(), answer())
    with capture_logs() as logs:
        await model.ask(question())
        await model.ask(question(prompt="another question"))
    assert [log["event"] for log in logs if "breaker" in log["event"]] == ["model_breaker_closed"]
    assert await breakers(pool) == []


async def test_a_refused_answer_is_a_success_of_the_endpoint(pool, model, endpoint):
    await open_it(pool, model, endpoint)
    await pass_time(pool, OPEN)
    endpoint.script(scripted.refusal())
    with pytest.raises(LanguageModelError):
        await model.ask(question())
    assert await breakers(pool) == []


async def test_a_failed_trial_opens_it_again_whatever_the_question(pool, model, endpoint):
    await open_it(pool, model, endpoint)
    await pass_time(pool, OPEN)
    endpoint.script(status(429))
    with pytest.raises(ModelUnavailableError):
        await model.ask(question(prompt="another question"))
    with pytest.raises(ModelUnavailableError):
        await model.ask(question())
    assert (await breakers(pool), len(endpoint.requests)) == (["rate_limited"], 3)


async def test_a_failed_trial_leaves_it_closed_where_another_has_succeeded(pool, model, endpoint):
    await open_it(pool, model, endpoint)
    await pass_time(pool, OPEN)
    await model.breaker.close()
    assert not await model.breaker.reopen("server_error")
    assert await breakers(pool) == []


async def test_an_open_breaker_is_not_opened_twice(model):
    with capture_logs() as logs:
        assert [await model.breaker.open("timeout") for _ in range(3)] == [True, False, False]
    assert len(logs) == 1


@pytest.mark.parametrize("reply", [scripted.insufficient_quota(), scripted.unauthorized(), status(404)])
async def test_what_somebody_must_put_right_opens_it_at_once_and_leaves_the_work_due(pool, model, endpoint, reply):
    endpoint.script(reply)
    for prompt in ("one", "two"):
        with pytest.raises(ModelForbiddenError):
            await model.ask(question(prompt=prompt))
    assert len(endpoint.requests) == 1
    assert [state for state, _ in await rows(pool)] == ["waiting"]


async def test_an_answer_in_the_ledger_needs_no_endpoint(model, endpoint):
    endpoint.script(answer())
    await model.ask(question())
    await model.breaker.open("timeout")
    assert (await model.ask(question())).reused


async def test_endpoints_and_models_have_breakers_of_their_own(make_model, endpoint):
    await make_model(rae_llm_model_default="small").breaker.open("unknown_model")
    endpoint.script(answer())
    assert await make_model().ask(question())


async def test_the_breaker_names_no_credentials(make_model):
    model = make_model(openai_base_url="http://user:secret@host:1/v1?key=secret")
    assert model.breaker.endpoint == "host:1/v1 scripted"

"""The ladder: reuse, retries that differ, patience, claims and leases."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from memory_maintenance.errors import (
    AnswerRefusedError,
    AnswersExhaustedError,
    BudgetExhaustedError,
    ContextTooLongError,
    LanguageModelError,
    ModelBusyError,
    QuestionClaimedError,
)
from memory_maintenance.store.pool import execute
from memory_maintenance.writers.model.ledger import Ledger, purge_answers, question_key
from scripted_endpoint import replies as scripted
from scripted_endpoint.replies import GOOD, answer, status
from tests.writers.model.conftest import budgets_agree_with_the_ledger, pass_time, question, rows

MINUTE = timedelta(minutes=1)


def _attempts(results):
    """Return the attempts that were answered; every other caller must have been asked to come again."""
    answered = [result for result in results if not isinstance(result, QuestionClaimedError)]
    return {result.attempt for result in answered}


async def test_an_answer_is_paid_once_and_counted(pool, make_model, endpoint):
    endpoint.script(answer(usage=(1000, 50)))
    first = await make_model().ask(question())
    again = await make_model().ask(question(attempt_group="cycle-2"))
    assert (first.reused, again.reused) == (False, True)
    assert (first.value, first.question, first.attempt) == (again.value, again.question, again.attempt)
    assert (again.input_tokens, again.output_tokens) == (1000, 50)
    assert len(endpoint.requests) == 1
    assert [float(row[0]) for row in await rows(pool, "cost")] == [pytest.approx(0.00018)]
    assert await budgets_agree_with_the_ledger(pool)


async def test_the_response_is_kept_as_it_came(pool, model, endpoint):
    endpoint.script(answer())
    await model.ask(question())
    assert await rows(pool, "response") == [(answer().body.decode(),)]


async def test_what_an_endpoint_does_not_count_is_charged_as_estimated(pool, model, endpoint):
    endpoint.script(answer(usage=None))
    got = await model.ask(question())
    assert got.output_tokens == 200
    assert got.input_tokens > 100
    assert await budgets_agree_with_the_ledger(pool)


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": "other"},
        {"purpose": "summary_chunk"},
        {"prompt_version": "test/2"},
        {"system": "Otherwise."},
        {"prompt": "Something else."},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_may_change_the_answer_makes_another_question(change):
    assert question_key(question(), "m") == question_key(question(attempt_group="cycle-2", sources=()), "m")
    assert question_key(question(), "m") != question_key(question(**change), "m")
    assert question_key(question(), "m") != question_key(question(), "n")


def test_a_lone_surrogate_has_a_key():
    assert question_key(question(prompt="\ud800"), "m") != question_key(question(prompt="\ud801"), "m")


async def test_a_bad_answer_is_asked_again_with_the_reason_in_the_prompt(pool, model, endpoint):
    endpoint.script(scripted.refusal(), scripted.wrong_schema(), answer())
    for reason in ("model_refused", "off_schema"):
        with pytest.raises(AnswerRefusedError) as caught:
            await model.ask(question())
        assert caught.value.reason == reason
        assert caught.value.retry_after == timedelta(0)
    assert (await model.ask(question())).attempt == 3
    systems = [request["messages"][0]["content"] for request in endpoint.requests]
    assert systems[0] == "You summarize sessions."
    assert "it declined" in systems[1]
    assert "it was not the JSON object" in systems[2]
    assert [state for state, _ in await rows(pool)] == ["refused", "refused", "accepted"]


async def test_the_same_bad_answer_makes_a_different_prompt_each_time(model, endpoint):
    endpoint.otherwise = scripted.wrong_schema()
    for _ in range(3):
        with pytest.raises(AnswerRefusedError):
            await model.ask(question())
    assert endpoint.distinct_prompts == 3


async def test_a_round_gives_up_after_its_bad_answers_and_the_next_one_tries_again(model, endpoint):
    endpoint.otherwise = scripted.wrong_schema()
    for _ in range(3):
        with pytest.raises(AnswerRefusedError):
            await model.ask(question())
    with pytest.raises(AnswersExhaustedError) as caught:
        await model.ask(question())
    assert (caught.value.reason, caught.value.retryable, len(endpoint.requests)) == ("off_schema", False, 3)
    endpoint.otherwise = answer()
    assert (await model.ask(question(attempt_group="cycle-2"))).attempt == 4


async def test_waiting_does_not_consume_the_attempts_for_bad_answers(pool, model, endpoint):
    endpoint.script(*[status(503)] * 5, scripted.wrong_schema(), *[status(429)] * 5, answer())
    for _ in range(11):
        with pytest.raises((ModelBusyError, AnswerRefusedError)):
            await model.ask(question())
    assert (await model.ask(question())).attempt == 2
    assert await rows(pool, "state", "waits") == [("refused", 5), ("accepted", 5)]


async def test_a_question_too_long_is_not_sent_again_in_its_round(model, endpoint):
    endpoint.script(scripted.context_length())
    for _ in range(2):
        with pytest.raises(ContextTooLongError):
            await model.ask(question())
    assert len(endpoint.requests) == 1


async def test_twenty_callers_at_once_are_one_call(pool, make_model, endpoint):
    endpoint.script(scripted.hang())
    models = [make_model(model_timeout_seconds=60) for _ in range(20)]
    callers = [asyncio.create_task(model.ask(question())) for model in models]
    await endpoint.arrived()
    done, _ = await asyncio.wait(callers, return_when=asyncio.FIRST_COMPLETED)
    while len(done) < 19:
        done, _ = await asyncio.wait(callers, return_when=asyncio.FIRST_COMPLETED, timeout=0.05)
    endpoint.let_go()
    results = await asyncio.gather(*callers, return_exceptions=True)
    claimed = [result for result in results if isinstance(result, QuestionClaimedError)]
    assert len(claimed) == 19
    assert {error.retry_after for error in claimed} == {timedelta(seconds=2)}
    assert len(endpoint.requests) == endpoint.answers == 1
    later = await asyncio.gather(*(model.ask(question()) for model in models))
    assert all(got.reused for got in later)
    assert len(endpoint.requests) == 1
    assert await budgets_agree_with_the_ledger(pool)


async def test_callers_at_once_take_up_a_waiting_attempt_once(make_model, endpoint):
    endpoint.script(status(503), answer())
    models = [make_model() for _ in range(10)]
    with pytest.raises(ModelBusyError):
        await models[0].ask(question())
    results = await asyncio.gather(*(model.ask(question()) for model in models), return_exceptions=True)
    assert _attempts(results) == {1}
    assert len(endpoint.requests) == 2


async def test_a_claim_whose_lease_is_over_is_lost_charged_and_replaced(pool, make_model, endpoint):
    endpoint.script(scripted.hang(), answer())
    dead = asyncio.create_task(make_model(model_timeout_seconds=60).ask(question()))
    await endpoint.arrived()
    with pytest.raises(QuestionClaimedError):
        await make_model().ask(question())
    await pass_time(pool, 2 * MINUTE)
    assert (await make_model().ask(question())).attempt == 2
    assert await rows(pool) == [("lost", "claim_lost"), ("accepted", None)]
    endpoint.let_go()  # the dead caller was only slow: its answer comes too late
    with pytest.raises(QuestionClaimedError):
        await dead
    assert await rows(pool) == [("lost", "claim_lost"), ("accepted", None)]
    assert (await rows(pool, "forfeited_tokens"))[0] > (0,)
    assert await budgets_agree_with_the_ledger(pool)


async def test_callers_at_once_replace_a_dead_one_once(pool, make_model, endpoint):
    endpoint.script(scripted.hang(), answer())
    dead = asyncio.create_task(make_model(model_timeout_seconds=60).ask(question()))
    await endpoint.arrived()
    await pass_time(pool, 2 * MINUTE)
    models = [make_model() for _ in range(10)]
    results = await asyncio.gather(*(model.ask(question()) for model in models), return_exceptions=True)
    assert _attempts(results) == {2}
    assert len(endpoint.requests) == 2
    dead.cancel()
    await asyncio.wait([dead])
    assert await budgets_agree_with_the_ledger(pool)


async def test_a_cancelled_caller_gives_its_claim_back_at_once(pool, make_model, endpoint):
    endpoint.script(scripted.hang(), answer())
    caller = asyncio.create_task(make_model(model_timeout_seconds=60).ask(question()))
    await endpoint.arrived()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert (await make_model().ask(question())).attempt == 2
    assert await rows(pool) == [("lost", "claim_lost"), ("accepted", None)]
    assert await budgets_agree_with_the_ledger(pool)


async def test_a_caller_cancelled_while_it_keeps_an_answer_keeps_it(pool, make_model, endpoint):
    recording, go_on = asyncio.Event(), asyncio.Event()

    @dataclass(frozen=True)
    class Slow(Ledger):
        async def _record(self, *args):
            recording.set()
            await go_on.wait()
            return await super()._record(*args)

    endpoint.script(answer())
    model = make_model()
    ledger = Slow(pool, model.ledger.limits, model.ledger.lease)
    caller = asyncio.create_task(replace(model, ledger=ledger).ask(question()))
    await recording.wait()
    caller.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert [state for state, _ in await rows(pool)] == ["answered"]
    assert (await make_model().ask(question())).attempt == 1
    assert endpoint.answers == 1


async def test_old_answers_lose_their_text_and_keep_their_account(pool, model, endpoint):
    endpoint.otherwise = answer()
    first = await model.ask(question())
    await pass_time(pool, timedelta(days=31))
    await model.ask(question(prompt="newer"))
    assert await purge_answers(pool, timedelta(days=30)) == 1
    assert await purge_answers(pool, timedelta(days=30)) == 0
    kept = await rows(pool, "question", "response", "input_tokens", "state")
    assert [row for row in kept if row[1] is None] == [(first.question, None, 100, "accepted")]
    assert (await model.ask(question())).attempt == 2  # what was purged is asked again
    assert await budgets_agree_with_the_ledger(pool)


async def test_a_purged_answer_that_was_not_judged_is_lost(pool, model, endpoint):
    endpoint.script(answer())
    await model.ask(question())
    await execute(pool, "UPDATE maintenance.model_calls SET state = 'answered'")
    await pass_time(pool, timedelta(days=31))
    await purge_answers(pool, timedelta(days=30))
    assert await rows(pool) == [("lost", "claim_lost")]


@pytest.mark.parametrize(
    "budget",
    [
        {"model_daily_tokens": 400},
        {"model_daily_tokens_per_tenant": 400},
        {"model_daily_cost": "0.0001"},
        {"model_daily_cost_per_tenant": "0.0001"},
        {"model_daily_tokens_per_tenant": 0},
    ],
    ids=lambda budget: "=".join(map(str, *budget.items())),
)
async def test_without_budget_nothing_is_claimed_or_sent(pool, make_model, endpoint, settings, budget):
    bounds = settings.model_validate(settings.model_dump() | budget)
    model = make_model(**{name: getattr(bounds, name) for name in budget})
    with pytest.raises(BudgetExhaustedError) as caught:
        await model.ask(question())
    assert (caught.value.reason, caught.value.retryable) == ("budget_exhausted", False)
    assert (await rows(pool), endpoint.requests) == ([], [])
    assert await budgets_agree_with_the_ledger(pool)


async def test_an_answer_in_the_ledger_needs_no_budget(make_model, endpoint):
    endpoint.script(answer())
    await make_model().ask(question())
    assert (await make_model(model_daily_tokens=1).ask(question())).reused


async def test_an_answer_is_stored_without_control_characters(model, endpoint):
    endpoint.script(answer(dict(GOOD) | {"summary": GOOD["summary"] + "\x00\u202e"}))
    assert (await model.ask(question())).value.summary == GOOD["summary"]


async def test_a_prompt_that_is_no_unicode_is_no_crash(pool, model):
    with pytest.raises(LanguageModelError) as caught:
        await model.ask(question(prompt="\ud800"))
    assert caught.value.reason == "bad_request"
    assert await rows(pool) == [("failed", "bad_request")]


@pytest.mark.parametrize(("replies", "statements"), [((answer(),), 7), ((), 1)], ids=["answered", "reused"])
async def test_how_many_statements_a_question_takes(pool, model, endpoint, replies, statements):
    endpoint.script(*(replies or (answer(),)))
    if not replies:
        await model.ask(question())
    seen: list[str] = []
    async with pool.acquire() as connection:  # the pool lends this one again, as no one else asks
        connection.add_query_logger(lambda query: seen.append(query.query))
    await model.ask(question())
    asyncpgs = ("RESET ALL", "typeinfo_tree", "set_config('jit'")  # once per connection
    assert len([query for query in seen if not any(one in query for one in asyncpgs)]) == statements

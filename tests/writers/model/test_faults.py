"""What an endpoint can do wrong: each fault once, through the real client, with what it leaves."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from memory_maintenance.errors import (
    AnswerRefusedError,
    ContextTooLongError,
    LanguageModelError,
    ModelBusyError,
    ModelForbiddenError,
    ModelUnavailableError,
    QuestionRefusedError,
)
from memory_maintenance.writers.model.openai_errors import retry_after
from scripted_endpoint import replies as scripted
from scripted_endpoint.replies import GOOD, Reply, answer, completion, status
from tests.writers.model.conftest import SHORT_TIMEOUT, budgets_agree_with_the_ledger, pass_time, question, rows

WAITS, FAILS, REFUSES = "waiting", "failed", "refused"
LONG_AGO = "Wed, 21 Oct 2015 07:28:00 GMT"

FAULTS = [
    pytest.param(status(429), ModelBusyError, "rate_limited", WAITS, id="429"),
    pytest.param(status(429, retry_after=7), ModelBusyError, "rate_limited", WAITS, id="429 with seconds"),
    pytest.param(status(500), ModelBusyError, "server_error", WAITS, id="500"),
    pytest.param(status(502), ModelBusyError, "server_error", WAITS, id="502"),
    pytest.param(status(503, retry_after=3), ModelBusyError, "server_error", WAITS, id="503"),
    pytest.param(status(408), ModelBusyError, "server_error", WAITS, id="408"),
    pytest.param(scripted.hang(), ModelBusyError, "timeout", WAITS, id="hang"),
    pytest.param(scripted.drip(), ModelBusyError, "timeout", WAITS, id="slow drip"),
    pytest.param(scripted.reset(), ModelBusyError, "connection_lost", WAITS, id="connection reset"),
    pytest.param(scripted.cut(), ModelBusyError, "connection_lost", WAITS, id="half a body"),
    pytest.param(scripted.truncated_json(), ModelBusyError, "broken_json", WAITS, id="truncated JSON"),
    pytest.param(scripted.html(), ModelBusyError, "not_json", WAITS, id="200 with HTML"),
    pytest.param(status(200, message="no"), ModelBusyError, "server_error", WAITS, id="200 with an error in it"),
    pytest.param(scripted.insufficient_quota(), ModelForbiddenError, "quota", WAITS, id="insufficient quota"),
    pytest.param(status(402), ModelForbiddenError, "quota", WAITS, id="402"),
    pytest.param(scripted.unauthorized(), ModelForbiddenError, "credentials", WAITS, id="401"),
    pytest.param(status(403), ModelForbiddenError, "forbidden", WAITS, id="403"),
    pytest.param(status(404), ModelForbiddenError, "unknown_model", WAITS, id="404"),
    pytest.param(scripted.context_length(), ContextTooLongError, "context_length", FAILS, id="context length"),
    pytest.param(
        status(400, error_type="exceed_context_size_error"), ContextTooLongError, "context_length", FAILS,
        id="context length, as llama.cpp says it",
    ),
    pytest.param(
        status(400, message="This model's maximum context length is 9 tokens."), ContextTooLongError, "context_length",
        FAILS, id="context length, as vLLM says it",
    ),
    pytest.param(status(413), ContextTooLongError, "context_length", FAILS, id="413"),
    pytest.param(status(400), QuestionRefusedError, "bad_request", FAILS, id="400"),
    pytest.param(status(422), QuestionRefusedError, "bad_request", FAILS, id="422"),
    pytest.param(status(501), LanguageModelError, "bad_request", FAILS, id="501"),
    pytest.param(
        status(400, error_code="content_filter"), QuestionRefusedError, "filtered", FAILS, id="prompt filtered"
    ),
    pytest.param(scripted.truncated_answer(), AnswerRefusedError, "truncated", REFUSES, id="truncated answer"),
    pytest.param(scripted.wrong_schema(), AnswerRefusedError, "off_schema", REFUSES, id="wrong schema"),
    pytest.param(answer("{}"), AnswerRefusedError, "off_schema", REFUSES, id="empty object"),
    pytest.param(answer("[" * 5000), AnswerRefusedError, "off_schema", REFUSES, id="bottomless JSON"),
    pytest.param(answer("```json\n{}\n```"), AnswerRefusedError, "off_schema", REFUSES, id="code fence"),
    pytest.param(scripted.refusal(), AnswerRefusedError, "model_refused", REFUSES, id="refusal"),
    pytest.param(scripted.content_filter(), AnswerRefusedError, "filtered", REFUSES, id="content filter"),
    pytest.param(scripted.empty_choices(), AnswerRefusedError, "empty", REFUSES, id="empty choices"),
    pytest.param(answer(""), AnswerRefusedError, "empty", REFUSES, id="empty content"),
    pytest.param(
        answer(dict(GOOD) | {"summary": "The team hired 4711 pilots for the zeppelin to the moon."}),
        AnswerRefusedError, "unsupported_numbers", REFUSES, id="invented number",
    ),
    pytest.param(
        answer(dict(GOOD) | {"summary": "the fix of the export " * 8}), AnswerRefusedError, "repeats", REFUSES,
        id="repetition",
    ),
]  # fmt: skip


def _seconds(reply):
    return {"model_timeout_seconds": SHORT_TIMEOUT} if reply.way in ("hang", "drip") else {}


@pytest.mark.parametrize(("reply", "error", "reason", "state"), FAULTS)
async def test_a_fault_is_one_request_one_error_and_one_row(pool, make_model, endpoint, reply, error, reason, state):
    endpoint.script(reply)
    with pytest.raises(LanguageModelError) as caught:
        await make_model(**_seconds(reply)).ask(question())
    assert type(caught.value) is error
    assert caught.value.reason == reason
    assert await rows(pool) == [(state, reason)]
    assert len(endpoint.requests) == 1
    assert await budgets_agree_with_the_ledger(pool)


@pytest.mark.parametrize(("reply", "error", "_reason", "state"), FAULTS)
async def test_after_a_fault_the_next_round_gets_its_answer(pool, make_model, endpoint, reply, error, _reason, state):
    endpoint.script(reply, answer())
    with pytest.raises(error):
        await make_model(**_seconds(reply)).ask(question())
    await pass_time(pool, timedelta(minutes=20))  # longer than a breaker stays open
    got = await make_model().ask(question(attempt_group="cycle-2"))
    assert got.value.summary == GOOD["summary"]
    assert got.attempt == (1 if state == WAITS else 2)
    assert len(endpoint.requests) == 2
    assert await budgets_agree_with_the_ledger(pool)


async def test_nothing_listening_is_a_wait(pool, make_model):
    with pytest.raises(ModelBusyError) as caught:
        await make_model(openai_base_url="http://127.0.0.1:9/v1").ask(question())
    assert caught.value.reason == "unreachable"
    assert await rows(pool, "state", "forfeited_tokens") == [("waiting", 0)]


async def test_an_invalid_address_is_named_and_not_waited_for(make_model):
    with pytest.raises(ModelForbiddenError, match="OPENAI_BASE_URL"):
        await make_model(openai_base_url="localhost:9/v1").ask(question())


@pytest.mark.parametrize(
    ("reply", "charged"),
    [
        pytest.param(scripted.hang(), True, id="a timed-out call may be billed"),
        pytest.param(scripted.reset(), True, id="a lost connection may be billed"),
        pytest.param(scripted.truncated_json(), True, id="half an answer is billed"),
        pytest.param(scripted.html(), False, id="a proxy's page is not"),
        pytest.param(status(429), False, id="a rate limit is not"),
        pytest.param(status(500), False, id="a server error is not"),
        pytest.param(scripted.context_length(), False, id="a refused prompt is not"),
    ],
)
async def test_what_may_have_been_billed_stays_charged(pool, make_model, endpoint, reply, charged):
    endpoint.script(reply)
    with pytest.raises(LanguageModelError):
        await make_model(**_seconds(reply)).ask(question())
    ((forfeited, cost, reserved),) = await rows(pool, "forfeited_tokens", "forfeited_cost", "reserved_tokens")
    assert ((forfeited > 200), (cost > 0), reserved) == (charged, charged, 0)
    assert await budgets_agree_with_the_ledger(pool)


DISGUISED = [
    pytest.param({"error": {"message": "m", "code": 429}}, ModelBusyError, "rate_limited", id="status as code"),
    pytest.param({"error": {"code": "rate_limit_exceeded"}}, ModelBusyError, "rate_limited", id="a word as code"),
    pytest.param({"error": {"message": "Provider returned error", "code": 502}}, ModelBusyError, "server_error", id="the provider's"),
    pytest.param({"error": "model is overloaded, try later"}, ModelBusyError, "rate_limited", id="a text alone"),
    pytest.param({"error": {"code": "insufficient_quota"}}, ModelForbiddenError, "quota", id="quota"),
    pytest.param({"error": {"message": "Insufficient credits"}}, ModelForbiddenError, "quota", id="quota by its words"),
    pytest.param({"error": {"message": "Incorrect API key provided"}}, ModelForbiddenError, "credentials", id="credentials"),
    pytest.param({"error": {"code": 404, "message": "no such model"}}, ModelForbiddenError, "unknown_model", id="model"),
    pytest.param({"error": {"code": "context_length_exceeded"}}, ContextTooLongError, "context_length", id="too long"),
    pytest.param({"object": "error", "message": "\"error\" of the engine", "code": 500}, ModelBusyError, "server_error", id="as vLLM says it"),
    pytest.param({"choices": [{"error": {"code": 503}, "finish_reason": "error", "message": {"content": ""}}]}, ModelBusyError, "server_error", id="in a choice"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "error", "reason"), DISGUISED)
async def test_an_error_under_status_200_is_that_error_and_costs_nothing(pool, model, endpoint, body, error, reason):
    endpoint.script(Reply(body=json.dumps(body).encode()))
    with pytest.raises(error) as caught:
        await model.ask(question())
    assert caught.value.reason == reason
    columns = ("state", "reason", "response", "forfeited_tokens", "reserved_tokens", "input_tokens")
    assert await rows(pool, *columns) == [(FAILS if reason == "context_length" else WAITS, reason, None, 0, 0, None)]
    assert await budgets_agree_with_the_ledger(pool)


def wrapped(finish_reason="stop", **message):
    return completion([{"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", **message}}])


TEXT = json.dumps(GOOD)
CALL = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": TEXT}}
WRAPPED = [
    pytest.param(answer(f"<think>Who fixed it? Bo. {{}}</think>\n{TEXT}"), id="thoughts"),
    pytest.param(answer(f"```json\n{TEXT}\n```"), id="a code fence"),
    pytest.param(answer(f"<think>hm</think>\nHere it is:\n```\n{TEXT}\n```"), id="thoughts and a fence"),
    pytest.param(answer({"answer": GOOD}), id="a wrapper key"),
    pytest.param(answer({"SessionSummaryResponse": TEXT}), id="a wrapper key around a text"),
    pytest.param(answer(json.dumps([GOOD])), id="a list of one"),
    pytest.param(answer({"name": "answer", "arguments": GOOD}), id="a tool call as content"),
    pytest.param(wrapped("tool_calls", content=None, tool_calls=[CALL]), id="a tool call"),
    pytest.param(wrapped("stop", content="", tool_calls=[CALL]), id="a tool call that says it stopped"),
    pytest.param(wrapped(content=[{"type": "text", "text": TEXT}]), id="parts"),
    pytest.param(answer(dict(GOOD) | {"sentiment": "POSITIVE"}), id="an enum in capitals"),
    pytest.param(answer(dict(GOOD) | {"sentiment": f"somewhat {GOOD['sentiment']}"}), id="a mood in other words"),
    pytest.param(answer(dict(GOOD) | {"key_topics": "invoice export, release"}), id="topics as one text"),
]


@pytest.mark.parametrize("reply", WRAPPED)
async def test_what_models_wrap_is_unwrapped_and_paid_once(pool, model, endpoint, reply):
    endpoint.script(reply)
    got = await model.ask(question())
    assert got.value.model_dump(mode="json") == GOOD
    assert await rows(pool, "state", "input_tokens", "output_tokens") == [("accepted", 100, 20)]
    assert (await model.ask(question(attempt_group="cycle-2"))).reused
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"<think>{TEXT}", id="thoughts without an end"),
        pytest.param(f"```\n{TEXT}\n```\n```\n{TEXT}\n```", id="two fences"),
        pytest.param(json.dumps({"a": {"b": GOOD}}), id="two wrapper keys"),
        pytest.param(json.dumps([GOOD, GOOD]), id="two answers"),
    ],
)
async def test_what_is_wrapped_twice_is_not_guessed_at(model, endpoint, content):
    endpoint.script(answer(content))
    with pytest.raises(AnswerRefusedError) as caught:
        await model.ask(question())
    assert caught.value.reason == "off_schema"


async def test_a_cut_answer_names_the_setting_that_cut_it(model, endpoint):
    endpoint.script(scripted.truncated_answer())
    with pytest.raises(AnswerRefusedError, match="MODEL_ANSWER_TOKENS=200"):
        await model.ask(question())


async def test_a_wait_that_does_not_fit_into_the_patience_opens_the_breaker_at_once(make_model, endpoint):
    endpoint.script(status(429, retry_after=86400))
    with pytest.raises(ModelUnavailableError):
        await make_model(model_patience_seconds=600).ask(question())
    with pytest.raises(ModelUnavailableError):
        await make_model(model_patience_seconds=600).ask(question(prompt="Another question."))
    assert len(endpoint.requests) == 1


async def test_a_wait_that_fits_is_waited_for(pool, make_model, endpoint):
    endpoint.script(status(429, retry_after=500), status(429, retry_after=500))
    model = make_model(model_patience_seconds=600)
    with pytest.raises(ModelBusyError):
        await model.ask(question())
    await pass_time(pool, timedelta(seconds=500))
    with pytest.raises(ModelUnavailableError):
        await model.ask(question())


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "7"}, 7, id="seconds"),
        pytest.param({"retry-after": "1.5"}, 1.5, id="a fraction of seconds"),
        pytest.param({"retry-after-ms": "2500", "retry-after": "9"}, 2.5, id="milliseconds come first"),
        pytest.param({"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90, id="a date"),
        pytest.param({"retry-after": LONG_AGO}, 1, id="a date that is over"),
        pytest.param({"retry-after": "0"}, 1, id="at least a second"),
        pytest.param({"retry-after": "-5"}, 1, id="a negative wait"),
        pytest.param({"retry-after": "864000"}, 86400, id="at most a day"),
        pytest.param({"retry-after": "inf"}, 86400, id="infinite"),
        pytest.param({"retry-after": "nan"}, None, id="not a number"),
        pytest.param({"retry-after": "soon"}, None, id="a word"),
        pytest.param({"retry-after": ""}, None, id="nothing"),
        pytest.param({}, None, id="absent"),
    ],
)
def test_how_long_to_wait_is_read_in_every_form_and_clamped(headers, seconds):
    wait = retry_after(headers, now=NOW)
    assert (wait and wait.total_seconds()) == seconds


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        pytest.param(status(429, retry_after=7), 7, id="as told"),
        pytest.param(status(429, retry_after_ms=1500), 1.5, id="as told, in milliseconds"),
        pytest.param(status(503, retry_after=LONG_AGO), 1, id="as told, by date"),
        pytest.param(status(429), 1, id="untold"),
    ],
)
async def test_the_wait_that_an_endpoint_asks_for_reaches_the_caller(model, endpoint, reply, seconds):
    endpoint.script(reply)
    with pytest.raises(ModelBusyError) as caught:
        await model.ask(question())
    assert caught.value.retry_after == timedelta(seconds=seconds)


async def test_untold_waits_double_up_to_a_minute(pool, model, endpoint):
    endpoint.script(*[status(500)] * 8)
    waits = []
    for _ in range(8):
        with pytest.raises(ModelBusyError) as caught:
            await model.ask(question())
        waits.append(caught.value.retry_after)
    assert waits == [timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 16, 32, 60, 60)]
    assert await rows(pool, "attempt", "state", "waits") == [(1, "waiting", 8)]

"""Each wrapping and each disguised error once: how many calls, what is booked, what comes of it."""

import json
from typing import Any

import pytest

from memory_maintenance.errors import LanguageModelError
from memory_maintenance.store.pool import fetch_value
from memory_maintenance.writers.model.embedder import open_embedder
from scripted_endpoint.replies import GOOD, Reply, answer, completion, status, truncated_answer
from tests.writers.model.conftest import budgets_agree_with_the_ledger, question

TEXT = json.dumps(GOOD)
PAID, NOTHING = 120, 0
"""Tokens: what the scripted endpoint counts for an answer, and what an error costs."""

BOOKED = "SELECT coalesce(sum(tokens), 0)::integer FROM maintenance.model_budgets WHERE scope = ''"
BREAKERS = "SELECT count(*)::integer FROM maintenance.model_breaker WHERE opened_until > now()"


def disguised(error: Any, **headers: str) -> Reply:
    """Return an error under status 200."""
    return Reply(body=json.dumps({"error": error}).encode(), headers=headers)


def called(**message: Any) -> Reply:
    """Return a completion that calls a tool."""
    call = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": TEXT}}
    message = {"role": "assistant", "content": None, "tool_calls": [call], **message}
    return completion([{"index": 0, "finish_reason": "tool_calls", "message": message}])


TABLE = [
    # reply                                                                              result          booked   breaker
    pytest.param(answer(), "answer", PAID, 0, id="the object alone"),
    pytest.param(answer(f"<think>Bo did. {{}}</think>\n{TEXT}"), "answer", PAID, 0, id="one block of thoughts"),
    pytest.param(answer(f"```json\n{TEXT}\n```"), "answer", PAID, 0, id="one code fence"),
    pytest.param(answer({"result": GOOD}), "answer", PAID, 0, id="one wrapper key"),
    pytest.param(called(), "answer", PAID, 0, id="a tool call's arguments"),
    pytest.param(called(content=""), "answer", PAID, 0, id="a tool call beside an empty content"),
    pytest.param(answer({"name": "answer", "arguments": GOOD}), "answer", PAID, 0, id="a tool call as text"),
    pytest.param(answer(dict(GOOD) | {"sentiment": "POSITIVE"}), "answer", PAID, 0, id="an enum in capitals"),
    pytest.param(answer(dict(GOOD) | {"key_topics": "invoice export, release"}), "answer", PAID, 0, id="topics as one text"),
    pytest.param(answer(f"<think>{TEXT}"), "off_schema", PAID, 0, id="thoughts without an end"),
    pytest.param(answer({"a": {"b": GOOD}}), "off_schema", PAID, 0, id="two wrapper keys"),
    pytest.param(truncated_answer(), "truncated", PAID, 0, id="an answer that the bound cut"),
    pytest.param(answer(f"<think>{TEXT}", finish_reason="length"), "truncated", PAID, 0, id="thoughts that the bound cut"),
    pytest.param(disguised({"code": 429, "message": "slow down"}), "rate_limited", NOTHING, 0, id="busy"),
    pytest.param(disguised("Provider overloaded"), "rate_limited", NOTHING, 0, id="busy, in words only"),
    pytest.param(disguised({"code": 429}, **{"retry-after": "86400"}), "rate_limited", NOTHING, 1, id="busy for a day"),
    pytest.param(disguised({"code": 502, "message": "upstream"}), "server_error", NOTHING, 0, id="a server's error"),
    pytest.param(disguised({"code": "insufficient_quota"}), "quota", NOTHING, 1, id="quota"),
    pytest.param(disguised({"code": 402, "message": "Insufficient credits"}), "quota", NOTHING, 1, id="credits"),
    pytest.param(disguised("Incorrect API key provided"), "credentials", NOTHING, 1, id="credentials, in words only"),
    pytest.param(disguised({"code": 401}), "credentials", NOTHING, 1, id="credentials"),
    pytest.param(status(429, retry_after=602), "rate_limited", NOTHING, 1, id="a wait longer than the patience"),
    pytest.param(status(429, retry_after=599), "rate_limited", NOTHING, 0, id="a wait that fits"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "result", "booked", "breakers"), TABLE)
async def test_one_call_books_what_was_written_and_ends_in_the_answer_or_its_reason(
    pool, make_model, endpoint, reply, result, booked, breakers
):
    endpoint.script(reply)
    try:
        got = await make_model(model_patience_seconds=600).ask(question())
        found = "answer" if got.value.model_dump(mode="json") == GOOD else "another answer"
    except LanguageModelError as error:
        found = error.reason
    assert (found, len(endpoint.requests)) == (result, 1)
    assert (await fetch_value(pool, BOOKED), await fetch_value(pool, BREAKERS)) == (booked, breakers)
    assert await budgets_agree_with_the_ledger(pool)


@pytest.mark.parametrize(
    ("error", "reason"),
    [({"code": 429}, "rate_limited"), ({"code": "insufficient_quota"}, "quota"), ("Invalid API key", "credentials")],
)
async def test_a_disguised_error_in_place_of_vectors_is_that_error_and_costs_nothing(
    pool, settings, endpoint, error, reason
):
    endpoint.script(disguised(error))
    embedder = open_embedder(settings.model_copy(update={"embedding_model": "small"}), pool)
    assert embedder
    with pytest.raises(LanguageModelError) as caught:
        await embedder.embed("acme", {"a": "a text"}, attempt_group="cycle-1")
    await embedder.close()
    assert caught.value.reason == reason
    assert await fetch_value(pool, BOOKED) == NOTHING

"""A text of the extractive writer that fails the gate is not stored, says why, and is not written again every night."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch_value
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.writers.model.set_aside import all_set_aside, requeue
from tests.agents import AS_OF, derived, talk, write
from tests.fake_model import FakeModel
from tests.steps import Summarizing, sessions_due

ENDLESS = [letter * 300 for letter in "abcdefghijkl"]
"""Nothing a person can read: the writer's text has no word."""

ACROSS = ["The supplier booked room 4.", *["ok"] * 8, "March is when the kettles arrive."]
"""Two sentences that make a date together, "4. March", which no event has."""

HOUR = timedelta(hours=1)


def settings(backend="extractive", **changes):
    return Settings.model_validate({"rae_llm_backend": backend, **changes})


async def due(pool, backend="extractive", *, daily=True):
    found = await sessions_due(pool, "acme", as_of=AS_OF, daily=daily, settings=settings(backend))
    return [one.session_id for one in found]


async def summarize(pool, backend="extractive", **changes):
    worker = Summarizing(pool, settings(backend, **changes), FakeModel())
    return await worker.summarize(SessionKey("acme", "shop", "s"), as_of=AS_OF)


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        pytest.param(ENDLESS, "empty", id="no word"),
        pytest.param(ACROSS, "unsupported_numbers", id="a date of nobody's"),
    ],
)
async def test_raes_fallback_is_stored_with_the_reason_and_the_session_waits_for_new_events(pool, events, reason):
    await write(pool, "acme", events, session="s")
    with capture_logs() as logs:
        outcome = await summarize(pool)
    assert (outcome.status, outcome.reason) == ("fallback", reason)
    (row,) = await derived(pool, "acme")
    assert row["content"].startswith("Session summary (")
    assert (row["metadata"]["backend"], row["metadata"]["refused"]) == ("none", reason)
    assert [log["reason"] for log in logs if log["event"] == "extractive_summary_refused"] == [reason]
    assert await due(pool) == []
    assert (await summarize(pool)).reason == "insufficient_events"
    await write(pool, "acme", talk(12), session="s", start=AS_OF - 2 * HOUR)
    assert await due(pool, daily=False) == ["s"]


async def test_a_model_that_is_configured_later_writes_it_better(pool):
    await write(pool, "acme", ACROSS, session="s")
    await summarize(pool)
    assert await due(pool, "openai") == ["s"]
    outcome = await summarize(pool, "openai")
    assert (outcome.status, outcome.backend) == ("updated", "openai")
    assert (await derived(pool, "acme"))[0]["metadata"]["refused"] is None


async def test_beside_a_good_summary_the_new_events_are_set_aside_and_the_summary_stays(pool):
    await write(pool, "acme", talk(12), session="s")
    assert (await summarize(pool)).status == "stored"
    (before,) = await derived(pool, "acme")
    ids = await write(pool, "acme", ACROSS, session="s", start=AS_OF - 2 * HOUR)
    outcome = await summarize(pool)
    assert (outcome.status, outcome.reason) == ("failed", "unsupported_numbers")
    assert (await derived(pool, "acme"))[0]["content"] == before["content"]
    assert await due(pool) == []
    aside = await all_set_aside(pool)
    assert {(one.kind, one.session_id, one.reason) for one in aside} == {("memory", "s", "unsupported_numbers")}
    assert {one.name for one in aside} == set(map(str, ids))
    await write(pool, "acme", talk(10, first=50), session="s", start=AS_OF - HOUR)
    assert await due(pool) == ["s"]
    assert (await summarize(pool)).status == "updated"
    assert await requeue(pool, "acme", session_id="s") == len(ids)
    assert await due(pool) == ["s"]


async def test_a_model_that_fails_gets_raes_fallback_where_the_extractive_writer_fails_too(pool):
    await write(pool, "acme", ENDLESS, session="s")
    await summarize(pool, "none")
    assert await due(pool) == ["s"]
    assert (await summarize(pool)).reason == "empty"
    assert await due(pool) == []
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.set_aside") == 0

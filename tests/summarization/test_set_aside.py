"""Sessions and memories that the model keeps failing at."""

from datetime import timedelta
from typing import Any

import pytest

from memory_maintenance.store.pool import fetch_value
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.writers.model.set_aside import all_set_aside, requeue
from scripted_endpoint import replies as scripted
from scripted_endpoint.replies import Reply, status
from tests.agents import AS_OF, derived, write
from tests.model_path import honest, model, record_of, settings, told
from tests.steps import Summarizing, sessions_due

__all__ = ["model", "settings"]

POISON = "Otto wrote the word that no filter lets pass: zeppelin."


def filtered(request: dict[str, Any]) -> Reply:
    """A content filter that refuses whatever holds the word."""
    return status(400, error_code="content_filter") if "zeppelin" in str(request["messages"]) else honest(request)


def stubborn(request: dict[str, Any]) -> Reply:
    """A model that answers a record with the word by no JSON at all."""
    return scripted.wrong_schema() if "zeppelin" in str(request["messages"]) else honest(request)


@pytest.fixture
def worker(pool, settings, model):
    return Summarizing(pool, settings, model)


@pytest.fixture
def summarize(worker):
    async def cycle(session, **asked):
        return await worker.summarize(SessionKey("acme", "shop", session), **{"as_of": AS_OF, **asked})

    return cycle


async def due(pool, settings, *, daily=True):
    return [one.session_id for one in await sessions_due(pool, "acme", as_of=AS_OF, daily=daily, settings=settings)]


async def a_good_session(pool, summarize, name="good"):
    await write(pool, "acme", told(12), session=name)
    assert (await summarize(name)).status == "stored"


async def test_a_session_that_fails_in_three_cycles_is_asked_about_no_more(pool, settings, endpoint, summarize):
    endpoint.otherwise = stubborn
    await a_good_session(pool, summarize)
    await write(pool, "acme", [*told(12), POISON], session="bad")
    assert [(await summarize("bad")).reason for _ in range(3)] == ["off_schema"] * 3
    (aside,) = await all_set_aside(pool)
    assert (aside.kind, aside.session_id, aside.reason) == ("session", "bad", "off_schema")
    asked = len(endpoint.requests)
    assert await due(pool, settings) == []
    assert (await summarize("bad")).reason == "insufficient_events"
    await write(pool, "acme", told(10), session="bad", start=AS_OF - timedelta(hours=2))
    assert await due(pool, settings, daily=False) == ["bad"]
    outcome = await summarize("bad")
    assert (outcome.status, outcome.reason, outcome.events) == ("fallback", "set_aside", 23)
    assert len(endpoint.requests) == asked


async def test_a_requeued_session_is_due_and_asked_again(pool, settings, endpoint, summarize):
    endpoint.otherwise = stubborn
    await a_good_session(pool, summarize)
    await write(pool, "acme", [*told(12), POISON], session="bad")
    for _ in range(3):
        await summarize("bad")
    assert await requeue(pool, "acme", session_id="bad") == 1
    assert await due(pool, settings) == ["bad"]
    endpoint.otherwise = honest
    assert (await summarize("bad")).status == "updated"


async def test_what_a_model_wrote_before_stays_when_its_session_is_set_aside(pool, settings, endpoint, summarize):
    endpoint.otherwise = stubborn
    await a_good_session(pool, summarize, "grows")
    (before,) = await derived(pool, "acme")
    await write(pool, "acme", [*told(12), POISON], session="grows", start=AS_OF - timedelta(hours=2))
    assert [(await summarize("grows")).status for _ in range(3)] == ["failed"] * 3
    assert (await summarize("grows")).reason == "set_aside"
    assert await due(pool, settings) == []
    assert (await derived(pool, "acme"))[0]["content"] == before["content"]


@pytest.mark.parametrize(
    "reply",
    [status(500), status(404), scripted.insufficient_quota(), scripted.unauthorized(), scripted.reset()],
    ids=["500", "404", "quota", "401", "reset"],
)
async def test_outages_and_quota_set_nothing_aside(pool, endpoint, summarize, reply):
    endpoint.otherwise = honest
    await a_good_session(pool, summarize)
    await write(pool, "acme", told(13), session="other")
    endpoint.otherwise = reply
    for _ in range(4):
        assert (await summarize("other")).status in ("failed", "fallback")
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.set_aside") == 0


async def test_a_spent_budget_sets_nothing_aside(pool, endpoint, summarize):
    endpoint.otherwise = honest
    await a_good_session(pool, summarize)
    await write(pool, "acme", told(13), session="other")
    await pool.execute("UPDATE maintenance.model_budgets SET tokens = 2000000 WHERE scope = 'tenant/acme'")
    assert [(await summarize("other")).reason for _ in range(4)] == ["budget_exhausted"] * 4
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.set_aside") == 0


async def test_a_request_that_the_endpoint_calls_bad_for_everybody_sets_nothing_aside(pool, endpoint, summarize):
    endpoint.otherwise = status(400)
    for session in ("one", "two"):
        await write(pool, "acme", told(12), session=session)
        for _ in range(4):
            assert (await summarize(session)).reason == "bad_request"
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.set_aside") == 0


async def test_the_memory_that_a_filter_refuses_is_found_left_out_and_later_set_aside(
    pool, settings, endpoint, summarize
):
    endpoint.otherwise = filtered
    ids = await write(pool, "acme", [*told(7), POISON, *told(6)], session="s")
    outcome = await summarize("s")
    assert (outcome.status, outcome.reason, outcome.events) == ("stored", None, 13)
    (row,) = await derived(pool, "acme")
    assert row["metadata"]["left_out"] == [str(ids[7])]
    assert (row["metadata"]["event_count"], "zeppelin" in row["content"]) == (13, False)
    assert await due(pool, settings) == []
    for night in (1, 2):
        start = AS_OF - timedelta(hours=3 - night)
        await write(pool, "acme", told(10), session="s", start=start)
        assert (await summarize("s")).status == "updated"
    (aside,) = await all_set_aside(pool)
    assert (aside.kind, aside.name, aside.session_id, aside.reason) == ("memory", str(ids[7]), "s", "filtered")
    await write(pool, "acme", told(11), session="s", start=AS_OF - timedelta(minutes=50))
    asked = len(endpoint.requests)
    assert (await summarize("s")).status == "updated"
    assert len(endpoint.requests) == asked + 1
    assert (await derived(pool, "acme"))[0]["metadata"]["event_count"] == 44


async def test_the_search_costs_few_questions_and_each_event_is_reported_once(pool, endpoint, summarize):
    endpoint.otherwise = filtered
    await write(pool, "acme", [*told(20), POISON, *told(19)], session="s")
    await summarize("s")
    assert len(endpoint.requests) <= 14
    passed = [request for request in endpoint.requests if "zeppelin" not in str(request["messages"])]
    lines = [line for request in passed[:-1] for line in record_of(request)]
    assert len(lines) == 39


async def test_a_filter_that_refuses_everything_is_not_searched_for_long(pool, endpoint, summarize):
    endpoint.otherwise = status(400, error_code="content_filter")
    await write(pool, "acme", told(200), session="s")
    outcome = await summarize("s")
    assert (outcome.status, outcome.reason) == ("fallback", "filtered")
    assert len(endpoint.requests) <= 26


async def test_a_memory_left_out_of_a_rewritten_summary_is_in_none(pool, endpoint, summarize):
    endpoint.otherwise = stubborn
    ids = await write(pool, "acme", [*told(12), POISON], session="s")
    assert (await summarize("s")).status == "fallback"
    endpoint.otherwise = filtered
    assert (await summarize("s")).status == "updated"
    covered = "SELECT count(*) FROM maintenance.lineage WHERE source_id = ANY ($1)"
    assert [await fetch_value(pool, covered, ids[:12]), await fetch_value(pool, covered, ids[12:])] == [12, 0]
    # The earlier text may repeat what is left out, and no source of it is named any more: it is not kept.
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.changes WHERE before IS NULL") == 1

"""The extractive writer takes over for fallbacks once a model has failed for a whole night."""

from datetime import UTC, datetime, timedelta

import pytest

from memory_maintenance.inspection.figures import store_figures
from memory_maintenance.inspection.model import model_status
from memory_maintenance.inspection.model_answers import answers_check, fallback_check
from memory_maintenance.rae.scheduler import MaintenanceScheduler
from memory_maintenance.store.pool import execute
from memory_maintenance.summarization.takeover import failed_night
from scripted_endpoint.replies import embeddings, status, wrong_schema
from tests.agents import derived, write
from tests.model_path import honest, is_dream, model, settings, told

__all__ = ["model", "settings"]

REFUSED = wrong_schema()
AWAY = status(503, retry_after=3600)
"""Asks for a longer wait than the patience of the settings: the breaker opens at once."""


@pytest.fixture
def run(pool, settings):
    """Runs the daily or hourly maintenance, the breaker closed and two hours after the last run."""

    async def one(kind="daily", tenants=None, **changes):
        await execute(pool, "DELETE FROM maintenance.model_breaker")
        scheduler = MaintenanceScheduler(pool, settings.model_copy(update=changes))
        if kind == "hourly":
            return await scheduler.run_hourly_maintenance()
        return await scheduler.run_daily_maintenance(tenants)

    return one


async def a_session(pool, name):
    first = ord(name[0])  # no two sessions say the same
    events = told(first + 12)[first:]
    await write(pool, "acme", events, session=name, start=datetime.now(UTC) - timedelta(hours=5))


async def written(pool):
    """Return who wrote each session's summary, and whether it is a fallback."""
    rows = await derived(pool, "acme")
    return {row["session_id"]: (row["metadata"]["backend"], row["metadata"]["fallback"]) for row in rows}


@pytest.mark.parametrize("reply", [REFUSED, AWAY], ids=["every answer refused", "the endpoint away"])
async def test_after_a_whole_night_of_failures_fallbacks_are_extractive_until_a_model_answers(
    pool, endpoint, run, reply
):
    await a_session(pool, "one")
    endpoint.otherwise = reply
    await run()
    assert await written(pool) == {"one": ("none", True)}
    await run()
    assert await written(pool) == {"one": ("extractive", True)}
    endpoint.otherwise = honest
    await run()
    assert await written(pool) == {"one": ("openai", False)}
    endpoint.otherwise = reply
    await a_session(pool, "two")
    await run("hourly")
    assert (await written(pool))["two"] == ("none", True)


async def test_one_usable_answer_in_the_night_leaves_raes_fallback(pool, endpoint, run):
    await a_session(pool, "a")
    await a_session(pool, "b")
    endpoint.script(REFUSED, REFUSED)
    endpoint.otherwise = honest
    await run()
    endpoint.otherwise = REFUSED
    await run()
    assert sorted((await written(pool)).values()) == [("none", True), ("openai", False)]


async def test_a_run_has_one_writer_of_fallbacks_from_its_beginning_to_its_end(pool, endpoint, run):
    endpoint.otherwise = REFUSED
    await a_session(pool, "a")
    await run()
    await a_session(pool, "b")
    endpoint.otherwise = lambda request: honest(request) if len(endpoint.requests) == 3 else REFUSED
    await run()
    assert sorted((await written(pool)).values()) == [("extractive", True), ("openai", False)]
    endpoint.otherwise = REFUSED
    await run()
    assert sorted((await written(pool)).values()) == [("none", True), ("openai", False)]


async def test_the_setting_keeps_raes_fallback_whatever_the_model_does(pool, endpoint, run):
    endpoint.otherwise = REFUSED
    await a_session(pool, "one")
    for _ in range(3):
        await run(summarization_fallback_takeover=False)
    assert await written(pool) == {"one": ("none", True)}


async def test_a_run_over_named_tenants_is_not_the_fleets_night(pool, settings, endpoint, run):
    endpoint.otherwise = REFUSED
    await a_session(pool, "one")
    await run(tenants=["acme"])
    assert await failed_night(pool, settings) is None


@pytest.mark.parametrize(
    "reply",
    [status(401), status(402), status(404)],
    ids=["credentials", "quota", "no such model"],
)
async def test_what_leaves_sessions_due_has_no_fallback_to_take_over(pool, settings, endpoint, run, reply):
    endpoint.otherwise = reply
    await a_session(pool, "one")
    await run()
    assert await written(pool) == {}
    assert await failed_night(pool, settings) is None


async def test_answers_with_vectors_are_no_usable_text(pool, settings, endpoint, run):
    endpoint.otherwise = lambda request: embeddings(request) if "input" in request else REFUSED
    await a_session(pool, "one")
    await run(embedding_model="small")
    assert await failed_night(pool, settings) is not None


async def test_doctor_status_and_metrics_say_what_failed_and_what_to_change(pool, settings, endpoint, run):
    endpoint.otherwise = lambda request: status(400) if is_dream(request) else REFUSED
    await a_session(pool, "one")
    await a_session(pool, "two")
    await run()
    check = await answers_check(pool, settings)
    assert check.level == "warning"
    assert check.found == "100% of 4 calls in the last 24 hours gave no usable answer: off_schema 4"
    assert "json_schema" in (check.advice or "")
    fallback = await fallback_check(pool, settings)
    assert (fallback.level, "extractive writer writes the fallbacks" in fallback.found) == ("warning", True)
    figures = await store_figures(pool, settings)
    assert (figures.model_unusable, figures.fallback_takeover) == ({"off_schema": 1.0}, True)
    found = await model_status(pool, settings)
    assert (found.answers.worrying, found.fallback_takeover_since is not None) == (True, True)
    endpoint.otherwise = honest
    await run()
    assert (await fallback_check(pool, settings)).level == "ok"
    assert not (await store_figures(pool, settings)).fallback_takeover

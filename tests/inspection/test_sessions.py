"""Why a session is or is not due: the reasons agree with what a run finds."""

from datetime import timedelta
from typing import Any

import pytest

from memory_maintenance.errors import SessionNotFoundError
from memory_maintenance.inspection.sessions import SessionReport, session_reports
from memory_maintenance.store.pool import Pool, execute
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override
from tests.agents import AS_OF, talk, write
from tests.settings import settings
from tests.steps import Summarizing, sessions_due

RECENTLY = AS_OF - timedelta(minutes=20)
DAYS_AGO = AS_OF - timedelta(days=4)
LONG_AGO = AS_OF - timedelta(days=8)


async def _report(pool: Pool, tenant: str, **chosen: Any) -> SessionReport:
    [report] = await session_reports(pool, settings(**chosen), tenant, "s", as_of=AS_OF)
    return report


@pytest.mark.parametrize(
    ("events", "start", "chosen", "due", "why"),
    [
        pytest.param(12, None, {}, (True, True), "it is due: idle, with 12 new events (needed: 10)", id="idle"),
        pytest.param(9, None, {}, (False, False), "9 new events, 10 are needed (SUMMARIZATION_MIN_EVENTS)", id="few"),
        pytest.param(12, RECENTLY, {}, (False, False), "it still goes on", id="goes on"),
        pytest.param(101, RECENTLY, {}, (False, True), "it is due in the daily run: 101 new events", id="long"),
        pytest.param(101, RECENTLY, {"maintenance_idle_gate_minutes": 60}, (False, False), "it waits: its last event is 18 minutes old, and nothing is written before 60 (MAINTENANCE_IDLE_GATE_MINUTES", id="long, gated"),
        pytest.param(12, RECENTLY, {"maintenance_idle_gate_minutes": 60}, (False, False), "it still goes on", id="goes on, gated"),
        pytest.param(12, LONG_AGO, {}, (False, False), "more than 7 days (SUMMARIZATION_BACKFILL_DAYS)", id="old"),
        pytest.param(12, LONG_AGO, {"summarization_backfill_days": 9}, (False, True), "it is due", id="old, asked for"),
        pytest.param(12, DAYS_AGO, {}, (False, True), "its last new event is older than 3 days: left to the daily run", id="days old"),
        pytest.param(9, DAYS_AGO, {}, (False, False), "9 new events, 10 are needed", id="days old, few"),
        pytest.param(12, None, {"summarization_enabled": False}, (False, False), "SUMMARIZATION_ENABLED is off", id="off"),
    ],
)  # fmt: skip
async def test_the_reason_is_shown_and_a_run_agrees(any_pool, tenant, events, start, chosen, due, why):
    await write(any_pool, tenant, talk(events), session="s", start=start or AS_OF - timedelta(hours=5))
    report = await _report(any_pool, tenant, **chosen)
    assert (report.due_hourly, report.due_daily, why in report.why[0]) == (*due, True)
    for daily, expected in enumerate(due):
        found = await sessions_due(any_pool, tenant, as_of=AS_OF, daily=bool(daily), settings=settings(**chosen))
        assert bool(found) == expected


async def test_what_is_in_a_summary_is_counted_and_no_longer_new(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    await Summarizing(any_pool, settings()).summarize(SessionKey(tenant, "shop", "s"), as_of=AS_OF)
    assert (await _report(any_pool, tenant)).why == ("every event of it is in a summary",)
    await write(any_pool, tenant, talk(3, first=50), session="s", start=AS_OF - timedelta(hours=3))
    report = await _report(any_pool, tenant)
    assert (report.events, report.covered, report.new_events, report.summaries) == (15, 12, 3, 1)
    assert "3 new events, 10 are needed" in report.why[0]


@pytest.mark.parametrize(
    ("days", "due", "why"),
    [
        (2, (True, True), "it is due: idle"),
        (4, (False, True), "last new event"),
        (8, (False, False), "its new events were"),
    ],
)
async def test_events_that_come_late_count_by_their_own_time(any_pool, tenant, days, due, why):
    await write(any_pool, tenant, talk(12), session="s")
    await Summarizing(any_pool, settings()).summarize(SessionKey(tenant, "shop", "s"), as_of=AS_OF)
    await write(any_pool, tenant, talk(12, first=50), session="s", start=AS_OF - timedelta(days=days))
    report = await _report(any_pool, tenant)
    assert (report.new_events, report.due_hourly, report.due_daily) == (12, *due)
    assert why in report.why[0]
    for daily, expected in enumerate(due):
        found = await sessions_due(any_pool, tenant, as_of=AS_OF, daily=bool(daily), settings=settings())
        assert bool(found) == expected


async def test_what_raes_summary_covers_is_covered(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    await write(
        any_pool, tenant, ["By RAE."], session="s", start=AS_OF - timedelta(hours=4), tags=["session_summary"],
        source="summarization_worker",
    )  # fmt: skip
    report = await _report(any_pool, tenant)
    assert (report.covered, report.new_events, report.due_daily) == (12, 0, False)


async def test_operators_words_come_first(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    await pause(any_pool, tenant, by="ana", reason="restoring a backup")
    await override(any_pool, tenant, {"summarization_enabled": False})
    report = await _report(any_pool, tenant)
    assert (report.due_hourly, report.due_daily) == (False, False)
    assert "paused (ana: restoring a backup)" in report.why[0]
    assert "tenants unset" in report.why[1]


async def test_an_override_lets_a_tenant_in_where_summaries_are_off(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    await override(any_pool, tenant, {"summarization_enabled": True})
    report = await _report(any_pool, tenant, summarization_enabled=False)
    assert (report.due_hourly, report.due_daily) == (True, True)
    assert "it is due: idle" in report.why[0]
    assert len(await sessions_due(any_pool, tenant, as_of=AS_OF, settings=settings(summarization_enabled=False))) == 1


async def test_a_session_that_is_set_aside_says_so(any_pool, tenant):
    await write(any_pool, tenant, talk(3), session="s")
    await execute(
        any_pool,
        "INSERT INTO maintenance.set_aside (kind, tenant_id, project, name, session_id, failures, last_round, reason,"
        " set_aside_at) VALUES ('session', $1, 'shop', 'x', 's', 3, 'r', 'repeats', now())",
        tenant,
    )
    report = await _report(any_pool, tenant, openai_api_key="k")
    assert any("set aside" in reason for reason in report.why)


async def test_a_session_of_two_projects_is_listed_twice(any_pool, tenant):
    for project in ("shop", None):
        await write(any_pool, tenant, talk(12), session="s", project=project)
    reports = await session_reports(any_pool, settings(), tenant, "s", as_of=AS_OF)
    assert [report.project for report in reports] == ["default", "shop"]


async def test_a_session_that_is_not_there_is_named(any_pool, tenant):
    with pytest.raises(SessionNotFoundError, match="no session 'nowhere'"):
        await session_reports(any_pool, settings(), tenant, "nowhere", as_of=AS_OF)

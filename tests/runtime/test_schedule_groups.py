"""One Schedule for each group of equal daily times, on a real server and a real store."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client, ScheduleActionStartWorkflow

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch
from memory_maintenance.tenants.daily_times import DEFAULT, applied_groups, groups
from memory_maintenance.tenants.overrides import override
from runtime.health_checks import temporal_checks
from runtime.schedule_groups import apply_groups
from runtime.schedule_orders import backfill, delete, pause, schedule_states, trigger
from runtime.schedules import apply_schedule, described, is_as_set
from runtime.tonight import temporal_state
from runtime.wanted_schedules import schedule_id
from runtime.workers import polling
from tests.agents import write

SETTINGS = Settings(_env_file=None, rae_llm_backend="extractive")
TOKYO = "0 2 * * * Asia/Tokyo"
EARLY = "0 1 * * * UTC"
WRONG = "99 1 * * * UTC"


@pytest.fixture
async def store(pool: Pool) -> Pool:
    for tenant in ("acme", "bolt", "core", "early"):
        await write(pool, tenant, ["The blue tent leaks."])
    for tenant in ("acme", "bolt"):
        await override(pool, tenant, {"time_zone": "Asia/Tokyo"})
    await override(pool, "early", {"daily_cron": "0 1 * * *"})
    return pool


async def states(client: Client, *asked: str) -> dict[str | None, bool]:
    """Return the groups whose Schedule exists, and whether it is paused; None: the daily one."""
    return {state.group: state.paused async for state in schedule_states(client, asked or (EARLY, TOKYO))}


async def request_of(client: Client, group: str | None = None) -> dict[str, object]:
    """Return what a Schedule asks of its runs."""
    found = await described(client.get_schedule_handle(schedule_id("daily", group)))
    assert found is not None
    assert isinstance(found.schedule.action, ScheduleActionStartWorkflow)
    [request] = await client.data_converter.decode(list(found.schedule.action.args), [dict])
    return dict(request)


async def checks(client: Client, pool: Pool) -> dict[str, str]:
    """Return what ``doctor`` says of the Schedules, by what it found."""
    address = client.service_client.config.target_host
    found = await temporal_checks(address, SETTINGS, embedded=False, groups=await groups(pool, SETTINGS))
    return {check.found: check.level for check in found if check.name == "schedules"}


async def test_tenants_of_equal_times_share_a_schedule_that_goes_with_the_last_of_them(temporal, store):
    await apply_schedule(temporal, SETTINGS, "daily")
    before = await request_of(temporal)
    done = await apply_groups(temporal, store, SETTINGS)
    assert done == {schedule_id("daily", group): "created" for group in (EARLY, TOKYO)}
    assert await states(temporal) == {None: False, EARLY: False, TOKYO: False}
    assert {state.time_zone async for state in schedule_states(temporal, [TOKYO])} == {"UTC", "Asia/Tokyo"}
    assert (await request_of(temporal, TOKYO))["schedule"] == TOKYO
    assert (await request_of(temporal))["schedule"] == DEFAULT
    assert set((await apply_groups(temporal, store, SETTINGS)).values()) == {"unchanged"}

    await override(store, "acme", {"time_zone": None})
    assert (await apply_groups(temporal, store, SETTINGS))[schedule_id("daily", TOKYO)] == "unchanged"
    await override(store, "bolt", {"time_zone": None})
    assert (await apply_groups(temporal, store, SETTINGS))[schedule_id("daily", TOKYO)] == "removed"
    await override(store, "early", {"daily_cron": None})
    await apply_groups(temporal, store, SETTINGS)
    assert (await states(temporal), await applied_groups(store)) == ({None: False}, frozenset())
    assert await request_of(temporal) == before
    assert "schedule" not in before


async def test_times_that_the_server_refuses_leave_the_other_groups_alone(temporal, store):
    await override(store, "early", {"daily_cron": "99 1 * * *"})
    done = await apply_groups(temporal, store, SETTINGS)
    assert done[schedule_id("daily", TOKYO)] == "created"
    assert done[schedule_id("daily", WRONG)].startswith("refused: daily_cron of a tenant '99 1 * * *': ")
    assert await applied_groups(store) == {TOKYO}


async def test_a_new_group_is_paused_where_the_daily_schedule_is(temporal, store):
    await apply_schedule(temporal, SETTINGS, "daily")
    await pause(temporal, "daily", note="ana: holiday")
    await apply_groups(temporal, store, SETTINGS)
    assert await states(temporal) == {None: True, EARLY: True, TOKYO: True}


async def test_a_backfill_runs_the_groups_that_have_a_time_in_its_range(temporal, store):
    await apply_schedule(temporal, SETTINGS, "daily")
    await apply_groups(temporal, store, SETTINGS)
    start = datetime(2026, 3, 1, 1, tzinfo=UTC)
    ran = await backfill(temporal, "daily", start, start + timedelta(hours=24), (None, EARLY, TOKYO))
    assert ran == {None: 1, EARLY: 2, TOKYO: 1}
    ran = await backfill(temporal, "daily", start, start + timedelta(minutes=30), (None, EARLY, TOKYO))
    assert ran == {EARLY: 1}


async def test_a_daily_schedule_that_was_changed_by_hand_is_left_alone(temporal, store):
    other = SETTINGS.model_copy(update={"maintenance_daily_deadline_minutes": 60})
    await apply_schedule(temporal, other, "daily")
    await apply_groups(temporal, store, SETTINGS)
    found = await described(temporal.get_schedule_handle(schedule_id("daily")))
    assert found is not None
    assert await is_as_set(temporal, found, other, "daily")


async def test_doctor_and_status_say_what_is_not_applied_gone_or_left_over(temporal, store):
    await apply_schedule(temporal, SETTINGS, "daily")
    left = f"2 tenants at {TOKYO} have no Schedule: they run with the daily one"
    assert (await checks(temporal, store))[left] == "warning"
    worries = temporal_state(temporal, SETTINGS, await groups(store, SETTINGS))
    assert [(group, tenants) for group, tenants, state in (await worries).of_groups if state is None] == [
        (EARLY, 1),
        (TOKYO, 2),
    ]
    await apply_groups(temporal, store, SETTINGS)
    told = await checks(temporal, store)
    assert sorted(level for found, level in told.items() if "hourly" not in found) == ["ok"] * 3
    await delete(temporal, "daily", group=TOKYO)
    gone = f"there is no {schedule_id('daily', TOKYO)} ({TOKYO}): its tenants are not maintained"
    assert (await checks(temporal, store))[gone] == "warning"
    assert (await apply_groups(temporal, store, SETTINGS))[schedule_id("daily", TOKYO)] == "created"
    await override(store, "early", {"daily_cron": None})
    over = f"{schedule_id('daily', EARLY)} is for no tenant any more ({EARLY})"
    assert (await checks(temporal, store))[over] == "warning"


async def test_each_schedules_run_maintains_its_own_tenants_and_only_the_daily_one_is_the_fleets(temporal, store):
    await apply_schedule(temporal, SETTINGS, "daily")
    await apply_groups(temporal, store, SETTINGS)
    async with polling(temporal, SETTINGS, store):
        for group in (None, TOKYO):
            started = await trigger(temporal, "daily", group)
            assert started
            await temporal.get_workflow_handle(started).result()
    ran = await fetch(
        store,
        "SELECT c.config->>'schedule' AS schedule, c.config->>'named_tenants' AS named,"
        " array_agg(r.tenant_id ORDER BY r.tenant_id) AS tenants"
        " FROM maintenance.cycles c JOIN maintenance.tenant_runs r USING (cycle_id) GROUP BY c.cycle_id ORDER BY 1",
    )
    assert [tuple(row) for row in ran] == [(TOKYO, "2", ["acme", "bolt"]), (None, None, ["core"])]

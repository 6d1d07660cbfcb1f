"""What runs now, and Temporal's checks, on a real server with and without workers."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client

from memory_maintenance.decay.task import Decay
from memory_maintenance.inspection.health import Check
from memory_maintenance.settings import Settings
from memory_maintenance.work import Run, TenantPlan
from runtime.health_checks import fairness_check, schedule_check, temporal_checks
from runtime.running import left_running, what_runs
from runtime.runs import start_run
from runtime.schedule_orders import ScheduleState, pause
from runtime.schedules import apply_schedule
from runtime.search_attributes import register_search_attributes
from runtime.workers import polling
from workflows.messages import CycleScope, MaintenanceRequest, TenantRequest
from workflows.options import TASK_QUEUE
from workflows.page import tenant_workflow_id
from workflows.tenant import TenantMaintenanceWorkflow

SETTINGS = Settings(_env_file=None, rae_llm_backend="extractive")


def _address(client: Client) -> str:
    return str(client.service_client.config.target_host)


async def _listed(client: Client, *, running: int) -> None:
    """Wait until the server's list, which lags behind, has so many cycles."""
    async with asyncio.timeout(60):
        while len((await what_runs(client)).cycles) != running:
            await asyncio.sleep(0.05)


async def test_a_cycle_runs_until_it_is_terminated_and_is_left_then(temporal):
    run = await start_run(temporal, MaintenanceRequest())
    assert run.first_execution_run_id
    cycle, unknown = UUID(run.first_execution_run_id), uuid4()
    await _listed(temporal, running=1)
    [found] = (await what_runs(temporal)).cycles
    assert (found.workflow_id, found.cycle_id, found.totals) == (run.id, cycle, None)
    assert await left_running(temporal, [cycle, unknown]) == set()
    await run.terminate()
    await _listed(temporal, running=0)
    assert await left_running(temporal, [cycle, unknown]) == {cycle}


async def test_a_worker_without_a_free_slot_is_known_by_its_last_poll(temporal, pool):
    assert (await what_runs(temporal)).polled_at is None
    async with polling(temporal, SETTINGS, pool), asyncio.timeout(60):
        while (await what_runs(temporal)).polled_at is None:
            await asyncio.sleep(0.05)
    # It polls no more, as one whose slots are all taken: the server remembers it.
    polled_at = (await what_runs(temporal)).polled_at
    assert polled_at is not None
    assert timedelta(0) <= datetime.now(UTC) - polled_at < timedelta(minutes=1)
    await start_run(temporal, MaintenanceRequest())
    await _listed(temporal, running=1)
    running = await what_runs(temporal)
    assert (running.cycles[0].totals, running.polled_at) == (None, polled_at)


async def test_a_tenant_that_is_worked_on_is_named(temporal):
    now = datetime.now(UTC)
    run = Run(cycle_id=uuid4(), as_of=now)
    scope = CycleScope(run=run, deadline=now + timedelta(hours=1), tasks=(Decay.spec,))
    request = TenantRequest(scope=scope, plan=TenantPlan(tenant_id="acme/[x]", units={"decay": 1}))
    await temporal.start_workflow(
        TenantMaintenanceWorkflow.run, request, id=tenant_workflow_id("acme/[x]"), task_queue=TASK_QUEUE
    )
    async with asyncio.timeout(60):
        while not (running := await what_runs(temporal)).tenants:
            await asyncio.sleep(0.05)
    [tenant] = running.tenants
    assert (tenant.tenant_id, tenant.stage, running.tenant_count) == ("acme/[x]", None, 1)


async def _checks(client: Client) -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in await temporal_checks(_address(client), SETTINGS, embedded=False):
        found.setdefault(check.name, []).append(check)
    return found


async def test_a_bare_server_lacks_workers_schedules_and_search_attributes(temporal):
    found = await _checks(temporal)
    assert {name: [check.level for check in checks] for name, checks in found.items()} == {
        "reachable": ["ok"],
        "pollers": ["failure", "failure"],
        "workflows": ["ok"],
        "schedules": ["warning", "warning"],
        "search attributes": ["warning"],
        "fairness": ["note"],
    }
    assert [check.advice for check in found["pollers"]] == [
        "start one: python worker.py --role all",
        "start one: python worker.py --role model",
    ]


async def test_a_server_that_is_set_up_is_well(temporal, pool):
    await register_search_attributes(temporal)
    for kind in ("daily", "hourly"):
        await apply_schedule(temporal, SETTINGS, kind)
    await pause(temporal, "hourly", note="ana: holiday")
    async with polling(temporal, SETTINGS, pool), asyncio.timeout(60):
        while [check.level for check in (await _checks(temporal))["pollers"]] != ["ok", "ok"]:
            await asyncio.sleep(0.05)
        async with asyncio.timeout(60):
            while (await _checks(temporal))["search attributes"][0].level != "ok":
                await asyncio.sleep(0.05)
        schedules = (await _checks(temporal))["schedules"]
    assert [check.level for check in schedules] == ["ok", "warning"]
    assert "paused (ana: holiday)" in schedules[1].found
    assert schedules[1].advice == "starter.py schedules resume hourly"


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"maintenance_daily_cron": "nonsense"}, "MAINTENANCE_DAILY_CRON 'nonsense': "),
        ({"maintenance_time_zone": "Mars/Base"}, "MAINTENANCE_TIME_ZONE: unknown time zone Mars/Base"),
    ],
)
async def test_a_cron_or_zone_that_the_server_refuses_is_a_failure_and_nothing_is_written(temporal, chosen, says):
    checks = await temporal_checks(_address(temporal), Settings(_env_file=None, **chosen), embedded=False)
    refused = [check.found for check in checks if (check.name, check.level) == ("schedules", "failure")]
    assert [found.startswith(says) for found in refused][:1] == [True]
    assert [schedule.id async for schedule in await temporal.list_schedules()] == []


async def test_a_schedule_that_is_not_what_the_settings_say_is_a_warning(temporal):
    await apply_schedule(temporal, SETTINGS, "daily")
    changed = Settings(_env_file=None, maintenance_daily_cron="0 4 * * *", maintenance_hourly_cron="off")
    checks = await temporal_checks(_address(temporal), changed, embedded=False)
    assert [check.level for check in checks if check.name == "schedules"] == ["ok", "warning", "ok"]


async def test_no_answer_at_the_address_is_one_failure():
    [check] = await temporal_checks("127.0.0.1:1", SETTINGS, embedded=False)
    assert (check.level, "does not answer" in check.found) == ("failure", True)


@pytest.mark.parametrize(
    ("there", "wanted", "level"),
    [(False, False, "ok"), (True, False, "warning"), (False, True, "warning"), (True, True, "ok")],
)
def test_a_schedule_is_judged_by_what_is_wanted(there, wanted, level):
    state = ScheduleState(
        "memory-maintenance-daily",
        False,
        None,
        datetime(2026, 3, 10, 2, tzinfo=UTC),
        None,
        None,
        (),
        0,
        0,
        "UTC",
        timedelta(1),
    )
    assert schedule_check("daily", state if there else None, wanted=wanted).level == level


def test_the_embedded_server_is_fair():
    assert (fairness_check(embedded=True).level, fairness_check(embedded=False).level) == ("ok", "note")

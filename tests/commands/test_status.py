import asyncio
import json
from datetime import timedelta

from temporalio.worker import Worker

from memory_maintenance.cycles.outcomes import CycleFailure, TenantOutcome
from memory_maintenance.settings import Settings
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.daily_times import NO_GROUPS
from runtime.running import what_runs
from runtime.schedule_orders import delete, trigger
from runtime.schedule_orders import pause as pause_schedule
from runtime.schedule_orders import resume as resume_schedule
from runtime.schedules import apply_schedule
from runtime.tonight import temporal_state
from tests.agents import write
from tests.nights import DAY, NIGHT, OUTCOMES, night
from workflows.maintenance import MaintenanceWorkflow
from workflows.options import TASK_QUEUE

NOWHERE = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "RAE_LLM_BACKEND": "extractive"}


async def test_without_temporal_it_shows_what_the_store_knows_and_ends_with_1(cli, pool):
    await write(pool, "acme", ["a"])
    await pause(pool, "bolt", by="ana", reason="backup")
    await night(pool)
    told = await cli("status", **NOWHERE)
    assert (told.exit_code, "Temporal does not answer" in told.stderr) == (1, True)
    for part in (
        "last daily success: 2026-03-10 03:00 UTC", "decay: 1 tenants have never been decayed", "no session is due",
        "tenants: 2, 1 paused", "bolt paused since", "(ana: backup)", "no model (extractive); today 0 of",
    ):  # fmt: skip
        assert part in told.stdout


async def test_as_data_what_is_not_known_is_null(cli, pool):
    await night(pool)
    told = json.loads((await cli("status", "--json", **NOWHERE)).stdout)
    assert told["running"] is None
    assert [one["kind"] for one in told["last_success"]] == ["daily"]
    assert told["lag"]["due_sessions"] == 0
    assert told["last_success"][0]["completed_at"] == "2026-03-10T03:00:00+00:00"


async def test_the_last_success_of_each_tenant_and_kind_is_shown_those_that_failed_since_first(cli, pool):
    await night(pool)
    await night(pool, at=NIGHT + DAY, outcomes=(OUTCOMES[0].model_copy(update={"status": "failed"}),))
    shown = (await cli("status", **NOWHERE)).stdout.partition("Last success of each tenant")[2].splitlines()[2:]
    assert [line.split()[:3] for line in shown] == [
        ["<b>&dusk", "daily", "never"], ["cold", "daily", "never"],
        ["acme", "daily", "2026-03-10"], ["bolt", "daily", "2026-03-10"],
    ]  # fmt: skip
    assert [line.split()[-1] for line in shown] == ["1", "1", "1", "0"]


async def test_of_a_large_fleet_the_first_are_shown_and_all_are_data(cli, pool):
    await night(pool, outcomes=tuple(TenantOutcome(tenant_id=f"tenant-{n:02}") for n in range(12)))
    assert "... and 2 more: starter.py status --json" in (await cli("status", **NOWHERE)).stdout
    data = json.loads((await cli("status", "--json", **NOWHERE)).stdout)["last_success_of_tenants"]
    assert [one["tenant_id"] for one in data] == [f"tenant-{n:02}" for n in range(12)]
    assert data[0]["age"] > 0


async def test_the_last_failure_is_shown_of_a_tenant_and_of_a_whole_cycle(cli, pool):
    await night(pool)
    assert "last failure: daily, started 2026-03-10 02:00 UTC, for 2 tenants" in (await cli("status", **NOWHERE)).stdout
    whole = CycleFailure(error_type="StoreError")
    cycle = await night(pool, at=NIGHT + DAY, status="failed", failure=whole, outcomes=())
    told = (await cli("status", **NOWHERE)).stdout
    assert f"UTC, as a whole (StoreError) (starter.py cycles show {str(cycle)[:13]})" in told
    data = json.loads((await cli("status", "--json", **NOWHERE)).stdout)["last_failure"]
    assert (data["cycle_id"], data["failure"]["error_type"]) == (str(cycle), "StoreError")


async def test_without_a_failure_none_is_shown(cli, pool):
    await night(pool, outcomes=())
    assert "last failure" not in (await cli("status", **NOWHERE)).stdout


async def test_a_paused_schedule_is_shown_with_how_to_resume_it(cli, temporal):
    await apply_schedule(temporal, Settings(_env_file=None), "daily")
    await pause_schedule(temporal, "daily", note="ana: holiday")
    told = await cli("status", TEMPORAL_ADDRESS=temporal.service_client.config.target_host)
    assert "memory-maintenance-daily is paused (ana: holiday): starter.py schedules resume daily" in told.stdout


async def test_a_run_that_no_worker_takes_is_shown_as_stuck_with_the_command_that_frees_it(cli, temporal, monkeypatch):
    monkeypatch.setattr("runtime.stuck.UNANSWERED", timedelta(0))
    address = {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host}
    await temporal.start_workflow("MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE)
    async with asyncio.timeout(60):
        while "running: night" not in (shown := (await cli("status", **address)).stdout):
            await asyncio.sleep(0.1)
    assert "UTC: no worker has polled for five minutes: python worker.py" in shown
    assert "UTC, no worker takes its workflow task: python worker.py" in shown
    [stuck] = json.loads((await cli("status", "--json", **address)).stdout)["stuck"]
    assert (stuck["workflow_id"], stuck["why"], stuck["command"]) == ("night", "waiting", "python worker.py")


async def test_the_first_line_and_the_exit_status_say_whether_the_next_daily_run_will_run(cli, temporal):
    settings, address = Settings(_env_file=None), {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host}

    async def first_line():
        told = await cli("status", TEMPORAL_UI_URL="http://ui:8080", **address)
        return told.stdout.splitlines()[0], told.exit_code

    unset = "Tonight: will not run, the daily schedule is not set up yet: starter.py schedules apply"
    assert await first_line() == (unset, 1)
    await apply_schedule(temporal, settings, "daily")
    unpolled = "Tonight 02:00 UTC: will not run, no worker polls: python worker.py"
    assert await first_line() == (unpolled, 1)
    await pause_schedule(temporal, "daily", note="ana: holiday")
    line, status = await first_line()
    assert "will not run, the daily schedule is paused (ana: holiday): starter.py schedules resume daily" in line
    assert status == 1
    await resume_schedule(temporal, "daily", note="ana")
    async with Worker(temporal, task_queue=TASK_QUEUE, workflows=[MaintenanceWorkflow]), asyncio.timeout(60):
        while (await what_runs(temporal)).polled_at is None:
            await asyncio.sleep(0.05)
        assert await first_line() == ("Tonight 02:00 UTC: will run", 0)
        told = await cli("status", "--json", TEMPORAL_UI_URL="http://ui:8080", **address)
    data = json.loads(told.stdout)
    assert (told.exit_code, data["tonight"]["will_run"], data["web_ui"]) == (0, True, "http://ui:8080")
    assert data["tonight"]["next_at"].endswith("T02:00:00+00:00")


async def test_a_schedule_that_has_started_runs_and_is_not_there_is_gone(cli, temporal):
    await apply_schedule(temporal, Settings(_env_file=None), "daily")
    await trigger(temporal, "daily")
    await delete(temporal, "daily")
    async with asyncio.timeout(60):  # the server finds workflows by attribute a moment after they start
        while not (await temporal_state(temporal, Settings(_env_file=None), NO_GROUPS)).gone:
            await asyncio.sleep(0.05)
    told = await cli("status", TEMPORAL_ADDRESS=temporal.service_client.config.target_host)
    gone = "Tonight: will not run, the daily schedule is gone: starter.py schedules apply"
    assert (told.stdout.splitlines()[0], told.output.count("store: ")) == (gone, 1)


async def test_a_completed_run_of_named_tenants_is_a_run(cli, pool):
    await night(pool, config={"named_tenants": 3})
    told = (await cli("status", **NOWHERE)).stdout
    assert "last daily success of named tenants: 2026-03-10 03:00 UTC" in told
    assert "no cycle over all tenants has completed yet: starter.py run daily" in told
    await night(pool, at=NIGHT + DAY)
    told = (await cli("status", **NOWHERE)).stdout
    assert "last daily success: 2026-03-11 03:00 UTC" in told
    assert "named" not in told

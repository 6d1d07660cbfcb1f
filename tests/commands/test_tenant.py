import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from memory_maintenance.tenants.control import pause, resume
from memory_maintenance.tenants.overrides import override
from runtime.runs import DRY_RUN
from tests.agents import talk, write
from tests.nights import night
from workflows.page import tenant_workflow_id

NOW = datetime.now(UTC)


@pytest.fixture
async def acme(pool):
    await write(pool, "acme", talk(12), session="idle", start=NOW - timedelta(hours=5))
    await write(pool, "acme", talk(4), session="short", start=NOW - timedelta(hours=5))
    await override(pool, "acme", {"decay_policy": "bounded"})
    await night(pool, at=NOW - timedelta(hours=20))


@pytest.mark.usefixtures("acme")
async def test_a_tenant_is_shown_with_its_runs_and_what_is_due(cli):
    told = await cli("tenants", "show", "acme")
    assert told.exit_code == 0
    for part in (
        "acme: active", "decay_policy=bounded", "bounded (override)", "decayed as of: never",
        "due now: 1 sessions in a daily run, 1 of them in an hourly one", "session idle, project shop",
        "can dream: no project", "Last runs", "completed",
    ):  # fmt: skip
        assert part in told.stdout


@pytest.mark.usefixtures("acme")
async def test_a_session_that_is_not_due_is_listed_with_the_reason(cli):
    lines = (await cli("tenants", "show", "acme")).stdout.splitlines()
    [line] = [line for line in lines if line.startswith("short ")]
    assert "4 new events, 10 are needed (SUMMARIZATION_MIN_EVENTS)" in line
    [session] = json.loads((await cli("tenants", "show", "acme", "--json")).stdout)["not_due"]
    assert (session["session_id"], session["new_events"]) == ("short", 4)


@pytest.mark.usefixtures("acme")
async def test_the_last_orders_are_shown(cli, pool):
    until = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
    await pause(pool, "acme", by="ana", reason="<b>[backup]", until=until)
    await resume(pool, "acme", by="bo")
    lines = (await cli("tenants", "show", "acme")).stdout.splitlines()
    told = [line.split(maxsplit=2)[2].split() for line in lines[lines.index("Last orders") + 2 :][:3]]
    assert told == [
        ["resume", "bo", "-"],
        ["pause", "until", "2030-01-02", "03:04", "ana", "<b>[backup]"],
        ["set", "decay_policy=bounded", "-", "-"],
    ]


@pytest.mark.usefixtures("acme")
async def test_a_cancel_is_an_order_only_where_something_ran(cli, temporal):
    cancel = ("tenants", "cancel", "acme", "--by", "ana", "--reason", "too long")
    server = {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host}
    assert "nothing runs" in (await cli(*cancel, **server)).stdout
    await temporal.start_workflow(
        "TenantMaintenanceWorkflow", id=tenant_workflow_id("acme"), task_queue="nobody polls it"
    )
    assert "cancelled the run" in (await cli(*cancel, **server)).stdout
    orders = json.loads((await cli("tenants", "show", "acme", "--json")).stdout)["orders"]
    assert [(order["action"], order["ordered_by"], order["reason"]) for order in orders] == [
        ("cancel", "ana", "too long"), ("set", None, None),
    ]  # fmt: skip


@pytest.mark.usefixtures("acme")
async def test_a_tenant_without_a_run_of_its_own_is_cancelled_in_the_cycles_that_run(cli, temporal):
    server = {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host}
    names = ("memory-maintenance-daily-1", f"memory-maintenance-daily{DRY_RUN}1")
    cycle, dry_run = [
        await temporal.start_workflow("MaintenanceWorkflow", id=name, task_queue="nobody polls it") for name in names
    ]
    said = ""
    while "running cycle" not in said:  # the server lists a run a little after it is started
        said = (await cli("tenants", "cancel", "acme", "--by", "ana", **server)).stdout
    assert "acme has no run of its own now; 1 running cycle(s) begin nothing more for it" in said
    assert await _signals(cycle) == [("cancel_tenant", {"by": "ana", "reason": None, "tenant_id": "acme"})]
    assert await _signals(dry_run) == []


async def _signals(run: WorkflowHandle[Any, Any]) -> list[tuple[str, object]]:
    found = []
    async for event in run.fetch_history_events():
        signal = event.workflow_execution_signaled_event_attributes
        if signal.signal_name:
            found.append((signal.signal_name, json.loads(signal.input.payloads[0].data)))
    return found


@pytest.mark.usefixtures("acme")
async def test_a_paused_tenant_says_so_and_how_to_go_on(cli, pool):
    await pause(pool, "acme", by="ana", reason="backup")
    told = await cli("tenants", "show", "acme")
    assert "paused since" in told.stdout
    assert "(ana: backup)" in told.stdout
    assert "starter.py tenants resume acme" in told.stdout


@pytest.mark.usefixtures("acme")
async def test_why_a_session_was_not_summarized_takes_one_command(cli):
    told = await cli("tenants", "show", "acme", "--session", "short")
    assert told.stdout.splitlines()[0] == "session short, project shop: not due"
    assert "4 new events, 10 are needed (SUMMARIZATION_MIN_EVENTS)" in told.stdout
    assert (await cli("tenants", "show", "acme", "--session", "idle")).stdout.startswith(
        "session idle, project shop: due in the next run"
    )


@pytest.mark.usefixtures("acme")
async def test_both_are_there_as_data(cli):
    tenant = json.loads((await cli("tenants", "show", "acme", "--json")).stdout)
    assert (tenant["due"]["sessions_daily"], tenant["decay"]["policy"], len(tenant["runs"])) == (1, "bounded", 1)
    [session] = json.loads((await cli("tenants", "show", "acme", "--session", "short", "--json")).stdout)
    assert (session["due_daily"], session["new_events"]) == (False, 4)


@pytest.mark.parametrize(
    ("arguments", "says"), [(("nobody",), "no tenant 'nobody'"), (("acme", "--session", "x"), "no session 'x'")]
)
@pytest.mark.usefixtures("acme")
async def test_what_is_not_there_is_named(cli, arguments, says):
    told = await cli("tenants", "show", *arguments)
    assert (told.exit_code, told.stdout, says in told.stderr) == (1, "", True)

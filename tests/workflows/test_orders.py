"""Pause, resume and cancel: by signals of any shape, at any time."""

import pytest
from temporalio.client import Client

from memory_maintenance.database.pool import fetch_value
from memory_maintenance.operations.tenants import control_of, pause
from tests.histories.slow import slow_tenant
from tests.workflows.conftest import remember_session
from workflows.options import TASK_QUEUE
from workflows.tenant import TenantMaintenanceWorkflow


@pytest.fixture
async def slow(temporal: Client):
    async with slow_tenant(temporal) as run_and_decay:
        yield run_and_decay


@pytest.mark.parametrize(
    ("signal", "inputs", "status"),
    [
        pytest.param("pause", [], "paused", id="a bare pause"),
        pytest.param("pause", [{"by": "ana", "reason": "restore"}], "paused", id="who and why"),
        pytest.param("pause", [None], "paused", id="null"),
        pytest.param("pause", [["odd"], 7, {}], "paused", id="three odd inputs"),
        pytest.param("cancel", [{"nobody": "knows"}], "cancelled", id="an unknown field"),
        pytest.param("cancel", [3.5, "x"], "cancelled", id="two odd inputs"),
    ],
)
async def test_a_signal_of_any_shape_ends_the_run_after_its_batch(slow, signal, inputs, status):
    run, slow = slow
    await slow.started.acquire()
    await run.signal(signal, args=inputs)
    slow.may_end.release()
    outcome = await run.result()
    assert (outcome.status, outcome.decay.updated) == (status, 1)
    assert [order.action for order in slow.orders] == (["pause"] if signal == "pause" else [])


async def test_a_field_of_the_wrong_type_is_ignored_and_the_run_goes_on(slow):
    run, slow = slow
    await slow.started.acquire()
    await run.signal("pause", {"until": "when the cows come home"})
    slow.may_end.release()
    await slow.started.acquire()
    assert await run.query(TenantMaintenanceWorkflow.status) == "decay"
    await run.signal("cancel")
    slow.may_end.release()
    assert (await run.result()).status == "cancelled"


async def test_pausing_twice_and_resuming_before_the_batch_ends_changes_nothing(slow):
    run, slow = slow
    await slow.started.acquire()
    for signal in ("pause", "pause", "resume", "resume"):
        await run.signal(signal)
    slow.may_end.release()
    await slow.started.acquire()
    assert await run.query(TenantMaintenanceWorkflow.status) == "decay"
    await run.signal("cancel")
    slow.may_end.release()
    assert (await run.result()).decay.updated == 2


async def test_a_paused_tenant_is_left_out_until_it_is_resumed_and_then_catches_up(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    await pause(pool, "acme", by="ana")
    async with working():
        left_out = await temporal.execute_workflow("MaintenanceWorkflow", id="1", task_queue=TASK_QUEUE)
        root = await temporal.start_workflow("MaintenanceWorkflow", id="2", task_queue=TASK_QUEUE)
        await root.signal("resume_tenant", "acme")
        caught_up = await root.result()
    assert left_out["tenants"] == {"looked_at": 1, "left_paused": 1, "with_work": 0}
    assert caught_up["decay"]["total_updated"] == 12
    assert not (await control_of(pool, "acme")).paused


async def test_a_tenant_paused_at_the_root_is_paused_in_the_store(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    async with working():
        root = await temporal.start_workflow(
            "MaintenanceWorkflow",
            id="1",
            task_queue=TASK_QUEUE,
            start_signal="pause_tenant",
            start_signal_args=[{"tenant_id": "acme", "by": "ana", "reason": "restore"}],
        )
        await root.result()
    control = await control_of(pool, "acme")
    assert (control.paused, control.paused_by, control.paused_reason) == (True, "ana", "restore")


@pytest.mark.parametrize("inputs", [[], [None], [{}], [7], [["acme"]], [{"tenant_id": 7}], [{"tenant_id": ""}, "acme"]])
async def test_an_order_that_names_no_tenant_is_harmless(temporal, pool, working, inputs):
    async with working():
        root = await temporal.start_workflow(
            "MaintenanceWorkflow",
            id="1",
            task_queue=TASK_QUEUE,
            start_signal="pause_tenant",
            start_signal_args=inputs,
        )
        assert (await root.result())["failed_tenants"] == []
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.tenants WHERE paused") == 0


async def test_resuming_a_tenant_that_nobody_knows_hurts_nobody(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    async with working():
        root = await temporal.start_workflow(
            "MaintenanceWorkflow",
            id="1",
            task_queue=TASK_QUEUE,
            start_signal="resume_tenant",
            start_signal_args=["nobody"],
        )
        assert (await root.result())["tenants"]["completed"] == 1


async def test_a_tenant_cancelled_before_it_starts_does_nothing(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    async with working():
        root = await temporal.start_workflow(
            "MaintenanceWorkflow",
            id="1",
            task_queue=TASK_QUEUE,
            start_signal="cancel_tenant",
            start_signal_args=["acme"],
        )
        stats = await root.result()
    assert stats["tenants"]["cancelled"] == 1
    assert stats["decay"]["total_updated"] == 0

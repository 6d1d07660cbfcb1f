"""Pause, resume and cancel: by signals of any shape, at any time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle

from memory_maintenance.store.pool import Pool, fetch_value
from memory_maintenance.tenants.control import control_of, pause
from tests.histories.slow import SlowDecay, slow_tenant
from tests.workflows.conftest import Working, remember_session
from workflows.options import TASK_QUEUE
from workflows.tenant import TenantMaintenanceWorkflow

Cycle = Callable[..., Awaitable[dict[str, Any]]]


@dataclass
class SlowRun:
    """A tenant's run whose every batch waits until it may end."""

    handle: WorkflowHandle[Any, Any]
    decay: SlowDecay

    async def told(self, *signals: str, args: Any = ()) -> None:
        """Send *signals* while a batch runs, then let it end."""
        await self.decay.started.acquire()
        for signal in signals:
            await self.handle.signal(signal, args=args)
        self.decay.may_end.release()

    async def goes_on(self) -> bool:
        """Return whether another batch has begun and the run is at it."""
        await self.decay.started.acquire()
        self.decay.started.release()
        return await self.handle.query(TenantMaintenanceWorkflow.status) == "decay"


@pytest.fixture
async def slow(temporal: Client) -> AsyncIterator[SlowRun]:
    async with slow_tenant(temporal) as (handle, decay):
        yield SlowRun(handle, decay)


@pytest.fixture
async def cycle(temporal: Client, pool: Pool, working: Working) -> Cycle:
    """``await cycle(signal, *inputs)``: the statistics of a cycle over acme, started with a signal."""
    await remember_session(pool, "acme", events=12)

    async def run(signal: str | None = None, *inputs: Any) -> dict[str, Any]:
        async with working():
            stats: dict[str, Any] = await temporal.execute_workflow(
                "MaintenanceWorkflow", id="cycle", task_queue=TASK_QUEUE, start_signal=signal, start_signal_args=inputs
            )
        return stats

    return run


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
    await slow.told(signal, args=inputs)
    outcome = await slow.handle.result()
    assert (outcome.status, outcome.of("decay").of("updated")) == (status, 1)
    assert [order.action for order in slow.decay.orders] == (["pause"] if signal == "pause" else [])


async def test_a_field_of_the_wrong_type_is_ignored_and_the_run_goes_on(slow):
    await slow.told("pause", args=[{"until": "when the cows come home"}])
    assert await slow.goes_on()
    await slow.told("cancel")
    assert (await slow.handle.result()).status == "cancelled"


async def test_pausing_twice_and_resuming_before_the_batch_ends_changes_nothing(slow):
    await slow.told("pause", "pause", "resume", "resume")
    assert await slow.goes_on()
    await slow.told("cancel")
    assert (await slow.handle.result()).of("decay").of("updated") == 2


async def test_a_paused_tenant_is_left_out_until_it_is_resumed_and_then_catches_up(pool, cycle):
    await pause(pool, "acme", by="ana")
    left_out = await cycle()
    caught_up = await cycle("resume_tenant", "acme")
    assert left_out["tenants"] == {"looked_at": 1, "left_paused": 1, "with_work": 0}
    assert caught_up["decay"]["total_updated"] == 12
    assert not (await control_of(pool, "acme")).paused


async def test_a_tenant_paused_at_the_root_is_paused_in_the_store(pool, cycle):
    await cycle("pause_tenant", {"tenant_id": "acme", "by": "ana", "reason": "restore"})
    control = await control_of(pool, "acme")
    assert (control.paused, control.paused_by, control.paused_reason) == (True, "ana", "restore")


@pytest.mark.parametrize("inputs", [[], [None], [{}], [7], [["acme"]], [{"tenant_id": 7}], [{"tenant_id": ""}, "acme"]])
async def test_an_order_that_names_no_tenant_is_harmless(pool, cycle, inputs):
    assert (await cycle("pause_tenant", *inputs))["tenants"]["completed"] == 1
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.tenants WHERE paused") == 0


async def test_resuming_an_unknown_tenant_does_no_harm(cycle):
    assert (await cycle("resume_tenant", "nobody"))["tenants"]["completed"] == 1


async def test_a_tenant_cancelled_before_it_starts_does_nothing(cycle):
    stats = await cycle("cancel_tenant", "acme")
    assert stats["tenants"]["cancelled"] == 1
    assert stats["decay"]["total_updated"] == 0

"""How a cycle ends: orders that come at its very end, pages that it stops, tenants that no workflow can be named after."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.messages import (
    CloseCycleRequest,
    OpenCycleRequest,
    OpenCycleResult,
    PlanPageRequest,
    PlanPageResult,
    RecordPageRequest,
    TenantOrder,
    UnitRequest,
)
from memory_maintenance.cycles.outcomes import CycleFailure
from memory_maintenance.decay.task import Decay
from memory_maintenance.work import Counts, Done, TenantPlan
from tests.histories.slow import EmptyFleet
from workflows.maintenance import MaintenanceWorkflow
from workflows.options import TASK_QUEUE
from workflows.page import MaintenancePageWorkflow, tenant_workflow_id
from workflows.tenant import TenantMaintenanceWorkflow

NO_ID = "😀" * 255
"""255 characters, 1020 bytes: more than Temporal takes for the id of a workflow."""

DECAYED = Done(counts=Counts(seen=5, updated=5))


class Fleet(EmptyFleet):
    """A fleet whose cycles close when the test says so, and that notes what reaches the store."""

    def __init__(self, *, pages: int = 1) -> None:
        super().__init__(pages=pages)
        self.planning, self.closing, self.may_close = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.closes: list[CloseCycleRequest] = []
        self.orders: list[tuple[str, str]] = []
        self.recorded: dict[str, str] = {}

    @activity.defn(name="open_cycle")
    async def open_cycle(self, _: OpenCycleRequest) -> OpenCycleResult:
        return OpenCycleResult(as_of=self.as_of, deadline_minutes=60, fail_ratio=1.0, config={}, tasks=(Decay.spec,))

    @activity.defn(name="plan_page")
    async def plan_page(self, request: PlanPageRequest) -> PlanPageResult:
        self.planning.set()
        return await super().plan_page(request)

    @activity.defn(name="close_cycle")
    async def close_cycle(self, request: CloseCycleRequest) -> None:
        self.closes.append(request)
        self.closing.set()
        await self.may_close.wait()

    @activity.defn(name="carry_out_order")
    async def carry_out_order(self, order: TenantOrder) -> None:
        self.orders.append((order.action, order.tenant_id))

    @activity.defn(name="record_page")
    async def record_page(self, request: RecordPageRequest) -> None:
        self.recorded |= {outcome.tenant_id: outcome.status for outcome in request.outcomes}

    @activity.defn(name="decay_batch")
    async def decay_batch(self, _: UnitRequest) -> Done:
        return DECAYED

    def worker(self, client: Client) -> Worker:
        return Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[MaintenanceWorkflow, MaintenancePageWorkflow, TenantMaintenanceWorkflow],
            activities=[
                *(self.open_cycle, self.plan_page, self.record_page, self.close_cycle),
                *(self.carry_out_order, self.decay_batch),
            ],
        )


class FailingFleet(Fleet):
    """Its first page has a tenant that takes for ever; its second cannot be planned once the others are done."""

    def __init__(self) -> None:
        super().__init__()
        self.others_done = asyncio.Event()
        self.may_close.set()

    @activity.defn(name="plan_page")
    async def plan_page(self, request: PlanPageRequest) -> PlanPageResult:
        if request.after is None:
            return _planned("slow", "quick", cursor="slow")
        await self.others_done.wait()
        raise ApplicationError("run migrate", type="NotMigratedError", non_retryable=True)

    @activity.defn(name="decay_batch")
    async def decay_batch(self, request: UnitRequest) -> Done:
        if request.tenant_id == "quick":
            self.others_done.set()
            return DECAYED
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.05)


class NamelessFleet(Fleet):
    """Has a tenant with an id that is too long."""

    @activity.defn(name="plan_page")
    async def plan_page(self, _: PlanPageRequest) -> PlanPageResult:
        return _planned(NO_ID, "acme", cursor=None)


def _planned(*tenants: str, cursor: str | None) -> PlanPageResult:
    plans = tuple(TenantPlan(tenant_id=tenant, units={"decay": 1}) for tenant in tenants)
    return PlanPageResult(plans=plans, cursor=cursor, looked_at=len(plans), paused=0)


@pytest.mark.parametrize(("pages", "ending"), [(1, "completed"), (10**6, "cancelled")])
async def test_an_order_that_comes_while_the_cycle_closes_is_carried_out(temporal: Client, pages, ending):
    fleet = Fleet(pages=pages)
    async with fleet.worker(temporal):
        run = await temporal.start_workflow("MaintenanceWorkflow", id="cycle", task_queue=TASK_QUEUE)
        await fleet.planning.wait()
        if ending == "cancelled":
            await run.cancel()
        async with asyncio.timeout(60):
            await fleet.closing.wait()
        await run.signal("pause_tenant", "acme")
        fleet.may_close.set()
        stats = await run.result()
    assert (fleet.closes[-1].status, fleet.orders) == (ending, [("pause", "acme")])
    assert stats.get("status", "completed") == ending


async def test_pages_that_a_failing_cycle_stops_are_recorded_and_not_lost(temporal: Client):
    fleet = FailingFleet()
    async with fleet.worker(temporal):
        with pytest.raises(WorkflowFailureError):
            await temporal.execute_workflow("MaintenanceWorkflow", id="cycle", task_queue=TASK_QUEUE)
    assert fleet.recorded == {"quick": "completed", "slow": "cancelled"}
    closed = fleet.closes[-1]
    assert (closed.status, closed.totals.statuses.get("page_failed", 0)) == ("failed", 0)
    assert closed.totals.failure == CycleFailure(error_type="NotMigratedError", message="run migrate")


async def test_a_tenant_whose_id_temporal_does_not_take_is_served_and_cancelled_as_any_other(temporal: Client):
    fleet = NamelessFleet()
    fleet.may_close.set()
    async with fleet.worker(temporal):
        await temporal.execute_workflow("MaintenanceWorkflow", id="cycle", task_queue=TASK_QUEUE)
        served = dict(fleet.recorded)
        await temporal.execute_workflow(
            "MaintenanceWorkflow",
            id="other",
            task_queue=TASK_QUEUE,
            start_signal="cancel_tenant",
            start_signal_args=["acme"],
        )
    assert served == {NO_ID: "completed", "acme": "completed"}
    assert fleet.recorded == {NO_ID: "completed", "acme": "cancelled"}


async def test_a_daily_run_waits_for_the_run_that_works_on_a_tenant(temporal: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workflows.options.ALREADY_RUNNING", timedelta(milliseconds=100))
    fleet = NamelessFleet()
    fleet.may_close.set()
    other = await temporal.start_workflow("TenantMaintenanceWorkflow", id=tenant_workflow_id("acme"), task_queue="none")
    async with fleet.worker(temporal):
        run = await temporal.start_workflow("MaintenanceWorkflow", id="cycle", task_queue=TASK_QUEUE)
        async with asyncio.timeout(60):
            await timer_fired(temporal, "cycle/page-1")
        await other.terminate("done")
        stats = await run.result()
    assert (fleet.recorded["acme"], stats["decay"]["total_updated"]) == ("completed", 10)


async def timer_fired(client: Client, workflow_id: str) -> None:
    """Wait until a timer of a workflow has fired."""
    while True:
        with suppress(RPCError):
            history = await client.get_workflow_handle(workflow_id).fetch_history()
            if any(event.HasField("timer_fired_event_attributes") for event in history.events):
                return
        await asyncio.sleep(0.05)

"""A tenant so large that every batch of its decay waits until a test lets it end, and a fleet of many empty pages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.messages import (
    CloseCycleRequest,
    ForeseeCostsRequest,
    OpenCycleRequest,
    OpenCycleResult,
    PlanPageRequest,
    PlanPageResult,
    TenantOrder,
    UnitRequest,
)
from memory_maintenance.cycles.preview import PreviewCosts
from memory_maintenance.decay.task import Decay, DecayUnit
from memory_maintenance.work import Counts, Done, Run, TenantPlan
from workflows.maintenance import MaintenanceWorkflow
from workflows.messages import CycleScope, TenantRequest
from workflows.options import TASK_QUEUE
from workflows.page import tenant_workflow_id
from workflows.tenant import TenantMaintenanceWorkflow


class SlowDecay:
    def __init__(self) -> None:
        self.started = asyncio.Semaphore(0)
        self.may_end = asyncio.Semaphore(0)
        self.orders: list[TenantOrder] = []
        self.asked: list[UnitRequest] = []

    @activity.defn(name="decay_batch")
    async def decay_batch(self, request: UnitRequest) -> Done:
        self.asked.append(request)
        batch = len(self.asked)
        self.started.release()
        await self.may_end.acquire()
        return Done(counts=Counts(seen=1, updated=1), next=DecayUnit(after=UUID(int=batch)))

    @activity.defn(name="carry_out_order")
    async def carry_out_order(self, order: TenantOrder) -> None:
        self.orders.append(order)


@asynccontextmanager
async def slow_tenant(
    client: Client, *, search_attributes: bool = False, **chosen: Any
) -> AsyncIterator[tuple[WorkflowHandle[Any, Any], SlowDecay]]:
    """Run one tenant's workflow with a decay that waits, in a cycle with what is *chosen*."""
    decay = SlowDecay()
    activities: list[Callable[..., Any]] = [decay.decay_batch, decay.carry_out_order]
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[TenantMaintenanceWorkflow], activities=activities):
        scope = CycleScope(
            run=Run(cycle_id=uuid4(), as_of=datetime(2026, 11, 24, tzinfo=UTC), **chosen),
            deadline=datetime.now(UTC) + timedelta(hours=1),
            tasks=(Decay.spec,),
            search_attributes=search_attributes,
        )
        run = await client.start_workflow(
            TenantMaintenanceWorkflow.run,
            TenantRequest(scope=scope, plan=TenantPlan(tenant_id="acme", units={"decay": 1})),
            id=tenant_workflow_id("acme", dry_run_id=scope.dry_run_id),
            task_queue=TASK_QUEUE,
        )
        yield run, decay


class EmptyFleet:
    """A fleet of so many pages without work: only its root runs."""

    def __init__(self, *, pages: int) -> None:
        self.pages = pages
        self.as_of = datetime(2026, 11, 24, tzinfo=UTC)
        self.planned: list[PlanPageRequest] = []
        self.opened = self.closed = 0

    @activity.defn(name="open_cycle")
    async def open_cycle(self, _: OpenCycleRequest) -> OpenCycleResult:
        self.opened += 1
        return OpenCycleResult(
            as_of=self.as_of,
            deadline_minutes=60,
            fail_ratio=0.5,
            config={},
            tasks=(Decay.spec,),
            search_attributes=True,
        )

    @activity.defn(name="plan_page")
    async def plan_page(self, request: PlanPageRequest) -> PlanPageResult:
        self.planned.append(request)
        cursor = str(len(self.planned)) if len(self.planned) < self.pages else None
        return PlanPageResult(plans=(), cursor=cursor, looked_at=1, paused=0)

    @activity.defn(name="foresee_costs")
    async def foresee_costs(self, _: ForeseeCostsRequest) -> PreviewCosts:
        return PreviewCosts()

    @activity.defn(name="close_cycle")
    async def close_cycle(self, _: CloseCycleRequest) -> None:
        self.closed += 1


@asynccontextmanager
async def working_on(client: Client, fleet: EmptyFleet) -> AsyncIterator[None]:
    """Let a worker walk *fleet* while the body runs."""
    activities: list[Callable[..., Any]] = [fleet.open_cycle, fleet.plan_page, fleet.foresee_costs, fleet.close_cycle]
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[MaintenanceWorkflow], activities=activities):
        yield

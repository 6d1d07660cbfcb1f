"""A tenant so large that every batch of its decay waits until a test lets it end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.messages import DecayBatchRequest, DecayBatchResult, TenantOrder, TenantPlan
from workflows.messages import TenantRequest
from workflows.options import TASK_QUEUE
from workflows.page import tenant_workflow_id
from workflows.tenant import TenantMaintenanceWorkflow


class SlowDecay:
    def __init__(self) -> None:
        self.started = asyncio.Semaphore(0)
        self.may_end = asyncio.Semaphore(0)
        self.orders: list[TenantOrder] = []
        self.batches = 0

    @activity.defn(name="decay_batch")
    async def decay_batch(self, _: DecayBatchRequest) -> DecayBatchResult:
        self.batches += 1
        self.started.release()
        await self.may_end.acquire()
        return DecayBatchResult(status="more", seen=self.batches, updated=self.batches)

    @activity.defn(name="carry_out_order")
    async def carry_out_order(self, order: TenantOrder) -> None:
        self.orders.append(order)


@asynccontextmanager
async def slow_tenant(client: Client) -> AsyncIterator[tuple[WorkflowHandle[Any, Any], SlowDecay]]:
    """Run one tenant's workflow with a decay that waits."""
    decay = SlowDecay()
    activities: list[Callable[..., Any]] = [decay.decay_batch, decay.carry_out_order]
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[TenantMaintenanceWorkflow], activities=activities):
        request = TenantRequest(
            plan=TenantPlan(tenant_id="acme", decay=True),
            cycle_id=uuid4(),
            as_of=datetime(2026, 11, 24, tzinfo=UTC),
            kind="daily",
            deadline=datetime.now(UTC) + timedelta(hours=1),
        )
        run = await client.start_workflow(
            TenantMaintenanceWorkflow.run, request, id=tenant_workflow_id("acme"), task_queue=TASK_QUEUE
        )
        yield run, decay

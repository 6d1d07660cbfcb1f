"""Orders that arrive while a workflow continues as new: each is carried out, once and in its order."""

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from activities.messages import (
    LookUpTenantRequest,
    OpenCycleRequest,
    OpenCycleResult,
    PlanPageRequest,
    PlanPageResult,
    TenantOrder,
    TenantState,
)
from tests.histories.slow import EmptyFleet
from tests.visible import listed
from workflows.maintenance import MaintenanceWorkflow
from workflows.options import TASK_QUEUE

TENANTS = [f"tenant-{n:02}" for n in range(40)]


class Walked(EmptyFleet):
    """A fleet of so many empty pages that its root continues as new several times; it notes orders, and ends on request."""

    def __init__(self) -> None:
        super().__init__(pages=10**6)
        self.orders: list[tuple[str, str]] = []
        self.enough = False

    @activity.defn(name="plan_page")
    async def plan_page(self, request: PlanPageRequest) -> PlanPageResult:
        page = await super().plan_page(request)
        return page.model_copy(update={"cursor": None}) if self.enough else page

    @activity.defn(name="open_cycle")
    async def open_cycle(self, request: OpenCycleRequest) -> OpenCycleResult:
        return (await super().open_cycle(request)).model_copy(update={"search_attributes": False})

    @activity.defn(name="look_up_tenant")
    async def look_up_tenant(self, _: LookUpTenantRequest) -> TenantState:
        return TenantState(paused=False)

    @activity.defn(name="carry_out_order")
    async def carry_out_order(self, order: TenantOrder) -> None:
        self.orders.append((order.action, order.tenant_id))

    def worker(self, client: Client) -> Worker:
        activities: list[Callable[..., Any]] = [
            *(self.open_cycle, self.plan_page, self.close_cycle),
            *(self.look_up_tenant, self.carry_out_order),
        ]
        return Worker(client, task_queue=TASK_QUEUE, workflows=[MaintenanceWorkflow], activities=activities)


async def test_signals_and_updates_that_come_as_the_root_continues_as_new_are_carried_out(hasty_temporal):
    fleet = Walked()
    async with fleet.worker(hasty_temporal):
        run = await hasty_temporal.start_workflow("MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE)
        root = hasty_temporal.get_workflow_handle("night")  # whichever of its runs is the newest

        async def order(tenant: str) -> None:
            await root.signal("pause_tenant", tenant)
            await root.signal("resume_tenant", tenant)

        async with asyncio.timeout(90):
            for first in range(0, len(TENANTS), 4):
                planned = len(fleet.planned)
                await asyncio.gather(*map(order, TENANTS[first : first + 4]))
                while len(fleet.planned) < planned + 5:  # so that turns come between, and in the middle of, orders
                    await asyncio.sleep(0.01)
            answers = await asyncio.gather(*(root.execute_update("pause_tenant", tenant) for tenant in TENANTS[:8]))
            fleet.enough = True
            await run.result()
    await listed(hasty_temporal, "WorkflowId = 'night'", until=lambda turns: len(turns) > 2)
    assert answers == [f"paused {tenant}" for tenant in TENANTS[:8]]
    by_signal = fleet.orders[: 2 * len(TENANTS)]
    for tenant in TENANTS:
        assert [action for action, of in by_signal if of == tenant] == ["pause", "resume"]
    assert sorted(fleet.orders[2 * len(TENANTS) :]) == [("pause", tenant) for tenant in TENANTS[:8]]

"""MaintenanceWorkflow: one cycle over the fleet."""

import asyncio
from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.messages import PlanPageRequest, PlanPageResult, TenantOrder
    from activities.planning import PlanningActivities
    from memory_maintenance.cycles.outcomes import CycleTotals
    from memory_maintenance.work import TaskSpec, TenantPlan
    from workflows import cycle
    from workflows.failures import cycle_failure, error_type
    from workflows.messages import PageRequest, understood
    from workflows.options import NAMED_AT_ONCE, PAGE_SIZE, is_large, sql
    from workflows.orders import OrderQueue, understood_order
    from workflows.page import tenant_workflow_id
    from workflows.running_pages import RunningPages, signal


@workflow.defn(name="MaintenanceWorkflow", failure_exception_types=[TypeError])
class MaintenanceWorkflow:
    """Plan the fleet page by page, work through the pages, add up.

    Start it with no input for a daily run over every tenant. Signals, and updates of the same names that
    answer, with a tenant id or ``{"tenant_id": …, "by": …, "reason": …}``: ``pause_tenant``,
    ``resume_tenant``, ``cancel_tenant``. Queries: ``status`` and ``progress``. Returns RAE's statistics; of a dry run
    those of the run that would be; of a cancelled run what was done, with ``status`` "cancelled".
    """

    @workflow.init
    def __init__(self, request: Any = None) -> None:
        self._request = understood(request)
        self._orders = OrderQueue(self._note_order, dry_run=self._request.dry_run)
        self._totals = CycleTotals()
        self._pages = RunningPages(self._note_page)
        self._cancelled: set[str] = set()
        self._resumed: list[str] = []
        self._phase = "starting"

    @workflow.signal
    def pause_tenant(self, *args: Any) -> None:
        """Pause a tenant: what runs ends after its batch, later cycles leave it out."""
        self._orders.receive("pause", args)

    @workflow.signal
    def resume_tenant(self, *args: Any) -> None:
        """Resume a tenant; what it still has to do is done at the end of this cycle."""
        self._orders.receive("resume", args)

    @workflow.signal
    def cancel_tenant(self, *args: Any) -> None:
        """End a tenant's part of this cycle, also when it has not started yet."""
        self._orders.receive("cancel", args)

    @workflow.update(name="pause_tenant")
    async def update_pause_tenant(self, *args: Any) -> str:
        """Pause a tenant and say how it was."""
        return await self._orders.answer("pause", args)

    @update_pause_tenant.validator
    def check_pause_tenant(self, *args: Any) -> None:
        """Refuse what is no order."""
        understood_order("pause", args)

    @workflow.update(name="resume_tenant")
    async def update_resume_tenant(self, *args: Any) -> str:
        """Resume a tenant and say how it was paused."""
        return await self._orders.answer("resume", args)

    @update_resume_tenant.validator
    def check_resume_tenant(self, *args: Any) -> None:
        """Refuse what is no order."""
        understood_order("resume", args)

    @workflow.update(name="cancel_tenant")
    async def update_cancel_tenant(self, *args: Any) -> str:
        """End a tenant's part of this cycle, also when it has not started yet."""
        return await self._orders.answer("cancel", args)

    @update_cancel_tenant.validator
    def check_cancel_tenant(self, *args: Any) -> None:
        """Refuse what is no order."""
        understood_order("cancel", args)

    @workflow.query
    def status(self) -> str:
        """Return what the cycle is at, in a word."""
        return self._phase

    @workflow.query
    def progress(self) -> CycleTotals:
        """Return the sum over the pages that are done."""
        return self._totals

    @workflow.query
    def running_pages(self) -> list[str]:
        """Return the workflow ids of the pages that run now; each answers ``progress`` itself."""
        return self._pages.ids

    @workflow.run
    async def run(self, request: Any = None) -> dict[str, Any]:  # noqa: ARG002  __init__ has it
        """Do one cycle."""
        obeying = asyncio.create_task(self._orders.carry_out(self._pass_on))
        self._state = self._request.progress or await cycle.opened(self._request)
        self._totals = self._state.totals
        self._cancelled.update(self._state.cancelled)
        self._resumed += self._state.resumed
        try:
            await self._work()
            await self._close("failed" if self._too_many_failed else "completed")
            stats = await cycle.stats(self._state, self._totals)
        except (FailureError, asyncio.CancelledError) as error:
            await self._pages.stop()
            cancelled = is_cancelled_exception(error)
            if not cancelled:
                self._totals = self._totals.model_copy(update={"failure": cycle_failure(error)})
            await self._close("cancelled" if cancelled else "failed")
            if not cancelled:
                raise
            stats = await cycle.stats(self._state, self._totals) | {"status": "cancelled"}
        finally:
            await self._orders.drained()  # also those that came while the cycle closed
        obeying.cancel()
        if self._too_many_failed and "status" not in stats:
            raise cycle.too_many_failed(self._totals)
        return stats

    @property
    def _too_many_failed(self) -> bool:
        # A dry run shows who failed: of one that failed itself, its findings would be lost.
        return self._totals.failed_share > self._state.fail_ratio and not self._request.dry_run

    # --- walking ----------------------------------------------------------------------------------

    async def _work(self) -> None:
        await self._walk_the_fleet()
        await self._orders.drained()
        await self._finish_resumed()

    async def _walk_the_fleet(self) -> None:
        """Plan tenants and start their pages, a few at once, until all are planned or the deadline has come."""
        while not self._state.planned and workflow.now() < self._state.scope.deadline:
            plans, cursor = await self._plan_next()
            self._state = self._state.model_copy(update={"cursor": cursor, "planned": cursor is None})
            large = is_large(planned=len(plans), more=cursor is not None, pages=self._state.pages)
            await self._start_pages(plans, bulk=large and not self._state.child_for_every_tenant)
            if cursor is not None:
                await self._continue_if_long()
        await self._pages.until(at_most=0)

    async def _plan_next(self) -> tuple[tuple[TenantPlan, ...], str | None]:
        """Plan the next tenants of the fleet, or of those that were named; return also where to go on."""
        named = self._request.tenants
        if named is None:
            plan = await self._plan(after=self._state.cursor)
            return plan.plans, plan.cursor
        first = int(self._state.cursor or 0)
        plan = await self._plan(tenants=named[first : first + NAMED_AT_ONCE])
        return plan.plans, str(first + NAMED_AT_ONCE) if first + NAMED_AT_ONCE < len(named) else None

    async def _plan(self, *, after: str | None = None, tenants: tuple[str, ...] | None = None) -> PlanPageResult:
        self._phase = "planning" if not self._pages else "working"
        scope = self._state.scope
        plan = await workflow.execute_activity_method(
            PlanningActivities.plan_page,
            PlanPageRequest(
                run=scope.run,
                tasks=tuple(task.name for task in scope.tasks),
                tenants=tenants,
                after=after,
                limit=PAGE_SIZE,
            ),
            **sql(scope.deadline),
        )
        seen = CycleTotals(looked_at=plan.looked_at, left_paused=plan.paused)
        self._totals = self._totals.plus(seen)
        return plan

    async def _start_pages(self, plans: Sequence[TenantPlan], *, bulk: bool = False) -> None:
        """Start pages of at most ``PAGE_SIZE`` tenants, each as soon as fewer run than may."""
        for first in range(0, len(plans), PAGE_SIZE):
            await self._pages.until(at_most=self._state.pages_at_once - 1)
            some = tuple(plans[first : first + PAGE_SIZE])
            page = self._state.pages + 1
            self._state = self._state.model_copy(update={"pages": page})
            cancelled = tuple(sorted(self._cancelled & {plan.tenant_id for plan in some}))
            self._pages.start(
                PageRequest(
                    scope=self._state.scope,
                    page=page,
                    plans=some,
                    cancelled=cancelled,
                    tenants_at_once=self._state.tenants_at_once,
                    bulk=bulk,
                )
            )
            self._phase = "working"
            self._show_progress()

    def _note_page(self, done: CycleTotals) -> None:
        self._totals = self._totals.plus(done)
        self._show_progress()

    def _show_progress(self) -> None:
        workflow.set_current_details(_details(self._totals, self._state.scope.tasks, running=len(self._pages)))

    async def _continue_if_long(self) -> None:
        if not workflow.info().is_continue_as_new_suggested():
            return
        await self._pages.until(at_most=0)
        await self._orders.drained()
        carried = self._state.model_copy(
            update={
                "totals": self._totals,
                "cancelled": tuple(sorted(self._cancelled)),
                "resumed": tuple(self._resumed),
            }
        )
        workflow.continue_as_new(self._request.model_copy(update={"progress": carried}))

    async def _finish_resumed(self) -> None:
        """Give tenants that were resumed during the cycle what they still have to do."""
        while self._resumed and workflow.now() < self._state.scope.deadline:
            tenant = self._resumed.pop(0)
            if tenant not in (self._request.tenants or (tenant,)):
                continue  # this cycle is about others
            try:
                plan = await self._plan(tenants=(tenant,))
                await self._start_pages(plan.plans)
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                workflow.logger.warning("resumed tenant was not planned: %s", error_type(error))
            await self._pages.until(at_most=0)

    async def _close(self, status: str) -> None:
        self._phase = status
        await cycle.close(self._state.scope, status, self._totals)

    # --- orders -----------------------------------------------------------------------------------

    def _note_order(self, order: TenantOrder) -> None:
        if order.action == "resume":
            self._cancelled.discard(order.tenant_id)
        # A dry run leaves nothing behind that it could go on from: all of the tenant would be counted again.
        if order.action == "resume" and not self._request.dry_run:
            self._resumed = [*(one for one in self._resumed if one != order.tenant_id), order.tenant_id]
        if order.action == "cancel":
            self._cancelled.add(order.tenant_id)

    async def _pass_on(self, order: TenantOrder) -> None:
        """Tell whoever works on the tenant now; who will is informed when it starts."""
        if order.action == "cancel":
            await self._pages.cancel_tenant(order.tenant_id)
        dry_run_id = cycle.cycle_id() if self._request.dry_run else None
        tenant = tenant_workflow_id(order.tenant_id, dry_run_id=dry_run_id)
        await signal(tenant, order.action, order.model_dump(mode="json"))


def _details(totals: CycleTotals, tasks: Sequence[TaskSpec], *, running: int) -> str:
    lines = [f"- {task.results}: {totals.of(task.name).of(*task.done)}{_left(totals, task)}\n" for task in tasks]
    return (
        f"**{totals.looked_at} tenants looked at**, {running} pages running: their own details say how far they are\n\n"
        f"In the pages that have ended:\n\n- tenants done: {totals.tenants}\n{''.join(lines)}"
        f"- failed tenants: {totals.failed}\n"
    )


def _left(totals: CycleTotals, task: TaskSpec) -> str:
    left = {name: totals.of(task.name).of(name) for name in task.left}
    found = ", ".join(f"{count} {name}" for name, count in left.items() if count)
    return f" ({task.units}: {found})" if found else ""

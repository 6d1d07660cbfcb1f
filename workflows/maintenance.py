"""MaintenanceWorkflow: one cycle over the fleet."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from activities.messages import (
        CloseCycleRequest,
        OpenCycleRequest,
        PlanPageRequest,
        PlanPageResult,
        TenantOrder,
        TenantPlan,
    )
    from activities.planning import PlanningActivities
    from memory_maintenance.operations.outcomes import CycleTotals, TenantOutcome
    from workflows.failures import error_type
    from workflows.messages import CycleProgress, MaintenanceRequest, PageRequest
    from workflows.options import PAGE_SIZE, PAGES_AT_ONCE, sql
    from workflows.orders import OrderQueue
    from workflows.page import MaintenancePageWorkflow, tenant_workflow_id
    from workflows.search_attributes import of_page, show_cycle, show_status

NOMINAL_TIME = "TemporalScheduledStartTime"


@workflow.defn(name="MaintenanceWorkflow", failure_exception_types=[ValidationError, TypeError])
class MaintenanceWorkflow:
    """Plan the fleet page by page, work through the pages, add up.

    Start it with no input for a daily run over every tenant. Signals, with a tenant id or
    ``{"tenant_id": …, "by": …, "reason": …}``: ``pause_tenant``, ``resume_tenant``,
    ``cancel_tenant``. Queries: ``status`` and ``progress``. Returns RAE's statistics.
    """

    @workflow.init
    def __init__(self, request: MaintenanceRequest | None = None) -> None:
        self._request = request or MaintenanceRequest()
        self._orders = OrderQueue(self._note_order)
        self._totals = CycleTotals()
        self._pages: dict[int, asyncio.Task[None]] = {}
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
        return [self._page_id(page) for page in self._pages]

    @workflow.run
    async def run(self, request: MaintenanceRequest | None = None) -> dict[str, Any]:  # noqa: ARG002  __init__ has it
        """Do one cycle."""
        obeying = asyncio.create_task(self._orders.carry_out(self._pass_on))
        self._state = self._request.progress or await self._open()
        self._totals = self._state.totals
        self._cancelled.update(self._state.cancelled)
        self._resumed += self._state.resumed
        try:
            await self._work()
        except (FailureError, asyncio.CancelledError) as error:
            await self._stop_pages()
            await self._close("cancelled" if is_cancelled_exception(error) else "failed")
            raise
        obeying.cancel()
        failed = self._totals.failed_share > self._state.fail_ratio
        await self._close("failed" if failed else "completed")
        if failed:
            raise ApplicationError(
                f"{self._totals.failed_share:.0%} of the tenants failed, above MAINTENANCE_FAIL_RATIO: "
                "see maintenance.tenant_runs",
                type="TooManyTenantsFailed",
                non_retryable=True,
            )
        return self._totals.as_stats(
            started_at=self._state.started_at, completed_at=workflow.now(), config=self._state.config
        ) | {"cycle_id": str(self._state.cycle_id), "as_of": self._as_of.isoformat()}

    # --- opening, walking, closing ----------------------------------------------------------------

    async def _open(self) -> CycleProgress:
        cycle_id = UUID(workflow.info().first_execution_run_id)
        self._request = self._request.model_copy(update={"as_of": self._request.as_of or _nominal_time()})
        opened = await workflow.execute_activity_method(
            PlanningActivities.open_cycle,
            OpenCycleRequest(
                cycle_id=cycle_id,
                kind=self._request.kind,
                as_of=self._request.as_of,
                tasks=self._request.chosen_tasks(),
            ),
            **sql(),
        )
        self._request = self._request.model_copy(update={"as_of": opened.as_of})
        if opened.search_attributes:
            show_cycle(cycle_id)
        return CycleProgress(
            cycle_id=cycle_id,
            started_at=workflow.now(),
            deadline=workflow.now() + timedelta(minutes=opened.deadline_minutes),
            fail_ratio=opened.fail_ratio,
            config=opened.config,
            cursor=None,
            pages=0,
            totals=CycleTotals(),
            search_attributes=opened.search_attributes,
        )

    @property
    def _as_of(self) -> datetime:
        assert self._request.as_of is not None  # noqa: S101  _open has set it
        return self._request.as_of

    async def _work(self) -> None:
        await self._walk_the_fleet()
        await self._orders.drained()
        await self._finish_resumed()
        await self._orders.drained()

    async def _stop_pages(self) -> None:
        """Cancel the pages that run and wait until they have recorded what they did.

        Temporal cancels the main coroutine only: tasks of our own are ours to cancel.
        """
        running = list(self._pages.values())
        for page in running:
            page.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _walk_the_fleet(self) -> None:
        """Plan and start pages, a few at once, until the fleet's end or the deadline."""
        while self._state.cursor is not None or self._state.pages == 0:
            if workflow.now() >= self._state.deadline:
                break
            plan = await self._plan(after=self._state.cursor, tenants=self._request.tenants)
            self._start_page(plan)
            if plan.cursor is None:
                break
            await self._some_page_done(at_most=PAGES_AT_ONCE - 1)
            await self._continue_if_long()
        await self._some_page_done(at_most=0)

    async def _plan(self, *, after: str | None, tenants: tuple[str, ...] | None) -> PlanPageResult:
        self._phase = "planning" if not self._pages else "working"
        plan = await workflow.execute_activity_method(
            PlanningActivities.plan_page,
            PlanPageRequest(
                as_of=self._as_of,
                kind=self._request.kind,
                tasks=self._request.chosen_tasks(),
                tenants=tenants,
                after=after,
                limit=PAGE_SIZE,
                backfill_days=self._request.backfill_days,
            ),
            **sql(self._state.deadline),
        )
        seen = CycleTotals(looked_at=plan.looked_at, left_paused=plan.paused)
        self._totals = self._totals.plus(seen)
        return plan

    def _start_page(self, plan: PlanPageResult) -> None:
        page = self._state.pages + 1
        self._state = self._state.model_copy(update={"cursor": plan.cursor, "pages": page})
        if plan.plans or self._request.session or self._request.project:
            self._pages[page] = asyncio.create_task(self._page(page, self._narrowed(plan.plans)))
            self._phase = "working"

    def _narrowed(self, plans: tuple[TenantPlan, ...]) -> tuple[TenantPlan, ...]:
        """Return the plans; where an operator named a session or project, that is the plan."""
        if self._request.tenants is None or not (self._request.session or self._request.project):
            return plans
        tasks = self._request.chosen_tasks()
        return tuple(
            TenantPlan(
                tenant_id=tenant,
                sessions=int("summarization" in tasks and self._request.session is not None),
                dreams=int("dreaming" in tasks),
                embeddings=int(self._state.config.get("embedding_model") is not None),
            )
            for tenant in self._request.tenants
        )

    async def _page(self, page: int, plans: tuple[TenantPlan, ...]) -> None:
        request = PageRequest(
            cycle_id=self._state.cycle_id,
            page=page,
            as_of=self._as_of,
            kind=self._request.kind,
            deadline=self._state.deadline,
            plans=plans,
            project=self._request.project,
            session=self._request.session,
            min_events=self._request.min_events,
            backfill_days=self._request.backfill_days,
            cancelled=tuple(sorted(self._cancelled & {plan.tenant_id for plan in plans})),
            search_attributes=self._state.search_attributes,
        )
        try:
            done = await workflow.execute_child_workflow(
                MaintenancePageWorkflow.run,
                request,
                id=self._page_id(page),
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                static_summary=f"page {page}, {len(plans)} tenants",
                search_attributes=of_page(request.cycle_id) if request.search_attributes else None,
            )
        except FailureError as error:  # terminated, or its id is taken by a page of a root that was
            if is_cancelled_exception(error) and workflow.cancellation_reason() is not None:
                raise
            lost = [TenantOutcome(tenant_id=plan.tenant_id, status="page_failed") for plan in plans]
            done = CycleTotals().with_outcomes(lost)
        self._totals = self._totals.plus(done)
        del self._pages[page]
        workflow.set_current_details(_details(self._totals, running=len(self._pages)))

    def _page_id(self, page: int) -> str:
        return f"{workflow.info().workflow_id}/page-{page}"

    async def _some_page_done(self, *, at_most: int) -> None:
        await workflow.wait_condition(lambda: len(self._pages) <= at_most)

    async def _continue_if_long(self) -> None:
        if not workflow.info().is_continue_as_new_suggested():
            return
        await self._some_page_done(at_most=0)
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
        while self._resumed and workflow.now() < self._state.deadline:
            tenant = self._resumed.pop(0)
            try:
                self._start_page(await self._plan(after=None, tenants=(tenant,)))
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                workflow.logger.warning("resumed tenant was not planned: %s", error_type(error))
            await self._some_page_done(at_most=0)

    async def _close(self, status: str) -> None:
        self._phase = status
        if self._state.search_attributes:
            show_status(status)
        await workflow.execute_activity_method(
            PlanningActivities.close_cycle,
            CloseCycleRequest(cycle_id=self._state.cycle_id, status=status, totals=self._totals),
            **sql(),
        )

    # --- orders -----------------------------------------------------------------------------------

    def _note_order(self, order: TenantOrder) -> None:
        if order.action == "resume":
            self._cancelled.discard(order.tenant_id)
            self._resumed = [*(one for one in self._resumed if one != order.tenant_id), order.tenant_id]
        if order.action == "cancel":
            self._cancelled.add(order.tenant_id)

    async def _pass_on(self, order: TenantOrder) -> None:
        """Tell whoever works on the tenant now; who will, is told when it starts."""
        if order.action == "cancel":
            for page in list(self._pages):
                await _signal(self._page_id(page), "cancel_tenant", order.tenant_id)
        await _signal(tenant_workflow_id(order.tenant_id), order.action, order.model_dump(mode="json"))


async def _signal(workflow_id: str, signal: str, argument: Any) -> None:
    try:
        await workflow.get_external_workflow_handle(workflow_id).signal(signal, argument)
    except FailureError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.info("%s was not running", workflow_id)  # it never started, or has ended


def _nominal_time() -> datetime | None:
    for pair in workflow.info().typed_search_attributes.search_attributes:
        if pair.key.name == NOMINAL_TIME:
            return pair.value if isinstance(pair.value, datetime) else None
    return None


def _details(totals: CycleTotals, *, running: int) -> str:
    return (
        f"**{totals.tenants} tenants done**, {running} pages running\n\n"
        f"- decayed: {totals.decay.updated} memories\n"
        f"- summaries: {totals.summarization.stored + totals.summarization.updated}\n"
        f"- reflections: {totals.dreaming.reflections}\n"
        f"- failed tenants: {len(totals.failures)}\n"
    )

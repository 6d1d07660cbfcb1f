"""MaintenancePageWorkflow: up to 200 tenants with work, one child each; in a large fleet the small ones in bulk."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, WorkflowAlreadyStartedError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from activities.messages import RecordPageRequest
    from activities.planning import PlanningActivities
    from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome, TenantStatus
    from memory_maintenance.work import TenantPlan
    from workflows.bulk import BulkSteps
    from workflows.messages import PageRequest, TenantRequest
    from workflows.options import (
        ALREADY_RUNNING,
        ALREADY_RUNNING_AT_MOST,
        ALREADY_RUNNING_LOOKS,
        PATIENCE,
        sql,
        summary,
        within,
    )
    from workflows.search_attributes import of_tenant
    from workflows.tenant import TenantMaintenanceWorkflow
    from workflows.tenant_ids import short_tenant_id
    from workflows.waiting import all_of, child_result, finished

MOST_WORKFLOW_ID_BYTES = 255
"""Temporal itself takes 1000, its tables in Postgres and MySQL 255 characters."""

TENANT_MEMO = "tenant_id"


def tenant_workflow_id(tenant_id: str, *, dry_run_id: UUID | None = None) -> str:
    """Return the one id under which a tenant is worked on, whichever cycle does it.

    An id that is too long is a digest there, and its run has it as the memo ``tenant_id``.
    A dry run has ids of its own: it blocks no other run, and receives nothing that is meant for others.
    """
    before = "tenant-maintenance/" if dry_run_id is None else f"tenant-dry-run/{dry_run_id}/"
    return before + short_tenant_id(tenant_id, MOST_WORKFLOW_ID_BYTES - len(before))


@workflow.defn(failure_exception_types=[ValidationError, TypeError])
class MaintenancePageWorkflow:
    """Start a TenantMaintenanceWorkflow per tenant, record what they did, return the sum.

    In a large fleet small tenants have none: ``maintain_tenants`` does them, ``BULK`` in a step.
    Signal: ``cancel_tenant``, for a tenant that has not started yet. Queries: ``progress`` and ``planned``.
    """

    @workflow.init
    def __init__(self, request: PageRequest) -> None:
        self._request = request
        self._cancelled = set(request.cancelled)
        self._outcomes: list[TenantOutcome] = []
        self._totals = CycleTotals()
        self._steps = BulkSteps(request.scope, self._note, self._not_started)

    @workflow.signal
    def cancel_tenant(self, *args: Any) -> None:
        """Do not start this tenant. The root sends it; people signal the root or the tenant."""
        named = {arg for arg in args if isinstance(arg, str)}
        self._cancelled |= named
        self._steps.cancel(named)

    @workflow.query
    def progress(self) -> CycleTotals:
        """Return the sum over the tenants that are done."""
        return self._totals

    @workflow.query
    def planned(self) -> int:
        """Return how many tenants it is about, done or not."""
        return len(self._request.plans)

    @workflow.run
    async def run(self, request: PageRequest) -> CycleTotals:
        """Work through the page. A tenant's failure is counted, never raised."""
        slots = asyncio.Semaphore(request.tenants_at_once)

        async def one(plan: TenantPlan) -> None:
            async with slots:
                self._note(await self._outcome_of(plan))

        async def in_bulk(plans: Sequence[TenantPlan]) -> None:
            await all_of(one(plan) for plan in await self._steps.work_through(plans))

        small = [plan for plan in request.plans if request.bulk and plan.bulk]
        others = [plan for plan in request.plans if not (request.bulk and plan.bulk)]
        try:
            await all_of([in_bulk(small), *map(one, others)])
        except asyncio.CancelledError:
            # A result like any other: what the tenants did counts, and those that had not started are named.
            begun = {outcome.tenant_id for outcome in self._outcomes}
            for plan in request.plans:
                if plan.tenant_id not in begun:
                    self._note(_without_work(plan, "cancelled"))
        if not request.scope.run.dry_run:
            await finished(self._record())
        return self._totals

    def _not_started(self, plan: TenantPlan) -> TenantStatus | None:
        if plan.tenant_id in self._cancelled:
            return "cancelled"
        return "out_of_time" if workflow.now() >= self._request.scope.deadline else None

    def _note(self, outcome: TenantOutcome) -> None:
        self._outcomes.append(outcome)
        self._totals = self._totals.with_outcomes([outcome], dry_run=self._request.scope.run.dry_run)
        done, of, failed = self._totals.tenants, len(self._request.plans), self._totals.failed
        workflow.set_current_details(f"**{done} of {of} tenants done**, {failed} of them failed")

    async def _record(self) -> None:
        page = self._request
        await workflow.execute_activity_method(
            PlanningActivities.record_page,
            RecordPageRequest(cycle_id=page.scope.run.cycle_id, page=page.page, outcomes=tuple(self._outcomes)),
            **sql(),
        )

    async def _outcome_of(self, plan: TenantPlan, *, looks: int = 0) -> TenantOutcome:
        if stopped := self._not_started(plan):
            return _without_work(plan, stopped)
        try:
            return await self._child(plan)
        except WorkflowAlreadyStartedError:
            # Of a daily run, wait for the other one, which may do only a part of what is due: about an hour in all.
            wait = min(ALREADY_RUNNING * 2**looks, ALREADY_RUNNING_AT_MOST)
            late = workflow.now() + wait >= self._request.scope.deadline
            if self._request.scope.run.kind != "daily" or looks >= ALREADY_RUNNING_LOOKS or late:
                return _without_work(plan, "already_running")
            await workflow.sleep(wait, summary=summary(f"another run works on tenant {plan.tenant_id}"))
            # The other run may have done some of what was listed.
            return await self._outcome_of(plan.model_copy(update={"due": {}}), looks=looks + 1)
        except ChildWorkflowError as error:
            status: TenantStatus = "cancelled" if is_cancelled_exception(error) else "failed"
            return _without_work(plan, status, error_type=type(error.cause).__name__)

    async def _child(self, plan: TenantPlan) -> TenantOutcome:
        scope = self._request.scope
        workflow_id = tenant_workflow_id(plan.tenant_id, dry_run_id=scope.dry_run_id)
        starting = workflow.start_child_workflow(
            TenantMaintenanceWorkflow.run,
            TenantRequest(scope=scope.for_tenant(plan), plan=plan, one_step=self._request.bulk and plan.one_step),
            id=workflow_id,
            memo=None if workflow_id.endswith(f"/{plan.tenant_id}") else {TENANT_MEMO: plan.tenant_id},
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            execution_timeout=within(scope.deadline, PATIENCE),
            static_summary=summary(f"tenant {plan.tenant_id}"),
            search_attributes=of_tenant(scope.run.cycle_id, plan.tenant_id) if scope.search_attributes else None,
        )
        return await child_result(starting)


def _without_work(plan: TenantPlan, status: TenantStatus, *, error_type: str | None = None) -> TenantOutcome:
    return TenantOutcome(tenant_id=plan.tenant_id, status=status, error_type=error_type)

"""The small tenants of a page in a large fleet: many in a step, one step after the other."""

import asyncio
from collections.abc import Callable, Sequence

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.bulk import BulkActivities
    from activities.messages import BulkRequest, BulkResult
    from memory_maintenance.cycles.outcomes import TenantOutcome, TenantStatus
    from memory_maintenance.work import TenantPlan
    from workflows.failures import error_type
    from workflows.messages import CycleScope
    from workflows.options import BULK, bulk, summary
    from workflows.waiting import result_of


class BulkSteps:
    """Does small tenants' work in steps of ``BULK`` tenants, and hands what each came to to *note*.

    *not_started* says with which status a tenant is not to be started now, None: it may.
    """

    def __init__(
        self,
        scope: CycleScope,
        note: Callable[[TenantOutcome], None],
        not_started: Callable[[TenantPlan], TenantStatus | None],
    ) -> None:
        self._scope = scope
        self._note = note
        self._not_started = not_started
        self._step: asyncio.Task[BulkResult] | None = None
        self._in_step: frozenset[str] = frozenset()

    def cancel(self, tenant_ids: set[str]) -> None:
        """End the step that has one of these tenants after the tenant it is at; the others go on in the next step."""
        if self._step and tenant_ids & self._in_step:
            self._step.cancel()

    async def work_through(self, plans: Sequence[TenantPlan]) -> list[TenantPlan]:
        """Do the tenants' work and return the plans of those that need a run of their own.

        Of a page that is cancelled, none does: what they had done is noted, like that of the others.
        """
        left, own_run = list(plans), dict[str, TenantOutcome]()
        while workflow.cancellation_reason() is None and (left := self._startable(left)):
            done = await self._do(left[:BULK])
            for outcome in done.outcomes:
                self._note(outcome)
            own_run |= {outcome.tenant_id: outcome for outcome in done.own_run}
            left = [plan for plan in left if plan.tenant_id not in done.tenant_ids]
        if workflow.cancellation_reason() is None:
            return [plan for plan in plans if plan.tenant_id in own_run]
        for outcome in own_run.values():
            self._note(outcome.model_copy(update={"status": "cancelled"}))
        return []

    def _startable(self, plans: Sequence[TenantPlan]) -> list[TenantPlan]:
        startable = []
        for plan in plans:
            if status := self._not_started(plan):
                self._note(TenantOutcome(tenant_id=plan.tenant_id, status=status))
            else:
                startable.append(plan)
        return startable

    async def _do(self, plans: Sequence[TenantPlan]) -> BulkResult:
        """Do as many of the tenants as one step gets through. Where it fails, each has a run of its own."""
        first, last = plans[0].tenant_id, plans[-1].tenant_id
        self._in_step = frozenset(plan.tenant_id for plan in plans)
        options = bulk(self._scope.deadline)
        options["summary"] = summary(f"{len(plans)} tenants, {first} to {last}")
        request = BulkRequest(run=self._scope.run, plans=tuple(plans))
        self._step = workflow.start_activity_method(BulkActivities.maintain_tenants, request, **options)
        try:
            return await result_of(self._step)
        except ActivityError as error:
            if is_cancelled_exception(error):
                return BulkResult()  # before it had begun
            workflow.logger.warning("step of %d tenants failed: %s", len(plans), error_type(error))
            return BulkResult(own_run=tuple(TenantOutcome(tenant_id=plan.tenant_id) for plan in plans))
        finally:
            self._step = None

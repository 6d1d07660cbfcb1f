"""A cycle's beginning and end: its settings, what is recorded of it, and what it returns."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.messages import (
        CloseCycleRequest,
        DeliverEventsRequest,
        ForeseeCostsRequest,
        OpenCycleRequest,
        OpenCycleResult,
    )
    from activities.planning import PlanningActivities
    from memory_maintenance.cycles.outcomes import CycleTotals
    from memory_maintenance.cycles.preview import preview_stats
    from memory_maintenance.cycles.statistics import statistics
    from memory_maintenance.work import Run
    from workflows.failures import error_type
    from workflows.messages import CycleProgress, CycleScope, MaintenanceRequest
    from workflows.options import sql, webhooks
    from workflows.search_attributes import show_cycle, show_status

NOMINAL_TIME = "TemporalScheduledStartTime"


def cycle_id() -> UUID:
    """Return the id of the cycle whose root runs, the same after it continues as new."""
    return UUID(workflow.info().first_execution_run_id)


async def opened(asked: MaintenanceRequest) -> CycleProgress:
    """Fix the settings of the cycle, record its start unless it is a dry run, and return its first state."""
    request = OpenCycleRequest(
        cycle_id=cycle_id(),
        kind=asked.kind,
        as_of=asked.as_of or _nominal_time(),
        tasks=asked.tasks,
        named_tenants=None if asked.tenants is None else len(asked.tenants),
        schedule=asked.schedule,
        dry_run=asked.dry_run,
    )
    found = await workflow.execute_activity_method(PlanningActivities.open_cycle, request, **sql())
    if found.search_attributes:
        show_cycle(cycle_id())
    return CycleProgress(
        scope=_scope(asked, found),
        started_at=workflow.now(),
        fail_ratio=found.fail_ratio,
        config=found.config,
        findings=found.findings,
        cursor=None,
        pages=0,
        totals=CycleTotals(),
        pages_at_once=found.pages_at_once,
        tenants_at_once=found.tenants_at_once,
        child_for_every_tenant=found.child_for_every_tenant,
    )


def _scope(asked: MaintenanceRequest, found: OpenCycleResult) -> CycleScope:
    return CycleScope(
        run=Run(
            cycle_id=cycle_id(),
            as_of=found.as_of,
            kind=asked.kind,
            dry_run=asked.dry_run,
            project=asked.project,
            session=asked.session,
            min_events=asked.min_events,
            backfill_days=asked.backfill_days,
            schedule=asked.schedule,
        ),
        deadline=workflow.now() + timedelta(minutes=found.deadline_minutes),
        tasks=found.tasks,
        search_attributes=found.search_attributes,
    )


async def close(scope: CycleScope, status: str, totals: CycleTotals) -> None:
    """Show and, unless it is a dry run, record how the cycle ended; send what webhooks have to send."""
    if scope.search_attributes:
        show_status(status)
    if scope.run.dry_run:
        return
    request = CloseCycleRequest(cycle_id=scope.run.cycle_id, status=status, totals=totals, daily=scope.run.daily)
    left = await workflow.execute_activity_method(PlanningActivities.close_cycle, request, **sql())
    # Without webhooks, and in histories of before there were any, the result is None.
    if left is not None:
        await _deliver_events(scope.run.cycle_id)


async def _deliver_events(of_cycle: UUID) -> None:
    request = DeliverEventsRequest(cycle_id=of_cycle)
    try:
        await workflow.execute_activity_method(PlanningActivities.deliver_events, request, **webhooks())
    except ActivityError as error:  # also where the run is cancelled meanwhile: how it ended is recorded already
        workflow.logger.warning("events were not delivered, the next cycle sends them: %s", error_type(error))


def too_many_failed(totals: CycleTotals) -> ApplicationError:
    """Return the error with which a cycle ends where too many tenants failed."""
    return ApplicationError(
        f"{totals.failed_share:.0%} of the tenants failed, above MAINTENANCE_FAIL_RATIO: see maintenance.tenant_runs",
        type="TooManyTenantsFailed",
        non_retryable=True,
    )


async def stats(state: CycleProgress, totals: CycleTotals) -> dict[str, Any]:
    """Return RAE's statistics; of a dry run also what it would cost and who would change most."""
    run = state.scope.run
    found = statistics(
        totals,
        run,
        started_at=state.started_at,
        completed_at=workflow.now(),
        config=state.config,
        findings=state.findings,
    )
    if not run.dry_run:
        return found
    request = ForeseeCostsRequest(totals=totals)
    costs = await workflow.execute_activity_method(PlanningActivities.foresee_costs, request, **sql())
    return found | preview_stats(totals, costs)


def _nominal_time() -> datetime | None:
    for pair in workflow.info().typed_search_attributes.search_attributes:
        if pair.key.name == NOMINAL_TIME:
            return pair.value if isinstance(pair.value, datetime) else None
    return None

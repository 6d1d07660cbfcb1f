"""A small tenant's whole work in one go, as a step for many tenants does it."""

from __future__ import annotations

import time
from collections.abc import Mapping

import structlog

from memory_maintenance.cycles.outcomes import SmallTenant, TenantOutcome
from memory_maintenance.cycles.step import do_unit
from memory_maintenance.errors import DatabaseBusyError, DatabaseUnavailableError
from memory_maintenance.task import AnyTask
from memory_maintenance.work import Run, TenantPlan

logger = structlog.get_logger(__name__)


async def maintain_small(tasks: Mapping[str, AnyTask], plan: TenantPlan, run: Run) -> SmallTenant:
    """Do the units of a small tenant's plan. Safe to repeat, as every unit is.

    Raises:
        DatabaseUnavailableError: an outage, which is no tenant's failure.
    """
    began, outcome = time.monotonic(), TenantOutcome(tenant_id=plan.tenant_id)
    log = logger.bind(tenant_id=plan.tenant_id)
    try:
        for name, units in plan.due.items():
            for unit in units:
                done = await do_unit(tasks[name], plan.tenant_id, unit, run)
                outcome = outcome.adding(tasks[name].spec, done.counts)
                if done.next is not None:
                    log.info("tenant_larger_than_planned", task=name)
                    return SmallTenant(outcome, needs_own_run=True)
                if done.paused:
                    return SmallTenant(_ended(outcome, began, status="paused"))
    except Exception as error:
        if isinstance(error, DatabaseUnavailableError) and not isinstance(error, DatabaseBusyError):
            raise
        # Its own run meets the same, and retries: here that would hold up the other tenants.
        log.warning("tenant_left_to_its_own_run", error_type=type(error).__name__)
        return SmallTenant(outcome, needs_own_run=True)
    return SmallTenant(_ended(outcome, began, status="completed"))


def _ended(outcome: TenantOutcome, began: float, *, status: str) -> TenantOutcome:
    return outcome.model_copy(update={"status": status, "seconds": time.monotonic() - began})

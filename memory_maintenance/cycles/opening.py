"""How a cycle begins: the preflight first, then the row that says so."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from memory_maintenance.cycles.outcomes import CycleFailure, CycleTotals
from memory_maintenance.cycles.record import OpenedCycle, close_cycle, open_cycle
from memory_maintenance.erasure.carrying_out import finish_orders
from memory_maintenance.errors import MaintenanceError, PreflightError
from memory_maintenance.expiry.archive import purge_unvisited
from memory_maintenance.preflight.check import Surroundings
from memory_maintenance.preflight.checks import preflight, stop_of
from memory_maintenance.preflight.finding import Finding
from memory_maintenance.preflight.table import remember_shape
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.control import settings_in_store
from memory_maintenance.webhooks.delivery import deliver_at_end
from memory_maintenance.work import Kind


async def begin_cycle(
    pool: Pool,
    cycle_id: UUID,
    *,
    kind: Kind,
    as_of: datetime | None,
    config: dict[str, Any],
    around: Surroundings,
    dry_run: bool,
    lease: timedelta | None = None,
) -> OpenedCycle:
    """Check the store, and record that a cycle starts; a repeated call returns what the first one recorded.

    A dry run is not recorded.

    Raises:
        PreflightError: the store is not fit for a run; the cycle is recorded as failed, where that can be written.
        AsOfInFutureError: *as_of* has not come yet.
    """
    findings = await preflight(pool, around)
    if stop := stop_of(findings):
        if not dry_run:
            await _record_stop(pool, cycle_id, kind, as_of, config, findings, around.settings)
            await deliver_at_end(pool, around.settings, waits=())
        raise PreflightError(stop.check, str(stop))
    instant = await checked_as_of(pool, as_of)
    config |= (await settings_in_store(pool, around.settings)).snapshot()
    if dry_run:
        return OpenedCycle(instant, config, findings)
    opened = await open_cycle(pool, cycle_id, kind=kind, as_of=instant, config=config, findings=findings, lease=lease)
    if kind == "daily" and "named_tenants" not in config:
        await remember_shape(pool)
        await purge_unvisited(pool, around.settings, opened.as_of, cycle_id)
    await finish_orders(pool, around.settings)
    return opened


async def _record_stop(
    pool: Pool,
    cycle_id: UUID,
    kind: Kind,
    as_of: datetime | None,
    config: dict[str, Any],
    findings: tuple[Finding, ...],
    settings: Settings,
) -> None:
    """Record a cycle that fails before it begins; a standby, for one, takes no record."""
    failure = CycleFailure(error_type=PreflightError.__name__, message=str(findings[-1]))
    with suppress(MaintenanceError):
        instant = as_of or await checked_as_of(pool, None)
        await open_cycle(pool, cycle_id, kind=kind, as_of=instant, config=config, findings=findings)
        totals = CycleTotals(failure=failure).model_dump(mode="json")
        await close_cycle(pool, cycle_id, status="failed", totals=totals, settings=settings)

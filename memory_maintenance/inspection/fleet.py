"""Every tenant with what operators said of it and when it was last done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from memory_maintenance.inspection.successes import TenantSuccess, successes_of_tenants
from memory_maintenance.store.pool import Pool, snapshot
from memory_maintenance.tenants.control import TenantControl, all_tenants

State = Literal["unreadable", "failing", "paused", "no_run_yet", "completed"]

STATES: Final[tuple[State, ...]] = ("unreadable", "failing", "paused", "no_run_yet", "completed")
"""Those first that somebody has to look at."""


@dataclass(frozen=True, slots=True)
class FleetTenant:
    """One tenant; ``daily`` and ``hourly`` are None where no run of the kind has had work for it."""

    control: TenantControl
    daily: TenantSuccess | None = None
    hourly: TenantSuccess | None = None

    @property
    def tenant_id(self) -> str:
        """Return its id."""
        return self.control.tenant_id

    @property
    def runs_since(self) -> int:
        """Return how many later runs, of either kind, had work for it and were not completed."""
        return sum(one.runs_since for one in (self.daily, self.hourly) if one)

    @property
    def state(self) -> State:
        """Return how it fares: ``failing`` where runs since the last success were not completed."""
        if self.control.unreadable:
            return "unreadable"
        if self.control.paused:
            return "paused"
        if self.runs_since:
            return "failing"
        return "completed" if self.daily or self.hourly else "no_run_yet"

    @property
    def succeeded_at(self) -> datetime | None:
        """Return when it was last done by a run of either kind."""
        return max((at for one in (self.daily, self.hourly) if one and (at := one.succeeded_at)), default=None)


async def fleet(pool: Pool) -> list[FleetTenant]:
    """Return every tenant, all as of one instant: by state, then the longest without a success first."""
    async with snapshot(pool) as db:
        controls, runs = await all_tenants(db), await successes_of_tenants(db)
    found: dict[str, dict[str, TenantSuccess]] = {}
    for one in runs:
        found.setdefault(one.tenant_id, {})[one.kind] = one
    tenants = [_tenant(control, found.get(control.tenant_id, {})) for control in controls]
    return sorted(tenants, key=_order)


def _tenant(control: TenantControl, runs: dict[str, TenantSuccess]) -> FleetTenant:
    return FleetTenant(control, runs.get("daily"), runs.get("hourly"))


def _order(one: FleetTenant) -> tuple[int, float, str]:
    at = one.succeeded_at
    return STATES.index(one.state), at.timestamp() if at else 0.0, one.tenant_id

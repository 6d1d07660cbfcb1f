"""What maintenance runs did: cycles with their totals, and a cycle's tenants by outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from memory_maintenance.cycles.outcomes import CycleFailure, CycleTotals, TenantOutcome, failure_of
from memory_maintenance.errors import CycleNotFoundError
from memory_maintenance.inspection.preflight import findings_of
from memory_maintenance.preflight.finding import Finding
from memory_maintenance.store.pool import Executor, fetch, from_json

_COLUMNS: Final = """
SELECT cycle_id, kind, as_of,
       CASE WHEN status = 'running' AND lease_until < now() THEN 'abandoned' ELSE status END AS status,
       totals::text AS totals, config::text AS config, started_at, completed_at,
       findings::text AS findings
FROM maintenance.cycles
"""

LATEST_CYCLES: Final = (
    """
-- inspection.LATEST_CYCLES: the newest first.
--   $1 how_many  bigint
--   $2 kind      text         NULL: any
--   $3 until     timestamptz  started no later; NULL: whenever
--   $4 of_fleet  boolean      only those over the whole fleet
"""
    + _COLUMNS
    + "WHERE ($2::text IS NULL OR kind = $2) AND ($3::timestamptz IS NULL OR started_at <= $3)"
    " AND (NOT $4::boolean OR config->>'named_tenants' IS NULL)"
    " ORDER BY started_at DESC, cycle_id LIMIT $1"
)

CYCLES_BY_ID: Final = (
    """
-- inspection.CYCLES_BY_ID: those whose id begins with a text; two are enough to know that it names no single one.
--   $1 beginning  text
"""
    + _COLUMNS
    + "WHERE starts_with(cycle_id::text, $1) ORDER BY started_at DESC LIMIT 2"
)

OUTCOMES: Final = """
-- inspection.OUTCOMES: what a cycle did for its tenants, of the pages that were recorded.
--   $1 cycle_id  uuid
--   $2 statuses  text[]  NULL: of every status
--   $3 most      bigint  NULL: all
SELECT tenant_id, status, counts::text AS counts, error_type, seconds FROM maintenance.tenant_runs
WHERE cycle_id = $1 AND ($2::text[] IS NULL OR status = ANY ($2)) ORDER BY tenant_id, page
LIMIT $3
"""

TIMES: Final = """
-- inspection.TIMES: how long each of a cycle's tenants took, of the pages that were recorded; the slowest first.
--   $1 cycle_id  uuid
SELECT tenant_id, status, seconds FROM maintenance.tenant_runs
WHERE cycle_id = $1 ORDER BY seconds DESC, tenant_id, page
"""

LAST_FAILURE: Final = (
    """
-- inspection.LAST_FAILURE: the newest cycle that failed, as a whole or for a tenant.
"""
    + _COLUMNS
    + "WHERE (status = 'failed' OR jsonb_array_length(coalesce(totals->'failures', '[]')) > 0)"
    " AND started_at <= now() + interval '5 minutes'"
    " ORDER BY started_at DESC, cycle_id LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One maintenance run. ``totals`` None: it was not closed, so they are in its tenants only."""

    cycle_id: UUID
    kind: str
    as_of: datetime
    status: str
    totals: CycleTotals | None
    config: dict[str, Any]
    started_at: datetime
    completed_at: datetime | None
    findings: tuple[Finding, ...] = ()
    """What its preflight found."""

    @property
    def took(self) -> timedelta | None:
        """Return how long it ran; None while it runs, or where its end is not known."""
        return self.completed_at - self.started_at if self.completed_at else None

    @property
    def named_tenants(self) -> int | None:
        """Return of how many tenants it is, where they were named: then it is no cycle of the fleet."""
        return self.config.get("named_tenants")

    @property
    def schedule(self) -> str | None:
        """Return the daily times of the tenants it was for; None: it was for no such group."""
        return self.config.get("schedule")

    @property
    def failure(self) -> CycleFailure | None:
        """Return why it failed as a whole; None where it did not fail, or no reason was recorded."""
        return failure_of(self.status, self.totals, self.config)

    def unless_left(self, left: Collection[UUID]) -> Cycle:
        """Return the cycle, ``abandoned`` where it is among those whose root no longer runs."""
        return replace(self, status="abandoned") if self.status == "running" and self.cycle_id in left else self


async def latest_cycles(
    db: Executor, how_many: int, kind: str | None = None, *, until: datetime | None = None, of_fleet: bool = False
) -> list[Cycle]:
    """Return the newest cycles, of a kind and started by *until* if given, the newest first.

    *of_fleet*: only those over all tenants.
    """
    return [_cycle(row) for row in await fetch(db, LATEST_CYCLES, how_many, kind, until, of_fleet)]


async def find_cycle(db: Executor, beginning: str | None = None) -> Cycle:
    """Return the cycle whose id begins so; None: the newest.

    Raises:
        CycleNotFoundError: no cycle matches, or more than one.
    """
    found = (
        await latest_cycles(db, 1)
        if beginning is None
        else [_cycle(row) for row in await fetch(db, CYCLES_BY_ID, beginning.lower())]
    )
    if len(found) != 1:
        raise CycleNotFoundError(beginning, ambiguous=bool(found))
    return found[0]


async def outcomes_of(
    db: Executor, cycle_id: UUID, *, statuses: Sequence[str] | None = None, most: int | None = None
) -> list[TenantOutcome]:
    """Return what a cycle did for each of its tenants, as far as its pages are recorded; only those of *statuses*."""
    return [_outcome(row) for row in await fetch(db, OUTCOMES, cycle_id, statuses, most)]


async def times_of(db: Executor, cycle_id: UUID) -> list[Any]:
    """Return ``tenant_id``, ``status`` and ``seconds`` of each of a cycle's tenants, the slowest first.

    A tenth of the time of ``outcomes_of``, which reads every count.
    """
    return list(await fetch(db, TIMES, cycle_id))


async def last_failure(db: Executor) -> Cycle | None:
    """Return the newest cycle that failed, as a whole or for a tenant; of named tenants, too."""
    found = await fetch(db, LAST_FAILURE)
    return _cycle(found[0]) if found else None


def next_command(kind: str, outcome: TenantOutcome) -> str:
    """Return what to type about a tenant that failed."""
    if (mended := _mended_by(outcome.error_type)) is not None:
        return mended
    match outcome.error_type:
        case "InvalidRequestError":
            return f"starter.py tenants show {outcome.tenant_id}"
        case _:
            return f"starter.py run {kind} --tenant {outcome.tenant_id}"


def after_failure(cycle: Cycle) -> str:
    """Return what to type about a cycle that failed as a whole."""
    match cycle.failure:
        case CycleFailure(error_type="TooManyTenantsFailed"):
            return f"starter.py run {cycle.kind}"
        case failure:
            return _mended_by(failure.error_type if failure else None) or "starter.py doctor"


def _mended_by(error_type: str | None) -> str | None:
    """Return the command that mends the store, or says what is wrong with it, where that is the cause."""
    match error_type:
        case "NotMigratedError" | "StoreShapeError":
            return "starter.py migrate"
        case "DatabaseRefusedError" | "StoreError" | "VectorColumnError" | "PreflightError":
            return "starter.py doctor"
        case _:
            return None


def _cycle(row: Any) -> Cycle:
    totals = CycleTotals.model_validate_json(row["totals"]) if row["totals"] else None
    read = {"totals": totals, "config": from_json(row["config"]), "findings": findings_of(row["findings"])}
    return Cycle(**dict(row) | read)


def _outcome(row: Any) -> TenantOutcome:
    return TenantOutcome.model_validate({**from_json(row["counts"]), **{k: v for k, v in row.items() if k != "counts"}})

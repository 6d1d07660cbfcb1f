"""One tenant: what operators said, what its last runs did, what is due now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from memory_maintenance.cycles.outcomes import TenantOutcome
from memory_maintenance.decay.policy import DecayRule
from memory_maintenance.decay.progress import preview_instants
from memory_maintenance.decay.rule import decay_rule
from memory_maintenance.dreaming.due import due_projects, last_event_within
from memory_maintenance.dreaming.policy import DreamRule
from memory_maintenance.inspection.decay import RuleOrigin, rule_origin
from memory_maintenance.inspection.derived import Dangling, dangling
from memory_maintenance.inspection.sessions import SessionReport, idle_gate_reason, unwritten_sessions
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Executor, Pool, fetch, fetch_row, from_json, snapshot
from memory_maintenance.summarization.due import due_session_counts, due_sessions
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.tenants.control import TenantControl, control_of, settings_in_store
from memory_maintenance.tenants.known import ensure_known
from memory_maintenance.tenants.orders import Order, latest_orders
from memory_maintenance.work import Run

SHOWN: Final = 10
SHOWN_ORDERS: Final = 5

TENANT_RUNS: Final = """
-- inspection.TENANT_RUNS: what the last cycles did for a tenant, the newest first.
--   $1 tenant_id  text
--   $2 most       bigint
SELECT c.cycle_id, c.kind, c.started_at, r.tenant_id, r.status, r.counts::text AS counts, r.error_type, r.seconds
FROM maintenance.tenant_runs r JOIN maintenance.cycles c USING (cycle_id)
WHERE r.tenant_id = $1
ORDER BY c.started_at DESC, r.page DESC
LIMIT $2
"""

TENANT_DECAY: Final = """
-- inspection.TENANT_DECAY: how far a tenant's decay is.
--   $1 tenant_id  text
SELECT decay_started_as_of, decay_completed_as_of FROM maintenance.tenants WHERE tenant_id = $1
"""


@dataclass(frozen=True, slots=True)
class TenantRun:
    """What one cycle did for the tenant."""

    cycle_id: UUID
    kind: str
    started_at: datetime
    outcome: TenantOutcome


@dataclass(frozen=True, slots=True)
class DuplicatesMode:
    """What happens to memories with the same text, and what says so: a setting, ``override`` or ``store``."""

    exact: str
    origin: str


@dataclass(frozen=True, slots=True)
class TenantReport:
    """One tenant as of an instant. What is due is said whether or not it is paused."""

    control: TenantControl
    rule: DecayRule
    origin: RuleOrigin
    decay_enabled: bool
    decayed_as_of: datetime | None
    duplicates: DuplicatesMode
    runs: tuple[TenantRun, ...]
    due_hourly: int
    due_daily: int
    sessions: tuple[SessionKey, ...]
    """The first ones that are due."""
    projects: tuple[str, ...]
    """The first ones that can dream."""
    dreams_wait: str | None
    """Why the tenant does not dream now, where the idle gate is the reason."""
    unwritten: tuple[SessionReport, ...]
    """The latest sessions with new events that are not due."""
    dangling: tuple[Dangling, ...]
    """The latest derived memories whose sources are gone in part."""
    orders: tuple[Order, ...]
    """The latest first."""


async def tenant_report(pool: Pool, settings: Settings, tenant_id: str) -> TenantReport:
    """Return what there is to know of a tenant, as of one instant.

    Raises:
        TenantNotFoundError: neither a memory nor an operator ever named it.
        InvalidRequestError: its overrides cannot be read.
    """
    await ensure_known(pool, tenant_id)
    async with snapshot(pool) as db:
        as_of = await checked_as_of(db, None)
        control = await control_of(db, tenant_id)
        decay = await fetch_row(db, TENANT_DECAY, tenant_id)
        own = settings.for_tenant(control.overrides)
        daily = Run(cycle_id=uuid4(), as_of=as_of, dry_run=True)
        hourly = daily.model_copy(update={"kind": "hourly"})
        return TenantReport(
            control=control,
            rule=decay_rule(own).for_run(await preview_instants(db, tenant_id, as_of)),
            origin=rule_origin(settings, control.overrides),
            decay_enabled=own.memory_importance_decay_enabled,
            duplicates=await _duplicates(db, settings, control),
            decayed_as_of=decay["decay_completed_as_of"] if decay else None,
            runs=tuple(_run(row) for row in await fetch(db, TENANT_RUNS, tenant_id, SHOWN)),
            due_hourly=(await due_session_counts(db, [tenant_id], hourly, settings)).get(tenant_id, 0),
            due_daily=(await due_session_counts(db, [tenant_id], daily, settings)).get(tenant_id, 0),
            sessions=tuple(await due_sessions(db, tenant_id, daily, settings, limit=SHOWN)),
            projects=tuple(await due_projects(db, tenant_id, as_of=as_of, settings=settings, limit=SHOWN)),
            dreams_wait=await _dreams_wait(db, tenant_id, as_of, own),
            unwritten=tuple(await unwritten_sessions(db, settings, control, as_of=as_of, most=SHOWN)),
            dangling=tuple(await dangling(db, tenant_id, most=SHOWN)),
            orders=tuple(await latest_orders(db, tenant_id, SHOWN_ORDERS)),
        )


async def _duplicates(db: Executor, settings: Settings, control: TenantControl) -> DuplicatesMode:
    own = (await settings_in_store(db, settings)).for_tenant(control.overrides)
    origin = "MEMORY_DUPLICATES" if settings.memory_duplicates else "store"
    return DuplicatesMode(own.memory_duplicates or "off", "override" if control.overrides.duplicates else origin)


async def _dreams_wait(db: Executor, tenant_id: str, as_of: datetime, own: Settings) -> str | None:
    gate = DreamRule.of(own).gate
    last = await last_event_within(db, tenant_id, as_of, gate) if own.dreaming else None
    return f"the tenant waits: {idle_gate_reason(last, gate, as_of)}" if last else None


def _run(row: Any) -> TenantRun:
    said = {name: row[name] for name in ("tenant_id", "status", "error_type", "seconds")}
    return TenantRun(row["cycle_id"], row["kind"], row["started_at"], TenantOutcome(**from_json(row["counts"]), **said))

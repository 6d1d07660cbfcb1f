"""What runs did: a row per cycle, and a row per tenant that a cycle had work for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from memory_maintenance.cycles.counting import count_cycle, count_outcomes
from memory_maintenance.cycles.events import ClosedCycle, events_of
from memory_maintenance.cycles.importance import importance_now
from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome
from memory_maintenance.cycles.step import chosen_names
from memory_maintenance.preflight.finding import Finding
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import (
    Executor,
    Pool,
    execute,
    fetch_row,
    fetch_value,
    from_json,
    to_json,
    transaction,
)
from memory_maintenance.task import AnyTask
from memory_maintenance.webhooks.outbox import add_events
from memory_maintenance.work import TaskSpec

logger = structlog.get_logger(__name__)

OPEN: Final = """
-- cycles.OPEN: a repeated call finds the row and keeps what the first one wrote.
--   $1 cycle_id  uuid
--   $2 kind      text
--   $3 as_of     timestamptz
--   $4 config    text          JSON
--   $5 findings  text          JSON: an array of Finding
--   $6 lease     interval      NULL: no process renews it
INSERT INTO maintenance.cycles AS c (cycle_id, kind, as_of, config, findings, lease_until)
VALUES ($1, $2, $3, $4::text::jsonb, $5::text::jsonb, now() + $6::interval)
ON CONFLICT (cycle_id) DO UPDATE SET kind = c.kind
RETURNING as_of, config::text AS config, findings::text AS findings
"""

BEFORE: Final = """
-- cycles.BEFORE: what the newest earlier cycle went by.
--   $1 cycle_id  uuid
SELECT config::text FROM maintenance.cycles WHERE cycle_id <> $1 ORDER BY started_at DESC LIMIT 1
"""

ABANDON: Final = """
-- cycles.ABANDON: cycles whose process no longer renews their lease, or that were not closed within their deadline and
-- an hour: their root was terminated. One that does close later is completed after all: its end is still open.
UPDATE maintenance.cycles SET status = 'abandoned'
WHERE status = 'running'
      AND (lease_until < now()
           OR started_at < now() - interval '1 hour'
               - make_interval(mins => coalesce((config->'deadline_minutes'->>kind)::integer, 1200)))
"""

RENEW: Final = """
-- cycles.RENEW: a process is alive; one that stood still for long, and was taken for dead, goes on.
--   $1 cycle_id  uuid
--   $2 lease     interval
UPDATE maintenance.cycles SET lease_until = now() + $2::interval, status = 'running'
WHERE cycle_id = $1 AND completed_at IS NULL
"""

RECORD: Final = """
-- cycles.RECORD: what a page's tenants came to; recording a page twice is recording it once.
--   $1 cycle_id  uuid
--   $2 page      integer
--   $3 outcomes  text    JSON: an array of TenantOutcome
INSERT INTO maintenance.tenant_runs (cycle_id, page, tenant_id, status, counts, error_type, seconds)
SELECT $1, $2, o ->> 'tenant_id', o ->> 'status', o - '{tenant_id,status,error_type,seconds}'::text[],
       o ->> 'error_type', (o ->> 'seconds')::float8
FROM jsonb_array_elements($3::text::jsonb) AS o
ON CONFLICT (cycle_id, tenant_id, page) DO NOTHING
"""

CLOSE: Final = """
-- cycles.CLOSE: closing twice changes nothing, and returns nothing.
--   $1 cycle_id    uuid
--   $2 status      text    completed | failed | cancelled
--   $3 totals      text    JSON
--   $4 importance  text    JSON: Importance; NULL: not recorded
UPDATE maintenance.cycles
SET status = $2, totals = $3::text::jsonb, importance = $4::text::jsonb, completed_at = now()
WHERE cycle_id = $1 AND completed_at IS NULL
RETURNING kind, extract(epoch FROM now() - started_at)::float8 AS seconds, as_of, started_at, completed_at,
          config::text AS config, findings::text AS findings
"""


@dataclass(frozen=True, slots=True)
class OpenedCycle:
    """The settings of a cycle, as first recorded, and what its preflight found."""

    as_of: datetime
    config: dict[str, Any]
    findings: tuple[Finding, ...]


def cycle_config(settings: Settings, specs: Sequence[TaskSpec], named_tenants: int | None) -> dict[str, Any]:
    """Return what a cycle records of its settings: those that decide results, tasks, how many named tenants."""
    config = {**settings.snapshot(), "tasks": chosen_names(specs)}
    # A cycle over named tenants is no success of the fleet.
    return config if named_tenants is None else config | {"named_tenants": named_tenants}


def log_what_is_off(settings: Settings, tasks: Sequence[AnyTask]) -> None:
    """Log, in RAE's words, which of a cycle's tasks the deployment's settings switch off."""
    for task in tasks:
        reason = task.off(settings)
        if reason and task.spec.always_shown:
            event = f"{task.spec.name}_cycle_skipped"
            logger.info(event, reason=reason)


async def open_cycle(
    db: Executor,
    cycle_id: UUID,
    *,
    kind: str,
    as_of: datetime,
    config: dict[str, Any],
    findings: Sequence[Finding] = (),
    lease: timedelta | None = None,
) -> OpenedCycle:
    """Record that a cycle starts, and return what was first recorded of it; *lease*: see ``cycles/lease.py``.

    Earlier cycles that can no longer be running are marked ``abandoned``.
    """
    await execute(db, ABANDON)
    _log_changed_rule(from_json(await fetch_value(db, BEFORE, cycle_id)), config)
    found = to_json([finding.model_dump() for finding in findings])
    row = await fetch_row(db, OPEN, cycle_id, kind, as_of, to_json(config), found, lease)
    assert row is not None  # noqa: S101  an upsert with RETURNING returns its row
    recorded = tuple(map(Finding.model_validate, from_json(row["findings"]) or ()))
    return OpenedCycle(row["as_of"], from_json(row["config"]), recorded)


def _log_changed_rule(before: dict[str, Any] | None, now: dict[str, Any]) -> None:
    """Say that the deployment's decay rule is another one: this cycle re-prices every memory by it."""
    # A cycle of a version that knew no share had none set.
    before = before and {"decay_retained": None, **before}
    changed = {
        name: {"before": before[name], "now": now[name]}
        for name in now
        if before and name.startswith("decay_") and before.get(name, now[name]) != now[name]
    }
    if changed:
        logger.warning("decay_policy_changed", changed=changed)


async def record_outcomes(db: Executor, cycle_id: UUID, page: int, outcomes: Sequence[TenantOutcome]) -> None:
    """Record what a cycle did for the tenants of one of its pages, in one statement."""
    # A repeated call inserts no row.
    if await execute(db, RECORD, cycle_id, page, to_json([outcome.model_dump(mode="json") for outcome in outcomes])):
        count_outcomes(outcomes)


async def close_cycle(
    db: Pool, cycle_id: UUID, *, status: str, totals: dict[str, Any], settings: Settings | None = None
) -> None:
    """Record that a cycle ended, what it came to and, where *settings* have webhooks, the events that this is.

    If it decayed the fleet, the importance of all memories is recorded, too.
    """
    importance = await importance_now(db, cycle_id) if totals.get("decay", {}).get("updated") else None
    end = (cycle_id, status, to_json(totals), importance and importance.model_dump_json())
    if settings and settings.webhook_endpoints:
        async with transaction(db) as both:
            closed = await fetch_row(both, CLOSE, *end)
            if closed:
                events = tuple(events_of(_closed_cycle(cycle_id, status, totals, closed)))
                await add_events(both, cycle_id, events, settings)
    else:
        closed = await fetch_row(db, CLOSE, *end)
    if closed:
        lost = totals.get("statuses", {}).get("page_failed", 0)
        count_cycle(closed["kind"], status, closed["seconds"], lost=lost)
        _log_end(cycle_id, closed["kind"], status, totals.get("failure"))
        if decay := totals.get("decay"):
            stats = {"total_tenants": totals["looked_at"], "total_updated": decay.get("updated", 0)}
            logger.info("decay_cycle_completed", stats=stats, total_duration_seconds=closed["seconds"])


def _closed_cycle(cycle_id: UUID, status: str, totals: dict[str, Any], row: Any) -> ClosedCycle:
    return ClosedCycle(
        cycle_id=cycle_id,
        kind=row["kind"],
        status=status,
        as_of=row["as_of"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        config=from_json(row["config"]),
        totals=CycleTotals.model_validate(totals),
        findings=[Finding.model_validate(one) for one in from_json(row["findings"]) or ()],
    )


def _log_end(cycle_id: UUID, kind: str, status: str, failure: dict[str, Any] | None) -> None:
    known = {"cycle_id": str(cycle_id), "kind": kind, "status": status}
    if status == "failed":
        logger.error("maintenance_cycle_failed", **known, **failure or {})
    else:
        logger.info("maintenance_cycle_completed", **known)

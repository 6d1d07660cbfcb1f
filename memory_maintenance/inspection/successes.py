"""When maintenance last did what it should: for the whole fleet by kind of cycle, and for each tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from memory_maintenance.store.pool import Executor, fetch, to_json
from memory_maintenance.tasks import TASKS

LAST_SUCCESS: Final = """
-- inspection.LAST_SUCCESS: the newest completed cycle of each kind. What lies in the future was recorded by a wrong
-- clock: when it was is unknown.
--   $1 named  boolean  those over named tenants; else those over the whole fleet
SELECT DISTINCT ON (kind) kind, cycle_id, started_at, completed_at, now() - completed_at AS age
FROM maintenance.cycles
WHERE status = 'completed' AND (config->>'named_tenants' IS NOT NULL) = $1 AND completed_at <= now()
ORDER BY kind, completed_at DESC
"""

SUCCESSES: Final = """cycles AS (
    SELECT c.cycle_id, c.kind, c.started_at FROM maintenance.cycles c
    WHERE (c.kind <> 'daily' OR c.config->'tasks' IS NULL OR c.config->'tasks' @> $1::text::jsonb)
          AND c.started_at <= now()
),
runs AS (
    SELECT r.tenant_id, c.kind, max(c.started_at) FILTER (WHERE r.status = 'completed') AS at,
           array_agg(c.started_at) FILTER (WHERE r.status <> 'completed') AS others
    FROM maintenance.tenant_runs r JOIN cycles c USING (cycle_id)
    GROUP BY r.tenant_id, c.kind
),
successes AS (
    SELECT tenant_id, kind, at,
           (SELECT count(DISTINCT other) FROM unnest(others) AS other WHERE other > at OR at IS NULL) AS runs_since
    FROM runs
)"""
"""When a run of each kind that had work for a tenant was last completed for it, and how many it had since that were
not. A daily run counts where it did every task ($1, JSON as text) but those that do nothing until a setting says what.
One pass over all runs; those that were not completed are few, so they are kept until the success is known."""

SUCCESSES_OF_TENANTS: Final = f"""
-- inspection.SUCCESSES_OF_TENANTS: the last success of every tenant and kind; those first that somebody has to look at.
--   $1 tasks  json as text  their names
WITH {SUCCESSES}
SELECT tenant_id, kind, at AS succeeded_at, now() - at AS age, runs_since
FROM successes
ORDER BY (runs_since > 0) DESC, at NULLS FIRST, tenant_id, kind
"""  # noqa: S608  constants of this module


@dataclass(frozen=True, slots=True)
class LastSuccess:
    """The newest completed cycle of a kind."""

    kind: str
    cycle_id: UUID
    started_at: datetime
    completed_at: datetime
    age: timedelta


@dataclass(frozen=True, slots=True)
class TenantSuccess:
    """When a tenant was last done by a run of a kind; None: it never was, as far as runs are kept."""

    tenant_id: str
    kind: str
    succeeded_at: datetime | None
    """When that run started."""
    age: timedelta | None
    runs_since: int
    """Later runs that had work for the tenant and were not completed for it."""


async def last_successes(db: Executor, *, named: bool = False) -> list[LastSuccess]:
    """Return the newest completed cycle of each kind over the whole fleet; *named*: over named tenants instead."""
    return [LastSuccess(**dict(row)) for row in await fetch(db, LAST_SUCCESS, named)]


async def successes_of_tenants(db: Executor) -> list[TenantSuccess]:
    """Return the last success of every tenant and kind; first those that failed since, then the longest ago."""
    return [TenantSuccess(**dict(row)) for row in await fetch(db, SUCCESSES_OF_TENANTS, usual_tasks())]


def usual_tasks() -> str:
    """Return the names of the tasks that every daily run does, as JSON."""
    return to_json([task.spec.name for task in TASKS if "daily" in task.spec.cycles and task.spec.always_shown])

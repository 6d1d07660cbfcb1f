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

SUCCESSES_OF_TENANTS: Final = """
-- inspection.SUCCESSES_OF_TENANTS: when a run of each kind that had work for a tenant was last completed for it, and
-- how many it had since that were not. Those first that somebody has to look at. A daily run counts where it did every
-- task of a daily run, but for those that do nothing until a setting says what.
--   $1 tasks  json as text  their names
-- Counted only behind each success: one pass over all runs without a sort is half as long as a window.
WITH cycles AS (
    SELECT c.cycle_id, c.kind, c.started_at FROM maintenance.cycles c
    WHERE (c.kind <> 'daily' OR c.config->'tasks' IS NULL OR c.config->'tasks' @> $1::text::jsonb)
          AND c.started_at <= now()
),
succeeded AS (
    SELECT r.tenant_id, c.kind, max(c.started_at) FILTER (WHERE r.status = 'completed') AS at
    FROM maintenance.tenant_runs r JOIN cycles c USING (cycle_id)
    GROUP BY r.tenant_id, c.kind
),
since AS (
    SELECT r.tenant_id, c.kind, count(DISTINCT r.cycle_id) AS runs
    FROM maintenance.tenant_runs r
         JOIN cycles c USING (cycle_id)
         JOIN succeeded s ON s.tenant_id = r.tenant_id AND s.kind = c.kind
    WHERE c.started_at > s.at OR s.at IS NULL
    GROUP BY r.tenant_id, c.kind
)
SELECT s.tenant_id, s.kind, s.at AS succeeded_at, now() - s.at AS age, coalesce(n.runs, 0) AS runs_since
FROM succeeded s LEFT JOIN since n USING (tenant_id, kind)
ORDER BY (coalesce(n.runs, 0) > 0) DESC, s.at NULLS FIRST, s.tenant_id, s.kind
"""


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
    daily = [task.spec.name for task in TASKS if "daily" in task.spec.cycles and task.spec.always_shown]
    return [TenantSuccess(**dict(row)) for row in await fetch(db, SUCCESSES_OF_TENANTS, to_json(daily))]

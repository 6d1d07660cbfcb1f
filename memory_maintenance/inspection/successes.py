"""When maintenance last did what it should: for the whole fleet by kind of cycle, and for each tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from memory_maintenance.store.pool import Executor, fetch

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
-- inspection.SUCCESSES_OF_TENANTS: the last success of every tenant and kind; those that need attention first.
SELECT tenant_id, kind, succeeded_at, now() - succeeded_at AS age, cardinality(missed) AS runs_since
FROM maintenance.tenant_successes
ORDER BY (cardinality(missed) > 0) DESC, succeeded_at NULLS FIRST, tenant_id, kind
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
    """Later runs that had work for the tenant and were not completed for it, at most 1,000."""


async def last_successes(db: Executor, *, named: bool = False) -> list[LastSuccess]:
    """Return the newest completed cycle of each kind over the whole fleet; *named*: over named tenants instead."""
    return [LastSuccess(**dict(row)) for row in await fetch(db, LAST_SUCCESS, named)]


async def successes_of_tenants(db: Executor) -> list[TenantSuccess]:
    """Return the last success of every tenant and kind; first those that failed since, then the longest ago."""
    return [TenantSuccess(**dict(row)) for row in await fetch(db, SUCCESSES_OF_TENANTS)]

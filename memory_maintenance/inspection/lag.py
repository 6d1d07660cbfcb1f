"""How long the oldest undone work has been waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import NOW
from memory_maintenance.store.pool import Executor, Pool, fetch, fetch_row, fetch_value, snapshot
from memory_maintenance.summarization.due import due_arguments
from memory_maintenance.summarization.due_statements import DUE_OLDEST
from memory_maintenance.summarization.policy import DueRule
from memory_maintenance.tenants.control import all_tenants

DECAYED: Final = """
-- inspection.DECAYED: as of when each of some tenants was decayed last; NULL: never to the end.
--   $1 tenant_ids  text[]
SELECT k.tenant_id, t.decay_completed_as_of AS as_of
FROM unnest($1::text[]) AS k (tenant_id) LEFT JOIN maintenance.tenants t USING (tenant_id)
ORDER BY t.decay_completed_as_of NULLS FIRST, k.tenant_id
"""

_AT_ONCE: Final = 500
"""Tenants whose sessions one statement looks at."""


@dataclass(frozen=True, slots=True)
class Lag:
    """What waits, of tenants that are not paused. Ages are None where nothing waits."""

    decayed_longest_ago: timedelta | None
    """Age of the oldest last decay, of tenants that have had one."""
    decayed_longest_ago_tenant: str | None
    never_decayed: int
    due_sessions: int
    oldest_due_session: timedelta | None
    """Age of the last event of the due session that ended first."""


async def current_lag(pool: Pool, settings: Settings) -> Lag:
    """Return what a daily run would find undone now, as of one instant."""
    async with snapshot(pool) as db:
        now: datetime = await fetch_value(db, NOW)
        active = [tenant for tenant in await all_tenants(db) if not tenant.paused]
        waiting = [
            tenant.tenant_id
            for tenant in active
            if settings.for_tenant(tenant.overrides).memory_importance_decay_enabled
        ]
        rows = await fetch(db, DECAYED, waiting)
        done = [row for row in rows if row["as_of"] is not None]
        sessions, oldest = await _due(db, [tenant.tenant_id for tenant in active], now, settings)
    return Lag(
        decayed_longest_ago=max(now - done[0]["as_of"], timedelta(0)) if done else None,
        decayed_longest_ago_tenant=done[0]["tenant_id"] if done else None,
        never_decayed=len(rows) - len(done),
        due_sessions=sessions,
        oldest_due_session=now - oldest if oldest else None,
    )


async def _due(db: Executor, tenants: Sequence[str], now: datetime, settings: Settings) -> tuple[int, datetime | None]:
    rule = DueRule.of(settings, daily=True)
    sessions, oldest = 0, None
    for start in range(0, len(tenants), _AT_ONCE):
        some = tenants[start : start + _AT_ONCE]
        row = await fetch_row(db, DUE_OLDEST, *due_arguments(some, now, rule, settings))
        if row and row["sessions"]:
            sessions += row["sessions"]
            oldest = min(oldest or row["oldest"], row["oldest"])
    return sessions, oldest

"""``decay rewind``: takes back what nights with a wrong clock have done, but for the texts that they wrote.

Decay goes back to the instant that is asked for. What else the application noted down at a time that has not come yet
(the day of a budget, an open breaker, until when a project has dreamt) would hold up work until that time: it is set
to the same instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from memory_maintenance.decay.paged_order import ignore
from memory_maintenance.decay.rewind import Rewinding, adopt_earlier, adopted_later, tenants_ahead
from memory_maintenance.decay.rule import decay_rule
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import NOW, checked_as_of
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value, transaction
from memory_maintenance.tenants.control import load_tenant

OPEN_CYCLES: Final = """
-- cycles.OPEN_CYCLES: cycles that may still write; one that begins in the future was left by a wrong clock.
SELECT cycle_id, kind, started_at FROM maintenance.cycles
WHERE status = 'running' AND started_at <= now() AND coalesce(lease_until >= now(), true) ORDER BY started_at
"""

REWIND_DERIVED: Final = """
-- cycles.REWIND_DERIVED: when summaries and reflections were written; a memory of an agent's is not touched.
--   $1 at  timestamptz
UPDATE memories m
SET created_at = $1, last_accessed_at = CASE WHEN m.last_accessed_at > $1 THEN $1 ELSE m.last_accessed_at END
FROM (SELECT DISTINCT tenant_id, derived_id FROM maintenance.lineage WHERE derived_at > now()) AS l
WHERE m.id = l.derived_id AND m.tenant_id::text = l.tenant_id AND m.created_at > now()
"""

REWIND_LINEAGE: Final = """
-- cycles.REWIND_LINEAGE: when they were derived.
--   $1 at  timestamptz
UPDATE maintenance.lineage SET derived_at = $1 WHERE derived_at > now()
"""

REWIND_CYCLES: Final = """
-- cycles.REWIND_CYCLES: when cycles ran; one that did not end was left behind.
--   $1 at  timestamptz
UPDATE maintenance.cycles
SET as_of = least(as_of, $1), started_at = least(started_at, $1),
    completed_at = CASE WHEN completed_at > $1 THEN least($1 + (completed_at - started_at), now()) END,
    status = CASE status WHEN 'running' THEN 'abandoned' ELSE status END, lease_until = NULL
WHERE greatest(as_of, started_at, completed_at) > now()
"""

REWIND_BUDGETS: Final = """
-- cycles.REWIND_BUDGETS: what was used on days that have not come yet counts on the day of *at*.
--   $1 at  timestamptz
WITH ahead AS (
    DELETE FROM maintenance.model_budgets WHERE day > (now() AT TIME ZONE 'UTC')::date RETURNING scope, tokens, cost
)
INSERT INTO maintenance.model_budgets AS b (day, scope, tokens, cost)
SELECT ($1::timestamptz AT TIME ZONE 'UTC')::date, scope, sum(tokens), sum(cost) FROM ahead
GROUP BY scope ORDER BY scope
ON CONFLICT (day, scope) DO UPDATE SET tokens = b.tokens + excluded.tokens, cost = b.cost + excluded.cost
"""

REWIND_CALLS: Final = """
-- cycles.REWIND_CALLS: when questions were asked and answered, and how long they are claimed.
--   $1 at  timestamptz
UPDATE maintenance.model_calls
SET claimed_at = least(claimed_at, $1),
    waiting_since = CASE WHEN waiting_since > $1 THEN $1 ELSE waiting_since END,
    answered_at = CASE WHEN answered_at > $1 THEN $1 ELSE answered_at END,
    lease_until = least(lease_until, now()),
    reserved_on = CASE WHEN reserved_on > (now() AT TIME ZONE 'UTC')::date
        THEN ($1::timestamptz AT TIME ZONE 'UTC')::date ELSE reserved_on END
WHERE greatest(claimed_at, waiting_since, answered_at) > now() OR reserved_on > (now() AT TIME ZONE 'UTC')::date
"""

REWIND_BREAKERS: Final = """
-- cycles.REWIND_BREAKERS: an open breaker keeps every process from asking until then.
--   $1 at  timestamptz
UPDATE maintenance.model_breaker SET opened_at = $1, opened_until = $1 WHERE opened_at > now()
"""

REWIND_DREAMS: Final = """
-- cycles.REWIND_DREAMS: a project dreams of what is newer than this.
--   $1 at  timestamptz
UPDATE maintenance.dreams SET dreamt_until = $1 WHERE dreamt_until > now()
"""

REWIND_SET_ASIDE: Final = """
-- cycles.REWIND_SET_ASIDE: since when the model is not asked about something.
--   $1 at  timestamptz
UPDATE maintenance.set_aside
SET first_failed_at = least(first_failed_at, $1), last_failed_at = least(last_failed_at, $1),
    set_aside_at = CASE WHEN set_aside_at > $1 THEN $1 ELSE set_aside_at END
WHERE last_failed_at > now()
"""

SAVEPOINT: Final = """
-- cycles.SAVEPOINT: before the marks are taken back.
SAVEPOINT marks
"""
ROLLBACK_MARKS: Final = """
-- cycles.ROLLBACK_MARKS: undoes what a dry run did to count it.
ROLLBACK TO SAVEPOINT marks
"""

MARKS: Final[Mapping[str, str]] = {
    "derived_memories": REWIND_DERIVED,  # before the lineage by which they are found
    "lineage": REWIND_LINEAGE,
    "cycles": REWIND_CYCLES,
    "budgets": REWIND_BUDGETS,
    "model_calls": REWIND_CALLS,
    "breakers": REWIND_BREAKERS,
    "dreams": REWIND_DREAMS,
    "set_aside": REWIND_SET_ASIDE,
}

_CLOCKS_APART_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class RewindResult:
    """What rewinding came to, or would come to; the numbers are rows."""

    at: datetime
    tenants: int = 0
    """Tenants whose decay was as of a later instant."""
    seen: int = 0
    rewound: int = 0
    """Memories that had decayed further than they had at ``at``, or had a base from later."""
    busy: int = 0
    """Held by other transactions both times: rewind again to have them too; until then their tenant does not decay."""
    adopted: bool = False
    """Whether the store's first night was as of a later instant."""
    marks: Mapping[str, int] = field(default_factory=dict)
    """Rows of the application's own tables, by what they are, that lay in the future."""


async def rewind(
    pool: Pool,
    settings: Settings,
    at: datetime,
    *,
    by: str | None = None,
    reason: str | None = None,
    dry_run: bool = True,
    progress: Callable[[int], object] = ignore,
) -> RewindResult:
    """Take decay back to *at*, and marks that lie in the future with it; safe to repeat.

    Raises:
        InvalidRequestError: a cycle runs, or the database's clock is still wrong.
        AsOfInFutureError: *at* has not come yet.
    """
    await _refuse_what_would_go_wrong(pool, at)
    marks = await _take_marks_back(pool, at, dry_run=dry_run)
    ahead = await tenants_ahead(pool, at)
    seen = rewound = busy = 0
    for tenant in ahead:
        rule = decay_rule((await load_tenant(pool, tenant.tenant_id, settings)).settings)
        counts = await Rewinding(
            pool=pool,
            tenant_id=tenant.tenant_id,
            tenant=tenant,
            rule=rule,
            at=at,
            write=not dry_run,
            page_size=settings.memory_decay_page_size,
            by=by,
            reason=reason,
        ).rewind()
        seen, rewound, busy = seen + counts["seen"], rewound + counts["rewound"], busy + counts["busy"]
        progress(seen)
    adopted = await adopted_later(pool, at)
    if not dry_run and not busy:
        await adopt_earlier(pool, at)
    return RewindResult(at, len(ahead), seen, rewound, busy, adopted, marks)


async def _refuse_what_would_go_wrong(pool: Pool, at: datetime) -> None:
    now: datetime = await fetch_value(pool, NOW)
    apart = (now - datetime.now(UTC)).total_seconds()
    if abs(apart) > _CLOCKS_APART_SECONDS:
        which = "ahead of" if apart > 0 else "behind"
        raise InvalidRequestError(
            f"the database's clock is {abs(apart):.0f} s {which} this machine's: put the wrong one right, then rewind"
        )
    await checked_as_of(pool, at)
    running = await fetch(pool, OPEN_CYCLES)
    if running:
        first = running[0]
        raise InvalidRequestError(
            f"{first['kind']} cycle {first['cycle_id']} runs since {first['started_at']:%Y-%m-%d %H:%M} UTC: wait for "
            "its end, or cancel it, then rewind"
        )


async def _take_marks_back(pool: Pool, at: datetime, *, dry_run: bool) -> dict[str, int]:
    """Return how many marks of each kind were taken back; a dry run does it to count them, and undoes it."""
    async with transaction(pool) as db:
        # Not asyncpg's own: it does not know of a transaction that a statement has begun.
        await execute(db, SAVEPOINT)
        counts = {name: await execute(db, statement, at) for name, statement in MARKS.items()}
        if dry_run:
            await execute(db, ROLLBACK_MARKS)
        return counts

"""Putting importance back to what the agent last said, times the demotion, from where it decays again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

import structlog

from memory_maintenance.decay.paged_order import PagedOrder, ids_statement, ignore, page_statement
from memory_maintenance.errors import MemoryNotFoundError
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool, fetch
from memory_maintenance.tenants.known import ensure_known

logger = structlog.get_logger(__name__)

_RESTORE: Final = """
--   $4 at              timestamptz   since when the base holds again
--   $5 write           boolean       false: only count
-- Due is what decay wrote last and no agent has set since. An importance that equals its base, by a rule that left
-- it there or by a tolerance, is due too: else the next run would take the time since the old base off it.
due AS MATERIALIZED (
    SELECT tableoid, ctid, tenant_id, id, held, importance <> held AS moves
    FROM page CROSS JOIN digits
         CROSS JOIN LATERAL (SELECT greatest(coalesce(demotion, 1), 1e-30) AS demoted) AS factor
         CROSS JOIN LATERAL (SELECT maintenance.held(base_importance * demoted, kind, scale) AS held) AS h
    WHERE importance IS NOT DISTINCT FROM decayed_importance
      AND base_importance BETWEEN 0 AND 1 AND base_importance_at < $4::timestamptz
),
-- As decay locks: what is locked is the very version that was read.
locked AS MATERIALIZED (
    SELECT due.*
    FROM due JOIN memories AS m
         ON m.ctid = due.ctid AND m.tableoid = due.tableoid AND m.tenant_id = due.tenant_id AND m.id = due.id
    WHERE $5::boolean
    FOR NO KEY UPDATE OF m SKIP LOCKED
),
written AS (
    UPDATE memories AS m
    SET importance = locked.held, decayed_importance = locked.held, base_importance_at = $4
    FROM locked
    WHERE m.ctid = locked.ctid AND m.tableoid = locked.tableoid AND m.tenant_id = locked.tenant_id AND m.id = locked.id
    RETURNING m.id, m.importance IS DISTINCT FROM m.decayed_importance AS altered
)"""

_COUNTS: Final = """
SELECT count(*) AS seen,
       count(*) FILTER (WHERE due.moves AND (written.id IS NOT NULL OR NOT $5)) AS restored,
       count(*) FILTER (WHERE NOT due.moves AND (written.id IS NOT NULL OR NOT $5)) AS renewed,
       count(*) FILTER (WHERE due.id IS NULL) AS "left",
       array_agg(due.id) FILTER (WHERE due.id IS NOT NULL AND written.id IS NULL AND $5) AS locked_ids,
       array_agg(written.id) FILTER (WHERE written.altered) AS altered_ids,
       (array_agg(page.id ORDER BY page.id DESC))[1] AS last_id
FROM page
LEFT JOIN due ON due.id = page.id
LEFT JOIN written ON written.id = page.id
"""

RESTORE_PAGE: Final = page_statement(
    "decay.RESTORE_PAGE: puts a page of one tenant's memories back to their bases.", _RESTORE, _COUNTS
)
RESTORE_IDS: Final = ids_statement(
    "decay.RESTORE_IDS: puts memories that are named back to their bases.", _RESTORE, _COUNTS
)

THERE: Final = """
-- decay.THERE: which of these memories there are, and whose.
--   $1 ids  uuid[]
SELECT id, tenant_id::text AS tenant_id FROM memories WHERE id = ANY ($1::uuid[]) ORDER BY tenant_id, id
"""

_IDS_KEPT: Final = 100
"""Ids of memories that an order keeps, of those that it named."""


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What restoring came to; the numbers are rows."""

    at: datetime
    """Since when the bases hold again."""
    restored: int = 0
    """Importance is back at its base."""
    renewed: int = 0
    """Importance was at its base already; the base holds from now on."""
    left: int = 0
    """Set by the agent since, or never decayed: left as they are."""
    busy: int = 0
    """Held by other transactions both times they were looked at: restore again to have them too."""

    def __add__(self, other: RestoreResult) -> RestoreResult:
        """Return both together, as of the later instant."""
        return RestoreResult(
            at=max(self.at, other.at),
            restored=self.restored + other.restored,
            renewed=self.renewed + other.renewed,
            left=self.left + other.left,
            busy=self.busy + other.busy,
        )


async def restore_tenant(
    pool: Pool,
    tenant_id: str,
    *,
    at: datetime | None = None,
    by: str | None = None,
    reason: str | None = None,
    dry_run: bool = False,
    page_size: int = 1000,
    progress: Callable[[int], object] = ignore,
) -> RestoreResult:
    """Put a tenant's importances back to their bases, page by page, each committed by itself.

    Repeated with the same *at* it writes nothing; repeated later it changes no importance. An
    interrupted run has restored the pages before.

    Args:
        pool: connections to the store.
        tenant_id: as stored.
        at: since when the bases hold again; None: the database's clock.
        by: who says so, and
        reason: why; both are kept in ``maintenance.orders``.
        dry_run: count only.
        page_size: rows that are locked and written in one transaction.
        progress: called after each page with the number of rows seen so far.

    Raises:
        TenantNotFoundError: there is no such tenant.
        AsOfInFutureError: *at* is more than five minutes ahead of the database's clock.
    """
    await ensure_known(pool, tenant_id)
    at, write = await checked_as_of(pool, at), not dry_run
    work = Restoring(pool=pool, tenant_id=tenant_id, at=at, write=write, page_size=page_size, by=by, reason=reason)
    await work.take_all(progress)
    return work.result()


async def restore_memories(
    pool: Pool,
    memory_ids: Sequence[UUID],
    *,
    at: datetime | None = None,
    by: str | None = None,
    reason: str | None = None,
    dry_run: bool = False,
) -> RestoreResult:
    """Put the importance of some memories back to their bases; otherwise as ``restore_tenant``.

    Raises:
        MemoryNotFoundError: there is no memory with one of the ids.
        AsOfInFutureError: *at* is more than five minutes ahead of the database's clock.
    """
    found = [(row["tenant_id"], row["id"]) for row in await fetch(pool, THERE, list(memory_ids))]
    there = {memory_id for _, memory_id in found}
    if missing := [memory_id for memory_id in memory_ids if memory_id not in there]:
        raise MemoryNotFoundError(missing[0])
    at = await checked_as_of(pool, at)
    result = RestoreResult(at)
    for tenant_id, rows in groupby(found, itemgetter(0)):
        ids = [memory_id for _, memory_id in rows]
        work = Restoring(
            pool=pool, tenant_id=tenant_id, at=at, write=not dry_run, by=by, reason=reason, named=ids, locked_ids=ids
        )
        await work.take_locked()
        await work.take_locked()
        result += work.result()
    return result


@dataclass(slots=True, kw_only=True)
class Restoring(PagedOrder):
    """One tenant's restoring."""

    page_sql = RESTORE_PAGE
    ids_sql = RESTORE_IDS
    counted = ("restored", "renewed", "left")

    named: Sequence[UUID] = ()
    """The memories that were named; none: all of the tenant's."""

    def terms(self) -> Sequence[Any]:
        """Return since when the bases hold again."""
        return (self.at,)

    def details(self) -> Mapping[str, Any]:
        """Return the memories that were named."""
        return {"memories": list(map(str, self.named[:_IDS_KEPT]))} if self.named else {}

    def result(self) -> RestoreResult:
        """Return what was done, and log it."""
        done = {name: self.counts[name] for name in self.counted} | {"busy": len(self.locked_ids)}
        logger.info("importance_restored", tenant_id=self.tenant_id, by=self.by, **done, dry_run=not self.write)
        return RestoreResult(self.at, **done)

"""Putting importance back to what the agent last said, from where it decays anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from memory_maintenance.database.pool import Pool, fetch, fetch_row, transaction
from memory_maintenance.errors import MemoryNotFoundError
from memory_maintenance.operations.cycles import checked_as_of
from memory_maintenance.operations.tenants import ensure_known

logger = structlog.get_logger(__name__)

_OF_TENANT: Final = """
-- decay.RESTORE_PAGE: puts a page of one tenant's memories back to their bases.
--   $3 tenant_id, compared in the type of its column
--   $4 first_id   uuid          the page begins here
--   $5 page_size  integer
WITH page AS MATERIALIZED (
    SELECT ctid, id, importance, base_importance, base_importance_at, decayed_importance
    FROM memories
    WHERE tenant_id = $3 AND id >= $4
    ORDER BY id
    LIMIT $5
),"""

_BY_ID: Final = """
-- decay.RESTORE_IDS: the same for memories that are named.
--   $3 ids        uuid[]
WITH page AS MATERIALIZED (
    SELECT ctid, id, importance, base_importance, base_importance_at, decayed_importance
    FROM memories
    WHERE id = ANY ($3::uuid[])
),"""

_RESTORE: Final = """
--   $1 at         timestamptz   since when the base holds again
--   $2 write      boolean       false: only count
-- Due is what decay wrote last and nobody has set since. An importance that equals its base, by a rule that left
-- it there or by a tolerance, is due too: else the next run would take the time since the old base off it.
due AS MATERIALIZED (
    SELECT ctid, id, base_importance AS base,
           importance <> CASE WHEN pg_typeof(importance) = 'real'::regtype THEN base_importance::real
                              ELSE base_importance END AS moves
    FROM page
    WHERE importance IS NOT DISTINCT FROM decayed_importance
      AND base_importance BETWEEN 0 AND 1 AND base_importance_at < $1::timestamptz
),
-- By ctid, as decay locks: what is locked is the very version that was read.
locked AS MATERIALIZED (
    SELECT ctid, id
    FROM memories
    WHERE $2::boolean AND ctid = ANY (ARRAY (SELECT ctid FROM due))
    FOR NO KEY UPDATE SKIP LOCKED
),
written AS (
    UPDATE memories AS m
    SET importance = due.base, decayed_importance = due.base, base_importance_at = $1
    FROM due
    WHERE m.ctid = ANY (ARRAY (SELECT ctid FROM locked)) AND m.ctid = due.ctid AND m.id = due.id
    RETURNING m.id
)
SELECT count(*) AS seen,
       count(*) FILTER (WHERE due.moves AND (written.id IS NOT NULL OR NOT $2)) AS restored,
       count(*) FILTER (WHERE NOT due.moves AND (written.id IS NOT NULL OR NOT $2)) AS renewed,
       count(*) FILTER (WHERE due.id IS NULL) AS "left",
       array_agg(due.id) FILTER (WHERE due.id IS NOT NULL AND written.id IS NULL AND $2) AS locked_ids,
       (array_agg(page.id ORDER BY page.id DESC))[1] AS last_id
FROM page
LEFT JOIN due ON due.id = page.id
LEFT JOIN written ON written.id = page.id
"""

RESTORE_PAGE: Final = _OF_TENANT + _RESTORE
RESTORE_IDS: Final = _BY_ID + _RESTORE

THERE: Final = """
-- decay.THERE: which of these memories there are.
--   $1 ids  uuid[]
SELECT id FROM memories WHERE id = ANY ($1::uuid[])
"""

_FIRST_ID: Final = UUID(int=0)
_LAST_ID: Final = UUID(int=2**128 - 1)
_PAGE_SIZE: Final = 1000


def ignore(_seen: int) -> None:
    """Tell nobody how far it is."""


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
    dry_run: bool = False,
    page_size: int = _PAGE_SIZE,
    progress: Callable[[int], object] = ignore,
) -> RestoreResult:
    """Put a tenant's importances back to their bases, page by page, each committed by itself.

    A page locks as decay does: it never waits for a writer of the agent and cannot deadlock with one.
    Repeated with the same *at* it writes nothing; repeated later it changes no importance. An
    interrupted run has restored the pages before.

    Args:
        pool: connections to the store.
        tenant_id: as stored.
        at: since when the bases hold again; None: the database's clock.
        by: who says so, for the log.
        dry_run: count only.
        page_size: rows that are locked and written in one transaction.
        progress: called after each page with the number of rows seen so far.

    Raises:
        TenantNotFoundError: there is no such tenant.
        AsOfInFutureError: *at* is more than five minutes ahead of the database's clock.
    """
    await ensure_known(pool, tenant_id)
    work = _Restoring(pool, await checked_as_of(pool, at), write=not dry_run, page_size=page_size)
    first_id: UUID | None = _FIRST_ID
    while first_id is not None:
        first_id = await work.page(tenant_id, first_id)
        progress(work.counts["seen"])
    await work.look_again()
    return work.result(tenant_id=tenant_id, by=by)


async def restore_memories(
    pool: Pool,
    memory_ids: Sequence[UUID],
    *,
    at: datetime | None = None,
    by: str | None = None,
    dry_run: bool = False,
) -> RestoreResult:
    """Put the importance of some memories back to their bases; otherwise as ``restore_tenant``.

    Raises:
        MemoryNotFoundError: there is no memory with one of the ids.
        AsOfInFutureError: *at* is more than five minutes ahead of the database's clock.
    """
    there = {row["id"] for row in await fetch(pool, THERE, list(memory_ids))}
    if missing := [memory_id for memory_id in memory_ids if memory_id not in there]:
        raise MemoryNotFoundError(missing[0])
    work = _Restoring(pool, await checked_as_of(pool, at), write=not dry_run, locked_ids=list(memory_ids))
    await work.look_again()
    await work.look_again()
    return work.result(by=by)


@dataclass(slots=True)
class _Restoring:
    pool: Pool
    at: datetime
    write: bool
    page_size: int = _PAGE_SIZE
    counts: Counter[str] = field(default_factory=Counter)
    locked_ids: list[UUID] = field(default_factory=list)

    async def page(self, tenant_id: str, first_id: UUID) -> UUID | None:
        """Write the page that begins at *first_id*; return where the next one begins."""
        page = await self._run(RESTORE_PAGE, tenant_id, first_id, self.page_size)
        self.counts["seen"] += page["seen"]
        last_id: UUID | None = page["last_id"]
        if last_id is None or last_id == _LAST_ID or page["seen"] < self.page_size:
            return None
        return UUID(int=last_id.int + 1)

    async def look_again(self) -> None:
        """Write the rows that were locked, as far as they no longer are."""
        locked, self.locked_ids = self.locked_ids, []
        for first in range(0, len(locked), self.page_size):
            await self._run(RESTORE_IDS, locked[first : first + self.page_size])

    async def _run(self, statement: str, *which: Any) -> dict[str, Any]:
        async with transaction(self.pool) as db:
            row = await fetch_row(db, statement, self.at, self.write, *which)
        page = dict(row or {})
        self.counts.update({name: page[name] for name in ("restored", "renewed", "left")})
        self.locked_ids += page["locked_ids"] or ()
        return page

    def result(self, **about: str | None) -> RestoreResult:
        """Return what was done, and log it."""
        done = {name: self.counts[name] for name in ("restored", "renewed", "left")} | {"busy": len(self.locked_ids)}
        logger.info("importance_restored", **about, **done, dry_run=not self.write)
        return RestoreResult(self.at, **done)

"""Putting importance back to what the agent last said, times the demotion, from where it decays again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

import structlog

from memory_maintenance.decay.statements import DIGITS, REMEMBER
from memory_maintenance.errors import MemoryNotFoundError
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Executor, Pool, execute, fetch, fetch_row, transaction
from memory_maintenance.store.statement import composed
from memory_maintenance.tenants.known import ensure_known
from memory_maintenance.tenants.orders import add_to_order, record_order

logger = structlog.get_logger(__name__)

_OF_TENANT: Final = """
--   $3 tenant_id, compared in the type of its column
--   $4 first_id   uuid          the page begins here
--   $5 page_size  integer
page AS MATERIALIZED (
    SELECT tableoid, ctid, tenant_id, id, importance, base_importance, base_importance_at, decayed_importance, demotion
    FROM memories
    WHERE tenant_id = $3 AND id >= $4
    ORDER BY id
    LIMIT $5
)"""

_BY_ID: Final = """
--   $3 tenant_id, compared in the type of its column
--   $4 ids        uuid[]
page AS MATERIALIZED (
    SELECT tableoid, ctid, tenant_id, id, importance, base_importance, base_importance_at, decayed_importance, demotion
    FROM memories
    WHERE tenant_id = $3 AND id = ANY ($4::uuid[])
)"""

_RESTORE: Final = """
--   $1 at         timestamptz   since when the base holds again
--   $2 write      boolean       false: only count
-- Due is what decay wrote last and no agent has set since. An importance that equals its base, by a rule that left
-- it there or by a tolerance, is due too: else the next run would take the time since the old base off it.
due AS MATERIALIZED (
    SELECT tableoid, ctid, tenant_id, id, held, importance <> held AS moves
    FROM page CROSS JOIN digits
         CROSS JOIN LATERAL (SELECT greatest(coalesce(demotion, 1), 1e-30) AS demoted) AS factor
         CROSS JOIN LATERAL (SELECT maintenance.held(base_importance * demoted, kind, scale) AS held) AS h
    WHERE importance IS NOT DISTINCT FROM decayed_importance
      AND base_importance BETWEEN 0 AND 1 AND base_importance_at < $1::timestamptz
),
-- As decay locks: what is locked is the very version that was read.
locked AS MATERIALIZED (
    SELECT due.*
    FROM due JOIN memories AS m
         ON m.ctid = due.ctid AND m.tableoid = due.tableoid AND m.tenant_id = due.tenant_id AND m.id = due.id
    WHERE $2::boolean
    FOR NO KEY UPDATE OF m SKIP LOCKED
),
written AS (
    UPDATE memories AS m
    SET importance = locked.held, decayed_importance = locked.held, base_importance_at = $1
    FROM locked
    WHERE m.ctid = locked.ctid AND m.tableoid = locked.tableoid AND m.tenant_id = locked.tenant_id AND m.id = locked.id
    RETURNING m.id, m.importance IS DISTINCT FROM m.decayed_importance AS altered
)"""

_COUNTS: Final = """
SELECT count(*) AS seen,
       count(*) FILTER (WHERE due.moves AND (written.id IS NOT NULL OR NOT $2)) AS restored,
       count(*) FILTER (WHERE NOT due.moves AND (written.id IS NOT NULL OR NOT $2)) AS renewed,
       count(*) FILTER (WHERE due.id IS NULL) AS "left",
       array_agg(due.id) FILTER (WHERE due.id IS NOT NULL AND written.id IS NULL AND $2) AS locked_ids,
       array_agg(written.id) FILTER (WHERE written.altered) AS altered_ids,
       (array_agg(page.id ORDER BY page.id DESC))[1] AS last_id
FROM page
LEFT JOIN due ON due.id = page.id
LEFT JOIN written ON written.id = page.id
"""

RESTORE_PAGE: Final = composed(
    "decay.RESTORE_PAGE: puts a page of one tenant's memories back to their bases.",
    *(_OF_TENANT, DIGITS, _RESTORE),
    result=_COUNTS,
)
RESTORE_IDS: Final = composed(
    "decay.RESTORE_IDS: puts memories that are named back to their bases.", *(_BY_ID, DIGITS, _RESTORE), result=_COUNTS
)

THERE: Final = """
-- decay.THERE: which of these memories there are, and whose.
--   $1 ids  uuid[]
SELECT id, tenant_id::text AS tenant_id FROM memories WHERE id = ANY ($1::uuid[]) ORDER BY tenant_id, id
"""

_FIRST_ID: Final = UUID(int=0)
_LAST_ID: Final = UUID(int=2**128 - 1)
_PAGE_SIZE: Final = 1000
_IDS_KEPT: Final = 100
"""Ids of memories that an order keeps, of those that it named."""


def ignore(_seen: int) -> None:
    """Report no progress."""


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
    work = _Restoring(
        pool, await checked_as_of(pool, at), tenant_id, by, reason, write=not dry_run, page_size=page_size
    )
    first_id: UUID | None = _FIRST_ID
    while first_id is not None:
        first_id = await work.page(first_id)
        progress(work.counts["seen"])
    await work.look_again()
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
        work = _Restoring(pool, at, tenant_id, by, reason, write=not dry_run, named=ids)
        result += await work.those_named()
    return result


@dataclass(slots=True)
class _Restoring:
    """One tenant's restoring; each of its transactions writes, too, how far the order came."""

    pool: Pool
    at: datetime
    tenant_id: str
    by: str | None
    reason: str | None
    write: bool
    page_size: int = _PAGE_SIZE
    named: list[UUID] = field(default_factory=list)
    """The memories that were named; none: all of the tenant's."""
    counts: Counter[str] = field(default_factory=Counter)
    locked_ids: list[UUID] = field(default_factory=list)
    order_id: int | None = None

    async def those_named(self) -> RestoreResult:
        """Write the rows that were named, and those that were locked once more."""
        self.locked_ids = list(self.named)
        await self.look_again()
        await self.look_again()
        return self.result()

    async def page(self, first_id: UUID) -> UUID | None:
        """Write the page that begins at *first_id*; return where the next one begins."""
        page = await self._run(RESTORE_PAGE, first_id, self.page_size)
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
            row = await fetch_row(db, statement, self.at, self.write, self.tenant_id, *which)
            page = dict(row or {})
            if altered_ids := page["altered_ids"]:
                await execute(db, REMEMBER, self.tenant_id, altered_ids)
            if self.write:
                await self._keep(db, page["restored"])
        self.counts.update({name: page[name] for name in ("restored", "renewed", "left")})
        self.locked_ids += page["locked_ids"] or ()
        return page

    async def _keep(self, db: Executor, restored: int) -> None:
        if self.order_id is not None:
            return await add_to_order(db, self.order_id, "restored", restored)
        named = {"memories": list(map(str, self.named[:_IDS_KEPT]))} if self.named else {}
        self.order_id = await record_order(
            db, self.tenant_id, "restore", by=self.by, reason=self.reason, restored=restored, **named
        )
        return None

    def result(self) -> RestoreResult:
        """Return what was done, and log it."""
        done = {name: self.counts[name] for name in ("restored", "renewed", "left")} | {"busy": len(self.locked_ids)}
        logger.info("importance_restored", tenant_id=self.tenant_id, by=self.by, **done, dry_run=not self.write)
        return RestoreResult(self.at, **done)

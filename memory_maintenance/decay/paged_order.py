"""An operator's order about a tenant's importances: page by page, each committed with how far the order came."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from memory_maintenance.decay.statements import DIGITS, REMEMBER
from memory_maintenance.store.identity import FIRST_ID, id_after
from memory_maintenance.store.pool import Executor, Pool, execute, fetch_row, transaction
from memory_maintenance.store.statement import composed
from memory_maintenance.tenants.orders import add_to_order, record_order

_COLUMNS: Final = """
    SELECT tableoid, ctid, tenant_id, id, importance, base_importance, base_importance_at, decayed_importance,
           demotion, maintenance.known_time(created_at) AS created_at,
           maintenance.known_time(last_accessed_at) AS last_accessed_at, layer
    FROM memories"""

_OF_TENANT: Final = f"""
--   $1 tenant_id, compared in the type of its column
--   $2 first_id        uuid          the page begins here
--   $3 page_size       integer
page AS MATERIALIZED ({_COLUMNS}
    WHERE tenant_id = $1 AND id >= $2
    ORDER BY id
    LIMIT $3
)"""

_BY_ID: Final = f"""
--   $1 tenant_id, compared in the type of its column
--   $2 ids             uuid[]
--   $3 page_size       integer       at least as many
page AS MATERIALIZED ({_COLUMNS}
    WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
    LIMIT $3
)"""


def page_statement(name: str, step: str, result: str) -> str:
    """Return the statement that takes *step* with a page of a tenant's memories: ``page`` and ``digits`` are there."""
    return composed(name, _OF_TENANT, DIGITS, step, result=result)


def ids_statement(name: str, step: str, result: str) -> str:
    """Return the same statement for memories that are named."""
    return composed(name, _BY_ID, DIGITS, step, result=result)


def ignore(_seen: int) -> None:
    """Report no progress."""


@dataclass(slots=True, kw_only=True)
class PagedOrder(ABC):
    """One tenant's part of an order; each of its transactions records, too, how many rows it wrote.

    A page locks as decay does: it never waits for a writer of the agent and cannot deadlock with one.
    """

    page_sql: ClassVar[str]
    """Writes a page; returns ``seen``, ``last_id``, ``locked_ids``, ``altered_ids`` and the columns ``counted``."""
    ids_sql: ClassVar[str]
    counted: ClassVar[Sequence[str]]
    """Columns that are added up over the pages; the first is what the order records as ``restored``."""

    pool: Pool
    tenant_id: str
    at: datetime
    write: bool
    page_size: int = 1000
    by: str | None = None
    reason: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    locked_ids: list[UUID] = field(default_factory=list)
    """Memories that other transactions held."""
    order_id: int | None = None

    @abstractmethod
    def terms(self) -> Sequence[Any]:
        """Return the parameters between the page's own and ``write``, which is the last."""

    @abstractmethod
    def details(self) -> Mapping[str, Any]:
        """Return what the record of the order says besides how many rows it wrote."""

    async def check(self, db: Executor) -> None:  # noqa: B027  an order may have nothing to check
        """Raise where the page must not be written."""

    async def take_all(self, progress: Callable[[int], object] = ignore) -> None:
        """Take every page of the tenant, and those rows once more that were locked."""
        first_id: UUID | None = FIRST_ID
        while first_id is not None:
            page = await self.take(self.page_sql, first_id, self.page_size)
            self.counts["seen"] += page["seen"]
            progress(self.counts["seen"])
            first_id = id_after(page["last_id"]) if page["seen"] == self.page_size else None
        await self.take_locked()

    async def take_locked(self) -> None:
        """Take the rows that were locked, as far as they no longer are."""
        locked, self.locked_ids = self.locked_ids, []
        for first in range(0, len(locked), self.page_size):
            ids = locked[first : first + self.page_size]
            await self.take(self.ids_sql, ids, len(ids))

    async def take(self, sql: str, *which: Any) -> Mapping[str, Any]:
        """Take one page in a transaction of its own; without ``write`` count only."""
        async with transaction(self.pool) as db:
            await self.check(db)
            page = dict(await fetch_row(db, sql, self.tenant_id, *which, *self.terms(), self.write) or {})
            if page["altered_ids"]:
                await execute(db, REMEMBER, self.tenant_id, page["altered_ids"])
            if self.write:
                await self._record(db, page[self.counted[0]])
        self.counts.update({name: page[name] for name in self.counted})
        self.locked_ids += page["locked_ids"] or ()
        return page

    async def _record(self, db: Executor, restored: int) -> None:
        if self.order_id is not None:
            await add_to_order(db, self.order_id, "restored", restored)
        else:
            details = {"restored": restored, **self.details()}
            self.order_id = await record_order(db, self.tenant_id, "restore", by=self.by, reason=self.reason, **details)

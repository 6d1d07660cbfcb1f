"""Some memories that fall out, in short transactions: each page leaves memories and enters the audit, or stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from memory_maintenance.errors import StoreShapeError
from memory_maintenance.expiry.policy import ExpiryRule, Reason
from memory_maintenance.expiry.rows import TEXT_FORMS, stored_tables
from memory_maintenance.expiry.rule import as_json
from memory_maintenance.expiry.statements import (
    DELETE,
    DUE,
    LOCK,
    OF_CYCLE,
    ONLY_SOURCE_OF,
    PURGE,
    PURGEABLE,
    RECORD,
    RETIRE,
)
from memory_maintenance.store.pool import Executor, Pool, execute, fetch, fetch_row, fetch_value, to_json, transaction
from memory_maintenance.work import Run

PAGE: Final = 200
"""Memories of one transaction: an agent that writes one of them waits some tens of milliseconds."""

BATCH: Final = 2_000
"""Memories that one unit takes; an operator's pause waits for the unit."""


@dataclass(frozen=True, slots=True)
class DueMemory:
    """A memory that falls out, and the version of its row for which that was found."""

    id: UUID
    reason: Reason
    version: str


@dataclass(frozen=True, slots=True)
class ExpiryBatch:
    """One unit of one tenant."""

    pool: Pool
    tenant_id: str
    run: Run
    rule: ExpiryRule

    async def due(self, after: UUID | None) -> list[DueMemory]:
        """Return the next memories that fall out; fewer than ``BATCH`` are the last ones."""
        keep = self.rule.keep or None
        asked = (self.tenant_id, self.run.as_of, as_json(self.rule, self.run.as_of), after, keep, BATCH)
        return [DueMemory(**row) for row in await fetch(self.pool, DUE, *asked)]

    async def take(self, due: Sequence[DueMemory]) -> int:
        """Archive or delete memories as the rule says; return how many others held or have written meanwhile."""
        busy = 0
        for action in ("archive", "delete"):
            chosen = [one for one in due if self.rule.action(one.reason) == action]
            for first in range(0, len(chosen), PAGE):
                page = chosen[first : first + PAGE]
                async with transaction(self.pool) as db:
                    busy += len(page) - await self._take_page(db, page, archive=action == "archive")
        return busy

    async def _take_page(self, db: Executor, page: Sequence[DueMemory], *, archive: bool) -> int:
        versions = [one.version for one in page]
        ids = [row["id"] for row in await fetch(db, LOCK, self.tenant_id, [one.id for one in page], versions)]
        if not ids:
            return 0
        held, as_of = set(ids), self.run.as_of
        reasons = Counter(one.reason for one in page if one.id in held)
        retired = [one.id for one in page if one.id in held and one.reason != "expired"]
        if retired:
            await execute(db, RETIRE, self.tenant_id, retired, True)
        rows = await fetch(db, ONLY_SOURCE_OF, self.tenant_id, self.tenant_id, ids)
        batch_id = await fetch_value(
            db,
            RECORD,
            *(self.tenant_id, "archived" if archive else "deleted", to_json(dict(reasons)), ids),
            *([row["derived_id"] for row in rows], self.run.cycle_id, as_of, None, None),
        )
        tables = await stored_tables(db)
        if archive:
            await execute(db, TEXT_FORMS)
            await tables.archive(db, self.tenant_id, ids, batch_id, self.rule.purge_after(as_of))
        await tables.delete_attached(db, self.tenant_id, ids)
        if await execute(db, DELETE, self.tenant_id, ids) != len(ids):
            raise StoreShapeError(
                "a trigger or a policy of memories keeps rows from being deleted: let the application's role delete, "
                "or set MEMORY_EXPIRY=off"
            )
        return len(ids)

    async def purge(self) -> bool:
        """Delete archived memories whose time has come, at most ``BATCH``; return whether there may be more."""
        purged = 0
        while purged < BATCH:
            page = await purge_page(self.pool, self.tenant_id, self.run.as_of, cycle_id=self.run.cycle_id)
            if not page:
                return False
            purged += page
        return True

    async def purgeable(self) -> int:
        """Return how many archived memories a purge would delete."""
        row = await fetch_row(self.pool, PURGEABLE, self.tenant_id, self.run.as_of)
        return row["memories"] if row else 0

    async def counted(self) -> dict[str, int]:
        """Return what this cycle has done for the tenant up to here, as the audit rows say."""
        counts: Counter[str] = Counter()
        for row in await fetch(self.pool, OF_CYCLE, self.run.cycle_id, self.tenant_id):
            counts[row["action"]] += int(row["memories"])
            counts["only_source"] += int(row["only_source_of"])
        return dict(counts)


async def purge_page(db: Executor, tenant_id: str, as_of: Any, *, cycle_id: UUID | None, by: str | None = None) -> int:
    """Delete up to ``PAGE`` archived memories of a tenant whose time has come, and record it in an audit row."""
    return await fetch_value(db, PURGE, tenant_id, as_of, PAGE, cycle_id, by) or 0

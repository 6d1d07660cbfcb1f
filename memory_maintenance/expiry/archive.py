"""The archive as operators use it: listing what left the store, restoring it, purging what is due."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

import structlog

from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.expiry.batch import PAGE, purge_page
from memory_maintenance.expiry.rows import TEXT_FORMS, stored_tables
from memory_maintenance.expiry.rule import expiry_rule
from memory_maintenance.expiry.statements import (
    ARCHIVED,
    BATCHES,
    LOCK_ARCHIVED,
    PURGEABLE,
    RECORD,
    RETIRE,
    TAKE_OUT,
    WITHOUT_MEMORIES,
)
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value, from_json, transaction
from memory_maintenance.tenants.control import load_tenant

logger = structlog.get_logger(__name__)

_NIGHTLY_SECONDS: Final = 45
"""How long a cycle purges for tenants that it does not visit; the next cycle continues."""

MOST_BATCHES: Final = 50
"""Audit rows that are listed, unless asked for more."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """What one batch did. ``reasons`` counts memories by why they fell out."""

    batch_id: int
    tenant_id: str
    action: str
    reasons: Mapping[str, int]
    memories: Sequence[UUID]
    only_source_of: Sequence[UUID]
    """Derived memories that stayed and lost their last source."""
    cycle_id: UUID | None
    as_of: datetime
    recorded_at: datetime
    ordered_by: str | None
    order_reason: str | None
    in_archive: int
    """Of its memories those that can still be restored,"""
    purge_after: datetime | None
    """and until when; None: without end, or there are none."""


async def audit_rows(pool: Pool, tenant_id: str | None = None, *, most: int = MOST_BATCHES) -> list[AuditRow]:
    """Return the audit rows of a tenant or of all, the newest first."""
    rows = await fetch(pool, BATCHES, tenant_id, most)
    return [AuditRow(**{**row, "reasons": from_json(row["reasons"])}) for row in rows]


@dataclass(frozen=True, slots=True)
class Unarchived:
    """What restoring from the archive came to, in memories."""

    restored: int = 0
    left: int = 0
    """Still in the archive: their id or another key is taken, or another process works on them."""


async def unarchive(
    pool: Pool,
    *,
    tenant_id: str | None = None,
    memory_ids: Sequence[UUID] | None = None,
    batch_id: int | None = None,
    by: str | None = None,
    reason: str | None = None,
    dry_run: bool = False,
) -> Unarchived:
    """Bring archived memories back as they were, with their embeddings; no rule of expiry takes them again.

    Each page is committed with its audit row. Repeated, or after a crash, it restores what is still archived.

    Args:
        pool: connections to the store.
        tenant_id: only this tenant's.
        memory_ids: only these.
        batch_id: only those of this audit row.
        by: who ordered it, and
        reason: why; both are kept in the audit row.
        dry_run: count only.
    """
    as_of, total, last = await checked_as_of(pool, None), Unarchived(), (None, None)
    named = list(memory_ids) if memory_ids is not None else None
    while page := await fetch(pool, ARCHIVED, tenant_id, named, batch_id, *last, PAGE):
        last = (page[-1]["tenant_id"], page[-1]["memory_id"])
        for tenant, rows in groupby(page, itemgetter("tenant_id")):
            chosen = list(rows)
            back = len(chosen) if dry_run else await _restore_page(pool, tenant, chosen, as_of, by, reason)
            total = Unarchived(total.restored + back, total.left + len(chosen) - back)
    logger.info("memories_unarchived", restored=total.restored, left=total.left, by=by, dry_run=dry_run)
    return total


async def _restore_page(
    pool: Pool, tenant_id: str, chosen: Sequence[Any], as_of: datetime, by: str | None, why: str | None
) -> int:
    async with transaction(pool) as db:
        asked = [[row[name] for row in chosen] for name in ("memory_id", "batch_id")]
        locked = await fetch(db, LOCK_ARCHIVED, tenant_id, *asked)
        batches = {row["memory_id"]: row["batch_id"] for row in locked}
        await execute(db, TEXT_FORMS)
        tables = await stored_tables(db)
        back = await tables.restore(db, tenant_id, list(batches), list(batches.values()))
        if back:
            await execute(db, RETIRE, tenant_id, back, False)
            await execute(db, TAKE_OUT, tenant_id, back, [batches[one] for one in back])
            await fetch_value(db, RECORD, tenant_id, "restored", "{}", back, [], None, as_of, by, why)
    return len(back)


async def purge_archive(
    pool: Pool, tenant_id: str | None = None, *, by: str | None = None, dry_run: bool = False
) -> int:
    """Delete every archived memory whose time has come, also of tenants without memories; return how many."""
    as_of, purged = await checked_as_of(pool, None), 0
    for row in await fetch(pool, PURGEABLE, tenant_id, as_of):
        if dry_run:
            purged += row["memories"]
            continue
        while page := await purge_page(pool, row["tenant_id"], as_of, cycle_id=None, by=by):
            purged += page
    return purged


async def purge_unvisited(pool: Pool, settings: Settings, as_of: datetime, cycle_id: UUID) -> int:
    """Purge the archive of tenants without a memory, which no plan names, as their daily run would; return how many.

    Nothing is purged of a tenant that is paused, whose expiry is off, or whose overrides cannot be read.
    """
    until, purged = time.monotonic() + _NIGHTLY_SECONDS, 0
    due = [row["tenant_id"] for row in await fetch(pool, PURGEABLE, None, as_of)]
    for row in await fetch(pool, WITHOUT_MEMORIES, due) if due else ():
        try:
            tenant = await load_tenant(pool, row["tenant_id"], settings)
        except InvalidRequestError:
            continue
        if tenant.paused or not expiry_rule(tenant.settings).is_on:
            continue
        while time.monotonic() < until:
            page = await purge_page(pool, tenant.tenant_id, as_of, cycle_id=cycle_id)
            if not page:
                break
            purged += page
    if purged:
        logger.info("archive_purged", purged=purged)
    return purged

"""The frame of a task that compares: what is new with what is there, a batch at a time, each pair judged once."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from memory_maintenance.changes.applying import apply_proposals
from memory_maintenance.changes.change import Replacement, is_known, propose
from memory_maintenance.changes.pass_statements import BEGIN_AT, EXAMINED, MEMORIES, NEW, ORPHANS, PLAN, RECENT_TEXTS
from memory_maintenance.changes.statements import WITHDRAW
from memory_maintenance.changes.undoing import undo_change
from memory_maintenance.store.identity import FIRST_ID
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value, transaction
from memory_maintenance.task import Listed, Task
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, Unit

logger = structlog.get_logger(__name__)

BATCH: Final = 500
"""New memories that are compared in one step."""

WINDOW: Final = 2_000
"""Memories before the end of a batch that they are compared with."""

PAGE: Final = 100
"""Pairs of one transaction: an agent that writes one of the memories waits some tens of milliseconds."""


class PassUnit(Unit):
    """The next batch of a tenant's memories, behind these; without a time the first of a pass."""

    after_at: datetime | None = None
    after: UUID = FIRST_ID


@dataclass(frozen=True, slots=True)
class Batch:
    """The *new* memories of a tenant, created up to *until*."""

    pool: Pool
    tenant: Tenant
    run: Run
    new: frozenset[UUID]
    until: datetime

    @property
    def protected_tags(self) -> list[str]:
        """Return the tags of memories that stay as they are."""
        return list(self.tenant.settings.memory_decay_protected_tags)

    async def texts(self, *, longest: int) -> dict[UUID, str | None]:
        """Return what the memories say that were created last, new ones among them, the newest first.

        None: more than *longest* characters.
        """
        rows = await fetch(self.pool, RECENT_TEXTS, self.tenant.tenant_id, longest, self.until, self.run.as_of, WINDOW)
        return {row["id"]: row["content"] for row in rows}

    async def memories(self, ids: Collection[UUID]) -> Sequence[Any]:
        """Return memories as they are compared, the newest first, without those that were replaced meanwhile."""
        if not ids:
            return []
        return await fetch(self.pool, MEMORIES, self.tenant.tenant_id, self.protected_tags, list(ids), self.run.as_of)


class ComparingTask(Task[PassUnit]):
    """A task that demotes one of two memories in favour of the other; every demotion can be taken back.

    Its ``spec.done`` names the counts of what it applied, proposed and took back. Safe to repeat: a pair is recorded
    once, in the transaction that applies it.
    """

    unit = PassUnit

    @abstractmethod
    async def compare(self, batch: Batch) -> Sequence[tuple[Replacement, bool]]:
        """Return what replaces what, and whether that is applied; if not, it is proposed. Reads only."""

    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int | Listed[PassUnit]]:
        """A tenant has a batch due where it has memories that are newer than its last pass. A few are quick."""
        if run.narrowed:
            return {}
        ids = [tenant.tenant_id for tenant in tenants]
        rows = await fetch(self.tools.pool, PLAN, ids, self.spec.name, run.as_of, BATCH + 1)
        quick = Listed((PassUnit(),), quick=True)
        return {row["tenant_id"]: quick if row["memories"] <= BATCH else 1 for row in rows}

    async def do(self, tenant: Tenant, unit: PassUnit, run: Run) -> Done:
        """Compare a batch of new memories, and apply or propose what replaces what."""
        pool, tenant_id, task = self.tools.pool, tenant.tenant_id, self.spec.name
        after_at = unit.after_at or await fetch_value(pool, BEGIN_AT, tenant_id, task)
        new = await fetch(pool, NEW, tenant_id, after_at, unit.after, run.as_of, BATCH)
        counts = Counter[str]()
        counts[self.spec.done[-1]] = 0 if unit.after_at else await self._take_back_orphans(tenant, run)
        if not new:
            return Done(counts=Counts(**counts))
        until = new[-1]["created_at"]
        batch = Batch(pool, tenant, run, frozenset(row["id"] for row in new), until)
        pairs = await self.compare(batch)
        for first in range(0, len(pairs), PAGE):
            counts.update(await self._record(pairs[first : first + PAGE], run))
        if not run.dry_run:
            await execute(pool, EXAMINED, tenant_id, task, until)
            event = f"tenant_{task}_examined"
            logger.info(event, tenant_id=tenant_id, examined_count=len(new), **counts)
        reasons = {"changed_meanwhile": counts["skipped"]} if counts["skipped"] else {}
        more = PassUnit(after_at=until, after=new[-1]["id"]) if len(new) == BATCH else None
        return Done(counts=Counts(reasons=reasons, **counts), next=more)

    async def _record(self, pairs: Sequence[tuple[Replacement, bool]], run: Run) -> Counter[str]:
        """Apply or propose pairs, in one transaction, and count both; a known one is left as it is."""
        done, pool = self.spec.done[0], self.tools.pool
        if run.dry_run:
            new = [applies for pair, applies in pairs if not await is_known(pool, pair)]
            return Counter(done if applies else "proposed" for applies in new)
        applied = {(pair.memory_id, pair.other_id) for pair, applies in pairs if applies}
        async with transaction(pool) as db:
            proposals = await propose(db, [pair for pair, _ in pairs])
            chosen = [one for one in proposals if one.memories in applied]
            refused = await apply_proposals(db, chosen, as_of=run.as_of) if chosen else {}
            if refused:
                await execute(db, WITHDRAW, list(refused))
        counts = {done: len(chosen) - len(refused), "proposed": len(proposals) - len(chosen), "skipped": len(refused)}
        return Counter({name: count for name, count in counts.items() if count})

    async def _take_back_orphans(self, tenant: Tenant, run: Run) -> int:
        """Take back demotions in favour of a memory that is gone, and return how many: now the other says it alone."""
        pool, task = self.tools.pool, self.spec.name
        rows = await fetch(pool, ORPHANS, tenant.tenant_id, tenant.tenant_id, task, BATCH)
        if run.dry_run:
            return len(rows)
        undone = [await undo_change(pool, row["change_id"], by=task, reason="what replaced it is gone") for row in rows]
        return sum(one.refused is None for one in undone)

"""The task of duplicates: what is new is compared with what is there, and folded or proposed."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from memory_maintenance.changes.applying import apply_change
from memory_maintenance.changes.change import Replacement, is_known, propose
from memory_maintenance.changes.undoing import undo_change
from memory_maintenance.duplicates.policy import Likeness, Wording, folds
from memory_maintenance.duplicates.statements import BEGIN_AT, EXAMINED, NEW, ORPHANS, PLAN, RECENT, SAME
from memory_maintenance.errors import ChangeRefusedError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch, fetch_value, transaction
from memory_maintenance.task import Listed, Task
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, TaskSpec, Unit

logger = structlog.get_logger(__name__)

BATCH: Final = 500
"""New memories that are compared in one step."""

WINDOW: Final = 2_000
"""Memories before the end of a batch among which near duplicates are looked for."""

_FIRST: Final = UUID(int=0)


class DuplicatesUnit(Unit):
    """The next batch of a tenant's memories, behind these; without a time the first of a pass."""

    after_at: datetime | None = None
    after: UUID = _FIRST


class Duplicates(Task[DuplicatesUnit]):
    """Folds memories that say the same; nothing is deleted, and every fold can be taken back.

    Safe to repeat: a pair is recorded once, in the transaction that folds it.
    """

    spec = TaskSpec(
        name="duplicates",
        activity="fold_duplicates",
        unit="duplicate",
        units="duplicates",
        results="duplicates folded",
        done=("folded", "proposed", "unfolded"),
        first={},
        chain=True,
        opt_in=True,
    )
    unit = DuplicatesUnit

    def off(self, settings: Settings) -> str | None:
        """Both kinds are off until MEMORY_DUPLICATES or MEMORY_DUPLICATES_NEAR says propose or apply."""
        modes = {settings.memory_duplicates, settings.memory_duplicates_near}
        return "disabled_by_config" if modes == {"off"} else None

    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int | Listed[DuplicatesUnit]]:
        """A tenant has a batch due where it has memories that are newer than its last pass. A few are quick."""
        if run.narrowed:
            return {}
        ids = [tenant.tenant_id for tenant in tenants]
        rows = await fetch(self.tools.pool, PLAN, ids, run.as_of, BATCH + 1)
        quick = Listed((DuplicatesUnit(),), quick=True)
        return {row["tenant_id"]: quick if row["memories"] <= BATCH else 1 for row in rows}

    async def do(self, tenant: Tenant, unit: DuplicatesUnit, run: Run) -> Done:
        """Compare a batch of new memories with those that may say the same."""
        pool, protected = self.tools.pool, list(tenant.settings.memory_decay_protected_tags)
        after_at = unit.after_at or await fetch_value(pool, BEGIN_AT, tenant.tenant_id)
        new = await fetch(pool, NEW, tenant.tenant_id, protected, after_at, unit.after, run.as_of, BATCH)
        unfolded = 0 if unit.after_at else await self._unfold(tenant, run)
        if not new:
            return Done(counts=Counts(unfolded=unfolded))
        keys = [row["key"] for row in new if row["foldable"]]
        same = await fetch(pool, SAME, tenant.tenant_id, protected, keys, run.as_of)
        recent: Sequence[Any] = ()
        if tenant.settings.memory_duplicates_near != "off":
            until = new[-1]["created_at"]
            recent = await fetch(pool, RECENT, tenant.tenant_id, protected, until, run.as_of, WINDOW)
        pairs = await asyncio.to_thread(_pairs, same, recent, {row["id"] for row in new})
        counts = Counter[str](unfolded=unfolded)
        reasons = Counter[str]()
        for like, loser, winner in pairs:
            outcome = await self._fold(tenant, run, like, loser, winner)
            if outcome in ("folded", "proposed"):
                counts[outcome] += 1
            elif outcome:
                counts["skipped"] += 1
                reasons[outcome] += 1
        if not run.dry_run:
            await execute(pool, EXAMINED, tenant.tenant_id, new[-1]["created_at"])
            logger.info("tenant_duplicates_examined", tenant_id=tenant.tenant_id, examined_count=len(new), **counts)
        more = DuplicatesUnit(after_at=new[-1]["created_at"], after=new[-1]["id"]) if len(new) == BATCH else None
        return Done(counts=Counts(reasons=dict(reasons), **counts), next=more)

    async def _unfold(self, tenant: Tenant, run: Run) -> int:
        """Take back folds in favour of a memory that is gone, and return how many: now the other one says it alone."""
        rows = await fetch(self.tools.pool, ORPHANS, tenant.tenant_id, tenant.tenant_id, BATCH)
        if run.dry_run:
            return len(rows)
        undone = [
            await undo_change(self.tools.pool, row["change_id"], by="duplicates", reason="the other memory is gone")
            for row in rows
        ]
        return sum(one.refused is None for one in undone)

    async def _fold(self, tenant: Tenant, run: Run, like: Likeness, loser: Wording, winner: Wording) -> str | None:
        """Propose or fold one pair; return what was done, why not, or None where it is off or known."""
        settings = tenant.settings
        mode = settings.memory_duplicates if like == "exact" else settings.memory_duplicates_near
        if mode == "off":
            return None
        pair = Replacement(
            tenant_id=tenant.tenant_id,
            task=self.spec.name,
            kind=like,
            memory_id=loser.id,
            other_id=winner.id,
            reason="same_text" if like == "exact" else "same_words",
            fingerprints=(loser.fingerprint, winner.fingerprint),
            notes={"duplicate_of": str(winner.id)},
            takes_use=True,
            cycle_id=run.cycle_id,
        )
        done = "folded" if mode == "apply" else "proposed"
        if run.dry_run:
            return None if await is_known(self.tools.pool, pair) else done
        try:
            async with transaction(self.tools.pool) as db:
                change_id = await propose(db, pair)
                if change_id is None:
                    return None
                if mode == "apply":
                    await apply_change(db, change_id, as_of=run.as_of)
        except ChangeRefusedError:
            return "changed_meanwhile"
        return done


def _pairs(same: Iterable[Any], recent: Iterable[Any], new: set[UUID]) -> list[tuple[Likeness, Wording, Wording]]:
    """Return what is folded into what, exact duplicates first; of near ones those with a new memory."""
    exact: list[tuple[Likeness, Wording, Wording]] = [
        ("exact", *pair)
        for group in _groups(same, lambda one: (one.scope, one.normalized))
        for pair in folds(group, "exact")
    ]
    gone = {loser.id for _, loser, _ in exact}
    left = [row for row in recent if row["id"] not in gone]
    near: list[tuple[Likeness, Wording, Wording]] = [
        ("near", *pair)
        for group in _groups(left, lambda one: one.near_key)
        for pair in folds(group, "near")
        if pair[0].id in new or pair[1].id in new
    ]
    return exact + near


def _groups(rows: Iterable[Any], key: Any) -> list[list[Wording]]:
    groups = defaultdict[Hashable, list[Wording]](list)
    for row in rows:
        one = Wording(
            id=row["id"],
            text=row["content"],
            scope=(row["project"], row["class"]),
            importance=row["importance"],
            created_at=row["created_at"],
            fingerprint=row["fingerprint"],
            protected=row["protected"],
        )
        if (shared := key(one)) is not None:
            groups[shared].append(one)
    return [group for group in groups.values() if len(group) > 1]


TASK: Final = Duplicates

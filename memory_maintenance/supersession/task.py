"""The task of supersession: what is new is compared with what was said before, and demotes or is proposed to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from memory_maintenance.changes.applying import apply_change
from memory_maintenance.changes.change import Replacement, is_known, propose
from memory_maintenance.changes.undoing import undo_change
from memory_maintenance.errors import ChangeRefusedError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch, fetch_value, transaction
from memory_maintenance.supersession.policy import Statement, Supersession, supersessions
from memory_maintenance.supersession.statements import BEGIN_AT, EXAMINED, NEW, ORPHANS, PLAN, RECENT
from memory_maintenance.task import Listed, Task
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, TaskSpec, Unit

logger = structlog.get_logger(__name__)

BATCH: Final = 500
"""New memories that are compared in one step."""

WINDOW: Final = 2_000
"""Memories before the end of a batch that may be replaced."""

_FIRST: Final = UUID(int=0)


class SupersessionUnit(Unit):
    """The next batch of a tenant's memories, behind these; without a time the first of a pass."""

    after_at: datetime | None = None
    after: UUID = _FIRST


class SupersessionTask(Task[SupersessionUnit]):
    """Demotes memories that a later one replaces; nothing is deleted, and every demotion can be taken back.

    Safe to repeat: a pair is recorded once, in the transaction that demotes.
    """

    spec = TaskSpec(
        name="supersession",
        activity="supersede_memories",
        unit="supersession",
        units="supersessions",
        results="memories superseded",
        done=("superseded", "proposed", "reinstated"),
        first={},
        chain=True,
        opt_in=True,
    )
    unit = SupersessionUnit

    def off(self, settings: Settings) -> str | None:
        """It is off until MEMORY_SUPERSESSION says propose or apply."""
        return "disabled_by_config" if settings.memory_supersession == "off" else None

    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int | Listed[SupersessionUnit]]:
        """A tenant has a batch due where it has memories that are newer than its last pass. A few are quick."""
        if run.narrowed:
            return {}
        ids = [tenant.tenant_id for tenant in tenants]
        rows = await fetch(self.tools.pool, PLAN, ids, run.as_of, BATCH + 1)
        quick = Listed((SupersessionUnit(),), quick=True)
        return {row["tenant_id"]: quick if row["memories"] <= BATCH else 1 for row in rows}

    async def do(self, tenant: Tenant, unit: SupersessionUnit, run: Run) -> Done:
        """Compare a batch of new memories with those before them."""
        pool, protected = self.tools.pool, list(tenant.settings.memory_decay_protected_tags)
        after_at = unit.after_at or await fetch_value(pool, BEGIN_AT, tenant.tenant_id)
        new = await fetch(pool, NEW, tenant.tenant_id, after_at, unit.after, run.as_of, BATCH)
        reinstated = 0 if unit.after_at else await self._reinstate(tenant, run)
        if not new:
            return Done(counts=Counts(reinstated=reinstated))
        until = new[-1]["created_at"]
        recent = await fetch(pool, RECENT, tenant.tenant_id, protected, until, run.as_of, WINDOW)
        found = await asyncio.to_thread(_found, recent, {row["id"] for row in new})
        counts = Counter[str](reinstated=reinstated)
        reasons = Counter[str]()
        for pair in found:
            outcome = await self._supersede(tenant, run, pair)
            if outcome in ("superseded", "proposed"):
                counts[outcome] += 1
            elif outcome:
                counts["skipped"] += 1
                reasons[outcome] += 1
        if not run.dry_run:
            await execute(pool, EXAMINED, tenant.tenant_id, until)
            logger.info("tenant_supersession_examined", tenant_id=tenant.tenant_id, examined_count=len(new), **counts)
        more = SupersessionUnit(after_at=until, after=new[-1]["id"]) if len(new) == BATCH else None
        return Done(counts=Counts(reasons=dict(reasons), **counts), next=more)

    async def _reinstate(self, tenant: Tenant, run: Run) -> int:
        """Take back demotions in favour of a memory that is gone, and return how many."""
        rows = await fetch(self.tools.pool, ORPHANS, tenant.tenant_id, tenant.tenant_id, BATCH)
        if run.dry_run:
            return len(rows)
        undone = [
            await undo_change(self.tools.pool, row["change_id"], by="supersession", reason="the newer memory is gone")
            for row in rows
        ]
        return sum(one.refused is None for one in undone)

    async def _supersede(self, tenant: Tenant, run: Run, found: Supersession) -> str | None:
        """Propose or demote one memory; return what was done, why not, or None where the pair is known."""
        older, newer = found.earlier, found.later
        pair = Replacement(
            tenant_id=tenant.tenant_id,
            task=self.spec.name,
            kind="superseded",
            memory_id=older.id,
            other_id=newer.id,
            reason=found.reason,
            fingerprints=(older.fingerprint, newer.fingerprint),
            notes={"superseded_by": str(newer.id), "valid_until": newer.created_at.isoformat()},
            cycle_id=run.cycle_id,
        )
        applies = tenant.settings.memory_supersession == "apply" and found.reason == "old_value_quoted"
        done = "superseded" if applies else "proposed"
        if run.dry_run:
            return None if await is_known(self.tools.pool, pair) else done
        try:
            async with transaction(self.tools.pool) as db:
                change_id = await propose(db, pair)
                if change_id is None:
                    return None
                if applies:
                    await apply_change(db, change_id, as_of=run.as_of)
        except ChangeRefusedError:
            return "changed_meanwhile"
        return done


def _found(recent: Sequence[Any], new: set[UUID]) -> list[Supersession]:
    statements = [
        Statement(
            id=row["id"],
            text=row["content"],
            scope=(row["project"], row["class"], row["role"]),
            created_at=row["created_at"],
            fingerprint=row["fingerprint"],
            session=row["session"],
            protected=row["protected"],
        )
        for row in reversed(recent)
    ]
    return supersessions(statements, new)


TASK: Final = SupersessionTask

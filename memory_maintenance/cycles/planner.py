"""Which tenants have what work: walks the fleet in pages and leaves the idle ones out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from memory_maintenance.cycles.outcomes import TASKS, Task
from memory_maintenance.cycles.statements import CHOSEN_TENANTS, FIRST_TENANTS, NEXT_TENANTS
from memory_maintenance.decay.progress import switched_off
from memory_maintenance.decay.rule import decay_is_on
from memory_maintenance.dreaming.due import dream_counts
from memory_maintenance.embedding.due import missing_counts
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch
from memory_maintenance.summarization.due import due_session_counts
from memory_maintenance.summarization.estimate import SummaryEstimate, estimate_summaries
from memory_maintenance.tenants.known import ensure_known
from memory_maintenance.tenants.overrides import read_overrides

logger = structlog.get_logger(__name__)

_NEVER = datetime.min.replace(tzinfo=UTC)

_SCAN = 500
"""Tenants looked at by one set of statements."""


@dataclass(frozen=True, slots=True)
class TenantWork:
    """One tenant with work; a task without work is not started for it."""

    tenant_id: str
    decay: bool = False
    sessions: int = 0
    dreams: int = 0
    embeddings: int = 0
    """Memories without a vector, and those that the run may add to them."""

    def __bool__(self) -> bool:
        """Return whether there is anything to do."""
        return self.decay or self.sessions > 0 or self.dreams > 0 or self.embeddings > 0


@dataclass(frozen=True, slots=True)
class PlanPage:
    """Tenants with work, in the order of their ids; ``cursor`` is None when the fleet's end is reached."""

    work: tuple[TenantWork, ...]
    cursor: str | None
    looked_at: int
    paused: int


def log_what_is_off(settings: Settings, tasks: Sequence[Task]) -> None:
    """Log, with RAE's words, which of a cycle's tasks the settings switch off."""
    if "decay" in tasks and not settings.memory_importance_decay_enabled:
        logger.info("decay_cycle_skipped", reason="disabled_by_config")
    if "summarization" in tasks and not settings.summarization_enabled:
        logger.info("summarization_cycle_skipped", reason="summarization_disabled")
    if "dreaming" in tasks and not settings.dreaming:
        logger.info("dreaming_cycle_skipped", reason="disabled_by_config")


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans one cycle over the fleet, page by page."""

    pool: Pool
    settings: Settings
    dry_run: bool = False
    """Whether only to look: else it is remembered for whom decay is off."""

    async def plan_page(
        self,
        *,
        as_of: datetime,
        daily: bool,
        tasks: Sequence[Task] = TASKS,
        after: str | None = None,
        limit: int = 200,
        beat: Callable[[str], object] = lambda _: None,
        backfill_days: int | None = None,
    ) -> PlanPage:
        """Return the next tenants after *after* with work, about *limit* of them (never more than limit + 500).

        *backfill_days* let sessions be due that ended so long before adoption; None: as the setting says.
        """
        work: list[TenantWork] = []
        looked_at = paused = 0
        while len(work) < limit:
            rows = await self._scan(after)
            work += await self._work_of(rows, as_of=as_of, daily=daily, tasks=tasks, backfill_days=backfill_days)
            looked_at += len(rows)
            paused += sum(row["paused"] for row in rows)
            after = rows[-1]["tenant_id"] if len(rows) == _SCAN else None
            if after is None:
                break
            beat(after)
        return PlanPage(tuple(work), after, looked_at, paused)

    async def plan_chosen(
        self,
        tenant_ids: Sequence[str],
        *,
        as_of: datetime,
        daily: bool,
        tasks: Sequence[Task] = TASKS,
        backfill_days: int | None = None,
    ) -> PlanPage:
        """Return the work of the tenants named; *backfill_days* as in ``plan_page``.

        Raises:
            TenantNotFoundError: nobody ever heard of one of them.
        """
        rows = await self._chosen(tenant_ids)
        work = await self._work_of(rows, as_of=as_of, daily=daily, tasks=tasks, backfill_days=backfill_days)
        return PlanPage(tuple(work), None, len(rows), sum(row["paused"] for row in rows))

    async def estimate(
        self, *, as_of: datetime, tenant_ids: Sequence[str] | None = None, backfill_days: int | None = None
    ) -> SummaryEstimate:
        """Return what the summaries of a daily run take at most, over the tenants named or all that are not paused.

        Raises:
            TenantNotFoundError: nobody ever heard of one of them.
        """
        total, after = SummaryEstimate(), None
        while True:
            rows = await self._scan(after) if tenant_ids is None else await self._chosen(tenant_ids)
            active = [row["tenant_id"] for row in rows if not row["paused"]]
            found = await estimate_summaries(
                self.pool, active, as_of=as_of, settings=self.settings, backfill_days=backfill_days
            )
            total = total.plus(found)
            if tenant_ids is not None or len(rows) < _SCAN:
                return total
            after = rows[-1]["tenant_id"]

    async def _chosen(self, tenant_ids: Sequence[str]) -> list[Any]:
        for tenant_id in tenant_ids:
            await ensure_known(self.pool, tenant_id)
        return await fetch(self.pool, CHOSEN_TENANTS, list(tenant_ids))

    async def _scan(self, after: str | None) -> list[Any]:
        if after is None:
            return await fetch(self.pool, FIRST_TENANTS, _SCAN)
        return await fetch(self.pool, NEXT_TENANTS, _SCAN, after)

    async def _work_of(
        self, rows: Sequence[Any], *, as_of: datetime, daily: bool, tasks: Sequence[Task], backfill_days: int | None
    ) -> list[TenantWork]:
        active = [row for row in rows if not row["paused"]]
        ids = [row["tenant_id"] for row in active]
        sessions = await self._sessions(ids, as_of, daily, backfill_days) if "summarization" in tasks else {}
        dreams = await self._dreams(ids, as_of) if "dreaming" in tasks else {}
        decaying = await self._decaying(active, as_of) if "decay" in tasks else set()
        embeddings = await self._embeddings(ids, Counter(sessions) + Counter(dreams), daily, tasks)
        found = (
            TenantWork(
                tenant, tenant in decaying, sessions.get(tenant, 0), dreams.get(tenant, 0), embeddings.get(tenant, 0)
            )
            for tenant in ids
        )
        return [work for work in found if work]

    async def _decaying(self, rows: Sequence[Any], as_of: datetime) -> set[str]:
        """Return who has decay to do; of the others, remember for whom it is off: no such time counts."""
        overrides = {row["tenant_id"]: read_overrides(row["overrides"]) for row in rows}
        # Overrides that cannot be read make the tenant's own run fail, and no other's.
        on = {tenant for tenant, said in overrides.items() if said is None or decay_is_on(self.settings, said)}
        if not self.dry_run and (off := overrides.keys() - on):
            await switched_off(self.pool, sorted(off), as_of)
        done = {row["tenant_id"] for row in rows if (row["decay_completed_as_of"] or _NEVER) >= as_of}
        return on - done

    async def _sessions(
        self, ids: Sequence[str], as_of: datetime, daily: bool, backfill_days: int | None
    ) -> dict[str, int]:
        if not (ids and self.settings.summarization_enabled):
            return {}
        return await due_session_counts(
            self.pool, ids, settings=self.settings, as_of=as_of, daily=daily, backfill_days=backfill_days
        )

    async def _dreams(self, ids: Sequence[str], as_of: datetime) -> dict[str, int]:
        if not (ids and self.settings.dreaming):
            return {}
        return await dream_counts(self.pool, ids, settings=self.settings, as_of=as_of)

    async def _embeddings(
        self, ids: Sequence[str], to_write: Counter[str], daily: bool, tasks: Sequence[Task]
    ) -> Mapping[str, int]:
        """Return what there is to embed: what the run may write, and on a daily run what earlier ones have left."""
        if not (ids and self.settings.embeds and {"summarization", "dreaming"} & set(tasks)):
            return {}
        missing = await missing_counts(self.pool, ids if daily else (), settings=self.settings)
        return {} if missing is None else to_write + Counter(missing)

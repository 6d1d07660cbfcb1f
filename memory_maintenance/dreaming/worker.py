"""Dreaming: RAE's public API, and the one step that everything goes through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog

from memory_maintenance.dreaming.context import ReflectionResult
from memory_maintenance.dreaming.outcome import DreamOutcome, skipped, stored
from memory_maintenance.dreaming.policy import FEWEST_MEMORIES, DreamRule, nothing_new, reflection_id
from memory_maintenance.dreaming.reflection import ReflectionEngineV2
from memory_maintenance.dreaming.sample import Dream
from memory_maintenance.dreaming.statements import LAST_DREAM, RECORD_DREAM, SAMPLE, STORED
from memory_maintenance.errors import BudgetExhaustedError, LanguageModelError, is_about_content
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.derived import DEFAULT_PROJECT, insert_derived, lock
from memory_maintenance.store.pool import Executor, Pool, execute, fetch, fetch_row, fetch_value, transaction
from memory_maintenance.store.rows import LONGEST_CONTENT, memory_of
from memory_maintenance.tenants.control import TenantControl, control_of
from memory_maintenance.writers.model.backend import Backend, backend_of
from memory_maintenance.writers.model.question import LanguageModel
from memory_maintenance.writers.model.set_aside import count_failure, forgive

__all__ = ["DreamOutcome", "DreamingWorker"]

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Step:
    """How a project dreams this time."""

    backend: Backend
    round: str
    cycle_id: UUID | None


class DreamingWorker:
    """Reflects on a project's recent important memories.

    A sample is dreamt about once, however often and by however many this is called.
    """

    def __init__(self, pool: Pool, settings: Settings | None = None, model: LanguageModel | None = None) -> None:
        """Prepare the worker: None means the settings of the environment, and the model that they name."""
        self._pool = pool
        self._settings = settings or load_settings()
        self._engine = ReflectionEngineV2(pool, self._settings, model)

    async def run_dreaming_cycle(
        self,
        tenant_id: str,
        project_id: str | None,
        lookback_hours: float = 24,
        min_importance: float = 0.6,
        max_samples: int = 20,
    ) -> list[dict[str, str]]:
        """Dream for one project; return the ids of what was stored: one entry, or none.

        ``strategy_id`` is there only where the reflection came with a strategy.
        """
        rule = DreamRule(timedelta(hours=lookback_hours), min_importance, max_samples)
        outcome = await self.dream(tenant_id, project_id, rule=rule)
        ids = {"reflection_id": outcome.reflection_id, "strategy_id": outcome.strategy_id}
        found = {name: str(one) for name, one in ids.items() if one}
        return [found] if outcome.status == "stored" else []

    async def dream(
        self,
        tenant_id: str,
        project: str | None,
        *,
        as_of: datetime | None = None,
        round: str | None = None,  # noqa: A002
        cycle_id: UUID | None = None,
        rule: DreamRule | None = None,
        dry_run: bool = False,
    ) -> DreamOutcome:
        """Dream about what is new in a project.

        Safe to retry and to call twice at once: the sample decides the ids, and a call that
        finds its own cycle's dream stored reports it as the first one did.

        Args:
            tenant_id: whose.
            project: which one; None reads as ``default``.
            as_of: memories after it are not looked at; None: the database's clock.
            round: what the permitted bad answers are counted by; None: this call alone.
            cycle_id: the cycle this is a step of, kept with the reflection.
            rule: which memories; None: as the settings say.
            dry_run: only say what would become of it, with the tokens it takes at most: no model is asked,
                and nothing is written.

        Raises:
            LanguageModelError: a retryable one: nothing is stored, ask again.
        """
        control = await control_of(self._pool, tenant_id)
        if control.paused:
            return DreamOutcome("paused")
        if not self._enabled(control):
            return skipped(tenant_id, project, "disabled_by_config")
        backend = backend_of(self._settings, control.overrides)
        if backend == "none":
            return skipped(tenant_id, project, "llm_not_configured")
        until: datetime = as_of or await fetch_value(self._pool, "SELECT now()")
        dream = await self._sample(tenant_id, project, until, rule or DreamRule.of(self._settings))
        if len(dream.sample) < FEWEST_MEMORIES:
            return skipped(tenant_id, project, "insufficient_memories", len(dream.sample))
        if nothing_new(dream.ids, dream.last) or await fetch_row(self._pool, STORED, dream.reflection_id):
            return await self._dreamt_before(dream, cycle_id)
        if dry_run:
            return await self._foreseen(dream, backend)
        return await self._reflect(dream, until, _Step(backend, round or str(uuid4()), cycle_id))

    async def _foreseen(self, dream: Dream, backend: Backend) -> DreamOutcome:
        context = dream.context()
        if backend != "openai" and await self._engine.generate_reflection(context) is None:
            return skipped(dream.tenant_id, dream.project, "nothing_recurs", len(dream.sample))
        read, written = self._engine.most_tokens(context) if backend == "openai" else (0, 0)
        return DreamOutcome(
            status="stored",
            reflection_id=dream.reflection_id,
            sources=len(dream.sample),
            input_tokens=read,
            output_tokens=written,
            backend=backend,
        )

    def _enabled(self, control: TenantControl) -> bool:
        chosen = control.overrides.dreaming_enabled
        return self._settings.reflective_memory_enabled and (self._settings.dreaming if chosen is None else chosen)

    async def _sample(self, tenant_id: str, project: str | None, as_of: datetime, rule: DreamRule) -> Dream:
        name = DEFAULT_PROJECT if project is None else project
        last = await fetch_row(self._pool, LAST_DREAM, tenant_id, name)
        since = rule.since(as_of, last["dreamt_until"] if last else None)
        chosen = (tenant_id, name, as_of, since, rule.min_importance, rule.max_samples, LONGEST_CONTENT)
        rows = await fetch(self._pool, SAMPLE, *chosen)
        return Dream(tenant_id, name, [memory_of(row) for row in rows], last["sample"] if last else ())

    async def _reflect(self, dream: Dream, as_of: datetime, step: _Step) -> DreamOutcome:
        try:
            result = await self._engine.generate_reflection(dream.context(), asked_in=step.round)
        except BudgetExhaustedError:
            return skipped(dream.tenant_id, dream.project, "budget_exhausted", len(dream.sample))
        except LanguageModelError as error:
            if error.retryable:
                raise
            reason = {"tenant_id": dream.tenant_id, "project": dream.project, "reason": error.reason}
            logger.warning("dreaming_cycle_failed", **reason)
            await self._count_failure(dream, step, error)
            return DreamOutcome("failed", error.reason, backend=step.backend)
        if step.backend == "openai":
            await forgive(self._pool, dream.unit)
        if result is None:
            return skipped(dream.tenant_id, dream.project, "nothing_recurs", len(dream.sample))
        return await self._store(dream, result, as_of, step.cycle_id)

    async def _count_failure(self, dream: Dream, step: _Step, error: LanguageModelError) -> None:
        if is_about_content(error):
            await count_failure(
                self._pool,
                dream.unit,
                cycle=step.round,
                reason=error.reason,
                after_cycles=self._settings.set_aside_after_cycles,
                memories=dream.ids,
            )

    async def _store(
        self, dream: Dream, result: ReflectionResult, as_of: datetime, cycle_id: UUID | None
    ) -> DreamOutcome:
        memories = dream.memories(result, cycle_id)
        async with transaction(self._pool) as db:
            await lock(db, reflection_id(dream.tenant_id, dream.project, ()))
            new = await _still_new(db, dream) and await insert_derived(db, memories[0])
            if new:
                for memory in memories[1:]:
                    await insert_derived(db, memory)
                await execute(db, RECORD_DREAM, dream.tenant_id, dream.project, as_of, dream.ids)
        if not new:
            return await self._dreamt_before(dream, cycle_id)
        outcome = stored(memories[0].id, memories[0].metadata)
        logger.info(
            "dreaming_cycle_completed",
            tenant_id=dream.tenant_id,
            project=dream.project,
            reflection_id=str(outcome.reflection_id),
            strategy_generated=outcome.strategy_id is not None,
            sources=outcome.sources,
            backend=outcome.backend,
        )
        return outcome

    async def _dreamt_before(self, dream: Dream, cycle_id: UUID | None) -> DreamOutcome:
        """Report this very step's outcome when it was taken before: a worker died after the commit."""
        row = await fetch_row(self._pool, STORED, dream.reflection_id)
        kept = row["metadata"] if row and isinstance(row["metadata"], dict) else {}
        if cycle_id is not None and kept.get("cycle_id") == str(cycle_id):
            return stored(dream.reflection_id, kept)
        return skipped(dream.tenant_id, dream.project, "already_reflected", len(dream.sample))


async def _still_new(db: Executor, dream: Dream) -> bool:
    last = await fetch_row(db, LAST_DREAM, dream.tenant_id, dream.project)
    return last is None or not nothing_new(dream.ids, last["sample"])

"""The task of dreams: what recurs in a project's recent important memories, stored as a reflection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

import structlog

from memory_maintenance.dreaming.due import dream_counts, due_projects
from memory_maintenance.dreaming.outcome import DreamOutcome, skipped, stored
from memory_maintenance.dreaming.policy import FEWEST_MEMORIES, DreamRule, nothing_new, reflection_id
from memory_maintenance.dreaming.reflecting import Reflection, backend_for, most_tokens_of, reflect
from memory_maintenance.dreaming.sample import ABOUT, Dream
from memory_maintenance.dreaming.statements import LAST_DREAM, RECORD_DREAM, SAMPLE, STORED
from memory_maintenance.dreaming.storing import free_ids
from memory_maintenance.errors import AnswersExhaustedError, BudgetExhaustedError, LanguageModelError, is_about_content
from memory_maintenance.settings import Settings
from memory_maintenance.store.derived import ids_after, insert_derived, lock
from memory_maintenance.store.identity import DEFAULT_PROJECT
from memory_maintenance.store.pool import Executor, execute, fetch, fetch_row, json_object, transaction
from memory_maintenance.store.rows import LONGEST_CONTENT, memories_of
from memory_maintenance.task import Task
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, TaskSpec, Unit
from memory_maintenance.writers.model.backend import Backend, backend_of
from memory_maintenance.writers.model.set_aside import count_failure, forgive

logger = structlog.get_logger(__name__)


class DreamUnit(Unit):
    """One project; ``default`` stands for memories without one."""

    project: str


class Dreaming(Task[DreamUnit]):
    """Reflects on what recurs in each project's recent important memories.

    Safe to repeat and to run twice at once: a sample is dreamt about once, and what a model answered is in the ledger.
    """

    spec = TaskSpec(
        name="dreaming",
        activity="generate_reflection",
        due_activity="due_dreams",
        unit="dream",
        units="dreams",
        results="reflections",
        done=("reflections",),
        metric_outcomes={"reflections": "stored"},
        also_written=("strategies",),
        queue="model",
    )
    unit = DreamUnit

    def off(self, settings: Settings) -> str | None:
        """Dreams are off where the settings of the deployment or the tenant's override say so."""
        return None if settings.dreaming else "disabled_by_config"

    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int]:
        """Projects with something new to dream about; of a run about one project, that one."""
        ids = [tenant.tenant_id for tenant in tenants]
        if run.project is not None:
            return dict.fromkeys(ids, 1)
        return await dream_counts(self.tools.pool, ids, run.as_of, settings=self.tools.settings)

    async def due(self, tenant: Tenant, run: Run, after: DreamUnit | None, limit: int) -> Sequence[DreamUnit]:
        """Return projects by name."""
        if run.project is not None:
            return [DreamUnit(project=run.project)]
        projects = await due_projects(
            self.tools.pool,
            tenant.tenant_id,
            as_of=run.as_of,
            settings=self.tools.settings,
            after=after.project if after else None,
            limit=limit,
        )
        return [DreamUnit(project=project) for project in projects]

    async def do(self, tenant: Tenant, unit: DreamUnit, run: Run) -> Done:
        """Reflect on a project's sample and store the reflection."""
        outcome = await self.dream(tenant, unit.project, run)
        counts = {"reflections": 1, "strategies": int(outcome.strategy_id is not None)}
        if outcome.status != "stored":
            counts = {outcome.status: 1}
        return Done(
            counts=Counts(
                reasons={outcome.reason: 1} if outcome.reason else {},
                input_tokens=outcome.input_tokens,
                output_tokens=outcome.output_tokens,
                **counts,
            )
        )

    async def stopped(self, tenant: Tenant, unit: DreamUnit, run: Run, reason: str) -> Done:
        """Log, as RAE does, that the tenant does not dream."""
        if reason == self.off(tenant.settings):
            skipped(tenant.tenant_id, unit.project, reason)
        return await super().stopped(tenant, unit, run, reason)

    async def dream(
        self, tenant: Tenant, project: str | None, run: Run, *, rule: DreamRule | None = None
    ) -> DreamOutcome:
        """Dream about what is new in a project; None reads as ``default``.

        A call that finds its own run's dream stored reports it as the first one did.

        Args:
            tenant: whose; neither paused nor without dreams.
            project: which one.
            run: memories after its ``as_of`` are not looked at. Its id is kept with the reflection, and bad answers
                of a model are counted by it.
            rule: which memories; None: as the tenant's settings say.

        Raises:
            LanguageModelError: a retryable one: nothing is stored, ask again.
        """
        if backend_of(tenant.settings) == "none":
            return skipped(tenant.tenant_id, project, "llm_not_configured")
        name = DEFAULT_PROJECT if project is None else project
        dream = await self._sample(tenant, name, run.as_of, rule or DreamRule.of(tenant.settings))
        backend = backend_for(tenant.settings, dream.sample)
        if len(dream.sample) < FEWEST_MEMORIES:
            return skipped(tenant.tenant_id, project, "insufficient_memories", len(dream.sample))
        if nothing_new(dream.ids, dream.last) or await _stored(self.tools.pool, dream):
            return await self._dreamt_before(dream, run)
        if run.dry_run:
            return await self._expected(tenant, dream, backend, run)
        return await self._reflect(tenant, dream, backend, run)

    async def _sample(self, tenant: Tenant, project: str, as_of: datetime, rule: DreamRule) -> Dream:
        tenant_id, excluded = tenant.tenant_id, list(tenant.settings.derivation_excluded_classes)
        last = await fetch_row(self.tools.pool, LAST_DREAM, tenant_id, project)
        since = rule.since(as_of, last["dreamt_until"] if last else None)
        chosen = (tenant_id, project, as_of, since, rule.min_importance, rule.max_samples, LONGEST_CONTENT, excluded)
        rows = await fetch(self.tools.pool, SAMPLE, *chosen)
        return Dream(tenant_id, project, since, memories_of(rows), last["sample"] if last else ())

    async def _expected(self, tenant: Tenant, dream: Dream, backend: Backend, run: Run) -> DreamOutcome:
        """Return what would become of the dream if the model answered at once, with the tokens it takes at most."""
        tokens = (0, 0)
        if backend == "openai":
            tokens = most_tokens_of(tenant.settings, dream.sample, ABOUT)
        else:
            try:
                reason = None if await self._reflection_on(tenant, dream, run) else "nothing_recurs"
            except AnswersExhaustedError as error:
                reason = error.reason
            if reason:
                return skipped(dream.tenant_id, dream.project, reason, len(dream.sample))
        return DreamOutcome(
            status="stored",
            reflection_id=dream.reflection_id,
            sources=len(dream.sample),
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            backend=backend,
        )

    async def _reflection_on(self, tenant: Tenant, dream: Dream, run: Run) -> Reflection | None:
        attempt_group = str(run.cycle_id)
        return await reflect(self.tools, tenant.settings, dream.sample, about=ABOUT, attempt_group=attempt_group)

    async def _reflect(self, tenant: Tenant, dream: Dream, backend: Backend, run: Run) -> DreamOutcome:
        try:
            reflection = await self._reflection_on(tenant, dream, run)
        except BudgetExhaustedError:
            return skipped(dream.tenant_id, dream.project, "budget_exhausted", len(dream.sample))
        except LanguageModelError as error:
            if error.retryable:
                raise
            reason = {"tenant_id": dream.tenant_id, "project": dream.project, "reason": error.reason}
            logger.warning("dreaming_cycle_failed", **reason)
            if backend == "extractive":
                # The same memories would give the same text: not due again until something is new.
                await execute(self.tools.pool, RECORD_DREAM, dream.tenant_id, dream.project, dream.since, dream.ids)
                return skipped(dream.tenant_id, dream.project, error.reason, len(dream.sample))
            if is_about_content(error):
                await count_failure(
                    self.tools.pool,
                    dream.unit,
                    cycle=str(run.cycle_id),
                    reason=error.reason,
                    after_cycles=tenant.settings.set_aside_after_cycles,
                    memories=dream.ids,
                )
            return DreamOutcome("failed", error.reason, backend=backend)
        if backend == "openai":
            await forgive(self.tools.pool, dream.unit)
        if reflection is None:
            # Not due again until something is new. The window still begins where it did: what comes may make it recur.
            await execute(self.tools.pool, RECORD_DREAM, dream.tenant_id, dream.project, dream.since, dream.ids)
            return skipped(dream.tenant_id, dream.project, "nothing_recurs", len(dream.sample))
        return await self._store(dream, reflection, run)

    async def _store(self, dream: Dream, reflection: Reflection, run: Run) -> DreamOutcome:
        async with transaction(self.tools.pool) as db:
            await lock(db, reflection_id(dream.tenant_id, dream.project, ()))
            if not await _still_new(db, dream):
                return await self._dreamt_before(dream, run)
            ids = await free_ids(db, reflection, dream.reflection_id)
            memories = dream.memories(reflection, run, ids)
            for memory in memories:
                await insert_derived(db, memory)
            await execute(db, RECORD_DREAM, dream.tenant_id, dream.project, run.as_of, dream.ids)
        outcome = stored(memories[0].id, memories[0].metadata, len(memories[0].sources))
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

    async def _dreamt_before(self, dream: Dream, run: Run) -> DreamOutcome:
        """Report this very step's outcome when it was taken before: a worker died after the commit."""
        row = await _stored(self.tools.pool, dream)
        kept = json_object(row["metadata"]) if row else {}
        if row and kept.get("cycle_id") == str(run.cycle_id):
            return stored(row["id"], kept, row["sources"])
        return skipped(dream.tenant_id, dream.project, "already_reflected", len(dream.sample))


async def _stored(db: Executor, dream: Dream) -> Any:
    return await fetch_row(db, STORED, dream.tenant_id, list(islice(ids_after(dream.reflection_id), 3)))


async def _still_new(db: Executor, dream: Dream) -> bool:
    last = await fetch_row(db, LAST_DREAM, dream.tenant_id, dream.project)
    known = last is not None and nothing_new(dream.ids, last["sample"])
    return not known and await _stored(db, dream) is None


TASK: Final = Dreaming

"""The task of dreams: what recurs in a project's recent important memories, stored as a reflection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

import structlog

from memory_maintenance.dreaming.due import due_projects, last_event_within, planned_dreams
from memory_maintenance.dreaming.known import KnownReflection, known_reflections, matched
from memory_maintenance.dreaming.outcome import DreamOutcome, WrittenReflection, skipped, written, written_before
from memory_maintenance.dreaming.policy import FEWEST_MEMORIES, DreamRule, nothing_new, reflection_id
from memory_maintenance.dreaming.reflecting import Reflection, backend_for, most_tokens_of, reflections_on
from memory_maintenance.dreaming.repair import Repaired, repair_reflections, stale_projects
from memory_maintenance.dreaming.sample import ABOUT, Dream, sampled, with_evidence
from memory_maintenance.dreaming.statements import LAST_DREAM, RECORD_DREAM
from memory_maintenance.dreaming.updating import store_reflection
from memory_maintenance.errors import AnswersExhaustedError, BudgetExhaustedError, LanguageModelError, is_about_content
from memory_maintenance.settings import Settings
from memory_maintenance.store.derived import DerivedMemory, lock
from memory_maintenance.store.identity import DEFAULT_PROJECT
from memory_maintenance.store.lineage import free_sources
from memory_maintenance.store.pool import Executor, execute, fetch_row, transaction
from memory_maintenance.task import LISTED_AT_MOST, Listed, Task
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, TaskSpec, Unit
from memory_maintenance.writers.extractive.background import tenant_background
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
        done=("reflections", "updated"),
        metric_outcomes={"reflections": "stored"},
        also_written=("strategies",),
        queue="model",
    )
    unit = DreamUnit

    def off(self, settings: Settings) -> str | None:
        """Dreams are off where the settings of the deployment or the tenant's override say so."""
        return None if settings.dreaming else "disabled_by_config"

    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int | Listed[DreamUnit]]:
        """Projects with something new to dream about or a stale reflection; of a run about one project, that one."""
        ids = [tenant.tenant_id for tenant in tenants]
        if run.project is not None:
            return dict.fromkeys(ids, Listed((DreamUnit(project=run.project),)))
        if run.daily and not run.dry_run:  # as the task of summaries does, unless it is off
            alone = [tenant.tenant_id for tenant in tenants if not tenant.settings.summarization_enabled]
            await free_sources(self.tools.pool, alone)
        found = await planned_dreams(self.tools.pool, ids, run.as_of, settings=self.tools.settings, few=LISTED_AT_MOST)
        return {
            tenant_id: due if isinstance(due, int) else Listed([DreamUnit(project=name) for name in due])
            for tenant_id, due in found.items()
        }

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
        repaired = await repair_reflections(self.tools, tenant, unit.project, run)
        gate = timedelta(0) if run.narrowed else DreamRule.of(tenant.settings).gate
        if await last_event_within(self.tools.pool, tenant.tenant_id, run.as_of, gate):
            outcome = skipped(tenant.tenant_id, unit.project, "not_idle")
        else:
            outcome = await self.dream(tenant, unit.project, run)
        updated = sum(one.updated for one in outcome.reflections)
        counts = {
            "reflections": len(outcome.reflections) - updated,
            "updated": updated,
            "strategies": outcome.strategies,
        }
        if not outcome.reflections:
            counts = {outcome.status: 1}
        done = Counts(
            reasons={outcome.reason: 1} if outcome.reason else {},
            input_tokens=outcome.input_tokens,
            output_tokens=outcome.output_tokens,
            **counts,
        )
        if repaired == Repaired():
            return Done(counts=done)
        removed = {"skipped": repaired.removed} if repaired.removed else {}
        reasons = {"sources_gone": repaired.removed} if repaired.removed else {}
        own = Counts(reasons=reasons, updated=repaired.updated, **removed)
        return Done(counts=own if outcome.status == "skipped" else own.plus(done))

    async def stopped(self, tenant: Tenant, unit: DreamUnit, run: Run, reason: str) -> Done:
        """Log, as RAE does, that the tenant does not dream."""
        if reason == self.off(tenant.settings):
            skipped(tenant.tenant_id, unit.project, reason)
        return await super().stopped(tenant, unit, run, reason)

    async def repair(self, tenant: Tenant, run: Run) -> None:
        """Write stale reflections again without a model, or remove them."""
        for project in await stale_projects(self.tools.pool, tenant, run):
            await repair_reflections(self.tools, tenant, project, run, ask_model=False)

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
        rule = rule or DreamRule.of(tenant.settings)
        dream = await sampled(self.tools.pool, tenant, name, run.as_of, rule)
        backend = backend_for(tenant.settings, dream.sample)
        if len(dream.sample) < FEWEST_MEMORIES:
            return skipped(tenant.tenant_id, project, "insufficient_memories", len(dream.sample))
        if nothing_new(dream.ids, dream.last):
            return await self._dreamt_before(self.tools.pool, dream, run)
        dream = await with_evidence(self.tools.pool, tenant, dream, run.as_of, rule)
        if run.dry_run:
            return await self._expected(tenant, dream, backend, run)
        return await self._reflect(tenant, dream, backend, run)

    async def _expected(self, tenant: Tenant, dream: Dream, backend: Backend, run: Run) -> DreamOutcome:
        """Return what would become of the dream if the model answered at once, with the tokens it takes at most."""
        if backend == "openai":
            tokens = most_tokens_of(tenant.settings, dream.sample, ABOUT)
            reflection = WrittenReflection(dream.sample_id, sources=len(dream.sample))
            return DreamOutcome("stored", None, (reflection,), 0, *tokens, backend)
        try:
            found = await self._reflections_on(tenant, dream, run)
        except AnswersExhaustedError as error:
            return skipped(dream.tenant_id, dream.project, error.reason, len(dream.sample))
        if not found:
            return skipped(dream.tenant_id, dream.project, "nothing_recurs", len(dream.sample))
        new = [
            (one, known)
            for one, known in await self._with_known(self.tools.pool, dream, found)
            if dream.adds(one, known)
        ]
        if not new:
            return skipped(dream.tenant_id, dream.project, "already_reflected", len(dream.sample))
        reflections = tuple(
            WrittenReflection(known.id if known else dream.wanted_id(one), None, len(one.sources), known is not None)
            for one, known in new
        )
        status: Literal["stored", "updated"] = "updated" if all(known for _, known in new) else "stored"
        return DreamOutcome(status, reflections=reflections, backend=backend)

    async def _reflections_on(self, tenant: Tenant, dream: Dream, run: Run) -> Sequence[Reflection]:
        return await reflections_on(
            self.tools,
            tenant.settings,
            dream.sample,
            dream.evidence,
            about=ABOUT,
            background=await tenant_background(self.tools.pool, dream.tenant_id, run.as_of),
            attempt_group=str(run.cycle_id),
        )

    async def _with_known(
        self, db: Executor, dream: Dream, reflections: Sequence[Reflection], *, for_update: bool = False
    ) -> list[tuple[Reflection, KnownReflection | None]]:
        """Return each reflection with the stored one on the same theme."""
        themes = [(one.keys, frozenset(row.id for row in dream.rows_of(one))) for one in reflections]
        known = await known_reflections(
            db,
            dream.tenant_id,
            dream.project,
            sources=frozenset[UUID]().union(*(sources for _, sources in themes)),
            subjects=[dream.subject(one) for one in reflections if one.keys],
            for_update=for_update,
        )
        return list(zip(reflections, matched(known, themes), strict=True))

    async def _reflect(self, tenant: Tenant, dream: Dream, backend: Backend, run: Run) -> DreamOutcome:
        try:
            reflections = await self._reflections_on(tenant, dream, run)
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
                    model=tenant.settings.model_of_dreams,
                )
            return DreamOutcome("failed", error.reason, backend=backend)
        if backend == "openai":
            await forgive(self.tools.pool, dream.unit)
        if not reflections:
            # Not due again until something is new. The window still begins where it did: what comes may make it recur.
            await execute(self.tools.pool, RECORD_DREAM, dream.tenant_id, dream.project, dream.since, dream.ids)
            return skipped(dream.tenant_id, dream.project, "nothing_recurs", len(dream.sample))
        return await self._store(dream, reflections, run)

    async def _store(self, dream: Dream, reflections: Sequence[Reflection], run: Run) -> DreamOutcome:
        """Store what is new and bring what is known up to date in one transaction: twice is once."""
        rows: list[DerivedMemory] = []
        async with transaction(self.tools.pool) as db:
            await lock(db, reflection_id(dream.tenant_id, dream.project, ()))
            last = await fetch_row(db, LAST_DREAM, dream.tenant_id, dream.project)
            if last is not None and nothing_new(dream.ids, last["sample"]):
                return await self._dreamt_before(db, dream, run)
            for reflection, known in await self._with_known(db, dream, reflections, for_update=True):
                if dream.adds(reflection, known):
                    rows += await store_reflection(db, dream, reflection, known, run)
            await execute(db, RECORD_DREAM, dream.tenant_id, dream.project, run.as_of, dream.ids)
        if not rows:
            return skipped(dream.tenant_id, dream.project, "already_reflected", len(dream.sample))
        outcome = written(rows)
        logger.info(
            "dreaming_cycle_completed",
            tenant_id=dream.tenant_id,
            project=dream.project,
            reflection_id=str(outcome.reflection_id),
            strategy_generated=outcome.strategies > 0,
            sources=outcome.sources,
            reflections=len(outcome.reflections),
            updated=sum(one.updated for one in outcome.reflections),
            backend=outcome.backend,
        )
        return outcome

    async def _dreamt_before(self, db: Executor, dream: Dream, run: Run) -> DreamOutcome:
        """Report this very step's outcome when it was taken before: a worker died after the commit."""
        sources = [row.id for memory in dream.sample for row in memory.rows]
        known = await known_reflections(db, dream.tenant_id, dream.project, sources=sources)
        own = [one for one in known if one.written_in(run.cycle_id)]
        if own:
            return written_before(own)
        return skipped(dream.tenant_id, dream.project, "already_reflected", len(dream.sample))


TASK: Final = Dreaming

"""MaintenanceScheduler: one whole maintenance without Temporal, in this process.

The same planner, workers, ledger and pauses as the workflows, so that both may even run
at once; what it lacks is durability: a killed process is caught up by the next run.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import structlog

from memory_maintenance.cycles.costs import foreseen_costs
from memory_maintenance.cycles.outcomes import TASKS, CycleTotals, DecayCounts, EmbeddingCounts, Task, TenantOutcome
from memory_maintenance.cycles.planner import Planner, PlanPage, TenantWork, log_what_is_off
from memory_maintenance.cycles.preview import foreseen_stats
from memory_maintenance.cycles.record import close_cycle, open_cycle, record_outcomes
from memory_maintenance.cycles.tallies import dream_counts, embeddings_to_come, summary_counts
from memory_maintenance.decay.worker import DecayWorker
from memory_maintenance.dreaming.due import due_projects
from memory_maintenance.dreaming.worker import DreamingWorker
from memory_maintenance.embedding.due import due_embeddings
from memory_maintenance.embedding.worker import EmbeddingWorker
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool
from memory_maintenance.summarization.due import due_sessions
from memory_maintenance.summarization.worker import SummarizationWorker
from memory_maintenance.writers.model.asking import PatientModel, open_model, patiently
from memory_maintenance.writers.model.embedder import open_embedder
from memory_maintenance.writers.model.retention import tidy_ledger

logger = structlog.get_logger(__name__)

_BATCH = 100


@dataclass(frozen=True, slots=True)
class _Cycle:
    cycle_id: UUID
    as_of: datetime
    daily: bool
    tasks: tuple[Task, ...]
    dry_run: bool


class MaintenanceScheduler:
    """RAE's scheduler: ``MaintenanceScheduler(pool).run_daily_maintenance()``."""

    def __init__(self, pool: Pool, settings: Settings | None = None) -> None:
        self._pool = pool
        self._settings = settings or load_settings()
        ledgered = open_model(self._settings, pool)
        model = PatientModel(ledgered) if ledgered else None
        self._decay = DecayWorker(pool, self._settings)
        self._summarization = SummarizationWorker(pool, self._settings, model)
        self._dreaming = DreamingWorker(pool, self._settings, model)
        self._embedding = EmbeddingWorker(pool, self._settings, open_embedder(self._settings, pool))

    async def run_daily_maintenance(
        self, tenant_ids: Sequence[str] | None = None, *, as_of: datetime | None = None, dry_run: bool = False
    ) -> dict[str, Any]:
        """Decay, summarize and dream for every tenant or those given; return RAE's statistics.

        With *dry_run* nothing is written and no model is asked: the statistics are what a run would do,
        with what it takes of a model at most.

        Raises:
            TenantNotFoundError: nobody ever heard of a tenant given.
            AsOfInFutureError: *as_of* has not come yet.
            DatabaseUnavailableError: Postgres went away; the next run goes on.
        """
        return await self._run(tenant_ids, as_of, daily=True, tasks=TASKS, dry_run=dry_run)

    async def run_hourly_maintenance(self, *, as_of: datetime | None = None, dry_run: bool = False) -> dict[str, Any]:
        """Summarize idle sessions of every tenant; return the same shape."""
        return await self._run(None, as_of, daily=False, tasks=("summarization",), dry_run=dry_run)

    async def _run(
        self,
        tenant_ids: Sequence[str] | None,
        as_of: datetime | None,
        *,
        daily: bool,
        tasks: tuple[Task, ...],
        dry_run: bool,
    ) -> dict[str, Any]:
        started_at = datetime.now(UTC)
        cycle = _Cycle(uuid4(), await checked_as_of(self._pool, as_of), daily, tasks, dry_run)
        config = {**self._settings.snapshot(), "tasks": list(tasks)}
        if tenant_ids is not None:  # then it is no success of the fleet
            config["named_tenants"] = len(tenant_ids)
        log_what_is_off(self._settings, tasks)
        if dry_run:
            totals = await self._walk_the_fleet(cycle, tenant_ids)
        else:
            totals = await self._recorded(cycle, tenant_ids, config)
        stats = totals.as_stats(started_at=started_at, completed_at=datetime.now(UTC), config=config)
        stats |= {"cycle_id": str(cycle.cycle_id), "as_of": cycle.as_of.isoformat()}
        if not dry_run:
            return stats
        return stats | foreseen_stats(totals, await foreseen_costs(self._pool, self._settings, totals))

    async def _recorded(self, cycle: _Cycle, tenant_ids: Sequence[str] | None, config: dict[str, Any]) -> CycleTotals:
        """Walk the fleet as a cycle that the store knows of."""
        kind = "daily" if cycle.daily else "hourly"
        await open_cycle(self._pool, cycle.cycle_id, kind=kind, as_of=cycle.as_of, config=config)
        try:
            totals = await self._walk_the_fleet(cycle, tenant_ids)
        except BaseException:
            await close_cycle(self._pool, cycle.cycle_id, status="failed", totals={})
            raise
        await close_cycle(self._pool, cycle.cycle_id, status="completed", totals=totals.model_dump(mode="json"))
        await tidy_ledger(self._pool, self._settings.model_call_retention)
        return totals

    async def _walk_the_fleet(self, cycle: _Cycle, tenant_ids: Sequence[str] | None) -> CycleTotals:
        totals, number, after = CycleTotals(), 0, None
        while True:
            page = await self._plan(cycle, tenant_ids, after)
            number += 1
            outcomes = [await self._maintain(cycle, work) for work in page.work]
            if not cycle.dry_run:
                await record_outcomes(self._pool, cycle.cycle_id, number, outcomes)
            seen = CycleTotals(looked_at=page.looked_at, left_paused=page.paused)
            totals = totals.plus(seen).with_outcomes(outcomes, dry_run=cycle.dry_run)
            after = page.cursor
            if after is None:
                return totals

    async def _plan(self, cycle: _Cycle, tenant_ids: Sequence[str] | None, after: str | None) -> PlanPage:
        planner = Planner(self._pool, self._settings, cycle.dry_run)
        if tenant_ids is None:
            return await planner.plan_page(as_of=cycle.as_of, daily=cycle.daily, tasks=cycle.tasks, after=after)
        return await planner.plan_chosen(
            list(map(str, tenant_ids)), as_of=cycle.as_of, daily=cycle.daily, tasks=cycle.tasks
        )

    async def _maintain(self, cycle: _Cycle, work: TenantWork) -> TenantOutcome:
        """Do one tenant's work. A task that fails is named; the others are done all the same."""
        started = time.monotonic()
        outcome = TenantOutcome(tenant_id=work.tenant_id)
        wanted = (
            (work.decay, self._decay_all),
            (work.sessions, self._summarize_due),
            (work.dreams, self._dream_due),
            (work.embeddings, self._embed_due),
        )
        for due, task in wanted:
            outcome = await self._attempt(task, cycle, outcome) if due else outcome
        outcome = outcome.model_copy(update={"seconds": time.monotonic() - started})
        logger.info("tenant_maintenance_completed", tenant_id=work.tenant_id, status=outcome.status)
        return outcome

    async def _attempt(
        self, task: Callable[[_Cycle, TenantOutcome], Awaitable[TenantOutcome]], cycle: _Cycle, outcome: TenantOutcome
    ) -> TenantOutcome:
        try:
            return await task(cycle, outcome)
        except MaintenanceError as error:
            logger.warning("tenant_maintenance_failed", tenant_id=outcome.tenant_id, error_type=type(error).__name__)
            return outcome.model_copy(update={"status": "failed", "error_type": type(error).__name__})

    async def _decay_all(self, cycle: _Cycle, outcome: TenantOutcome) -> TenantOutcome:
        counts, after = DecayCounts(), None
        while True:
            if cycle.dry_run:
                batch = await self._decay.foresee_batch(outcome.tenant_id, cycle.as_of, after=after)
                counts, after = counts.plus(DecayCounts.of(batch)), batch.cursor
            else:
                batch = await self._decay.decay_batch(outcome.tenant_id, cycle.as_of, run_id=cycle.cycle_id)
                counts = DecayCounts.of(batch)  # those of the whole run
            if batch.status != "more":
                status = "paused" if batch.status == "paused" else outcome.status
                return outcome.model_copy(update={"decay": counts, "status": status})

    async def _summarize_due(self, cycle: _Cycle, outcome: TenantOutcome) -> TenantOutcome:
        after, counts = None, outcome.summarization
        while True:
            due = await due_sessions(
                self._pool,
                outcome.tenant_id,
                settings=self._settings,
                as_of=cycle.as_of,
                daily=cycle.daily,
                after=after,
                limit=_BATCH,
            )
            for key in due:
                done = await self._summarization.summarize(
                    key,
                    as_of=cycle.as_of,
                    round=str(cycle.cycle_id),
                    cycle_id=cycle.cycle_id,
                    dry_run=cycle.dry_run,
                )
                counts = counts.plus(summary_counts(done))
            if len(due) < _BATCH:
                return outcome.model_copy(update={"summarization": counts})
            after = due[-1]

    async def _dream_due(self, cycle: _Cycle, outcome: TenantOutcome) -> TenantOutcome:
        after, counts = None, outcome.dreaming
        while True:
            due = await due_projects(
                self._pool,
                outcome.tenant_id,
                settings=self._settings,
                as_of=cycle.as_of,
                after=after,
                limit=_BATCH,
            )
            for project in due:
                done = await self._dreaming.dream(
                    outcome.tenant_id,
                    project,
                    as_of=cycle.as_of,
                    round=str(cycle.cycle_id),
                    cycle_id=cycle.cycle_id,
                    dry_run=cycle.dry_run,
                )
                counts = counts.plus(dream_counts(done))
            if len(due) < _BATCH:
                return outcome.model_copy(update={"dreaming": counts})
            after = due[-1]

    async def _embed_due(self, cycle: _Cycle, outcome: TenantOutcome) -> TenantOutcome:
        after, counts = None, outcome.embedding
        if cycle.dry_run:
            counts = embeddings_to_come(outcome.summarization, outcome.dreaming)
        while due := await due_embeddings(self._pool, outcome.tenant_id, settings=self._settings, after=after):
            if cycle.dry_run:
                done = await self._embedding.foresee(outcome.tenant_id, due)
            else:
                embed = partial(self._embedding.embed, outcome.tenant_id, due, round=str(cycle.cycle_id))
                done = await patiently(embed)
            counts, after = counts.plus(EmbeddingCounts.of(done)), due[-1]
            if not done.embedded:  # nor would the others be: the endpoint or the column does not take any
                break
        return outcome.model_copy(update={"embedding": counts})

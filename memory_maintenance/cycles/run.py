"""One whole maintenance in this process, without Temporal.

The same planner, tasks, ledger and pauses as the workflows, so that both may even run at once; what it lacks is
durability: a killed process is caught up by the next run.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import structlog

from memory_maintenance.cycles.costs import preview_costs
from memory_maintenance.cycles.lease import lease_on, renewing
from memory_maintenance.cycles.opening import begin_cycle
from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome
from memory_maintenance.cycles.planner import Planner
from memory_maintenance.cycles.preview import preview_stats
from memory_maintenance.cycles.record import close_cycle, cycle_config, log_what_is_off, record_outcomes
from memory_maintenance.cycles.statistics import statistics
from memory_maintenance.cycles.step import do_unit, due_units, tasks_named
from memory_maintenance.errors import LanguageModelError, MaintenanceError
from memory_maintenance.preflight.check import Surroundings
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.task import AnyTask, Tools
from memory_maintenance.tasks import tasks_with
from memory_maintenance.webhooks.delivery import deliver_at_end
from memory_maintenance.work import Counts, Done, Kind, Run, TenantPlan, UnitJson, as_json
from memory_maintenance.writers.model.asking import open_model, patiently
from memory_maintenance.writers.model.embedder import open_embedder
from memory_maintenance.writers.model.retention import tidy_ledger

logger = structlog.get_logger(__name__)

_DUE_AT_ONCE: Final = 100


async def run_maintenance(
    pool: Pool,
    settings: Settings,
    *,
    kind: Kind = "daily",
    tenant_ids: Sequence[str] | None = None,
    as_of: datetime | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Do every task of *kind* for every tenant, or for those given; return RAE's statistics.

    With *dry_run* nothing is written and no model is asked: the statistics are what a run would do, with what it
    takes of a model at most.

    Raises:
        TenantNotFoundError: a tenant given has neither a memory nor a control row.
        AsOfInFutureError: *as_of* has not come yet.
        PreflightError: the store is not fit for a run.
        DatabaseUnavailableError: Postgres went away; the next run goes on.
    """
    started_at = datetime.now(UTC)
    async with _tools(pool, settings, dry_run=dry_run) as tools:
        tasks = tasks_named(tasks_with(tools), None, kind)
        named = None if tenant_ids is None else len(tenant_ids)
        config = cycle_config(settings, [task.spec for task in tasks], named)
        cycle_id, around = uuid4(), Surroundings(settings)
        opened = await begin_cycle(
            pool, cycle_id, kind=kind, as_of=as_of, config=config, around=around, dry_run=dry_run, lease=lease_on(pool)
        )
        run = Run(cycle_id=cycle_id, as_of=opened.as_of, kind=kind, dry_run=dry_run)
        log_what_is_off(settings, tasks)
        cycle = _Cycle(tools, tasks, run, tenant_ids)
        totals = await cycle.walk_the_fleet() if dry_run else await cycle.recorded()
    stats = statistics(
        totals,
        run,
        started_at=started_at,
        completed_at=datetime.now(UTC),
        config=opened.config,
        findings=opened.findings,
    )
    if not dry_run:
        return stats
    return stats | preview_stats(totals, await preview_costs(pool, settings, totals))


@asynccontextmanager
async def _tools(pool: Pool, settings: Settings, *, dry_run: bool) -> AsyncIterator[Tools]:
    model, embedder = (None, None) if dry_run else (open_model(settings, pool), open_embedder(settings, pool))
    try:
        yield Tools(pool, settings, model, embedder)
    finally:
        if model:
            await model.close()
        if embedder:
            await embedder.close()


class _Cycle:
    """The tenants of one run, one after the other."""

    def __init__(self, tools: Tools, tasks: Sequence[AnyTask], run: Run, tenant_ids: Sequence[str] | None) -> None:
        self._pool, self._settings = tools.pool, tools.settings
        self._tasks = tasks
        self._run = run
        self._tenant_ids = None if tenant_ids is None else list(map(str, tenant_ids))

    async def recorded(self) -> CycleTotals:
        """Walk the fleet, and record how the cycle ended."""
        try:
            async with renewing(self._pool, self._run.cycle_id):
                totals = await self.walk_the_fleet()
        except BaseException as error:
            await self._close("failed", {})
            if isinstance(error, Exception):  # who stops the process does not wait for receivers
                await deliver_at_end(self._pool, self._settings)
            raise
        await self._close("completed", totals.model_dump(mode="json"))
        await tidy_ledger(self._pool, self._settings.model_call_retention, daily=self._run.daily)
        await deliver_at_end(self._pool, self._settings)
        return totals

    async def _close(self, status: str, totals: dict[str, Any]) -> None:
        cycle_id, settings = self._run.cycle_id, self._settings
        await close_cycle(self._pool, cycle_id, status=status, totals=totals, settings=settings)

    async def walk_the_fleet(self) -> CycleTotals:
        """Plan a page of tenants, work through it, record it, until the fleet's end."""
        self._tasks = [task for task in self._tasks if await task.unavailable() is None]
        planner = Planner(self._pool, self._settings, self._tasks)
        totals, number, after = CycleTotals(), 0, None
        while True:
            if self._tenant_ids is None:
                page = await planner.plan_page(self._run, after=after)
            else:
                page = await planner.plan_chosen(self._run, self._tenant_ids)
            number += 1
            outcomes = [await self._maintain(plan) for plan in page.plans]
            if not self._run.dry_run:
                await record_outcomes(self._pool, self._run.cycle_id, number, outcomes)
            seen = CycleTotals(looked_at=page.looked_at, left_paused=page.paused)
            totals = totals.plus(seen).with_outcomes(outcomes, dry_run=self._run.dry_run)
            after = page.cursor
            if after is None:
                return totals

    async def _maintain(self, plan: TenantPlan) -> TenantOutcome:
        """Do one tenant's work. A task that fails is named; the others are done all the same."""
        started = time.monotonic()
        outcome = TenantOutcome(tenant_id=plan.tenant_id)
        specs = [task.spec for task in self._tasks]
        for task in self._tasks:
            written = outcome.left_to(task.spec, specs)
            if written and self._run.dry_run:  # what is not written yet cannot be found as due
                outcome = outcome.adding(task.spec, Counts(**{task.spec.done[0]: written}))
            if outcome.status != "paused" and (written or plan.units.get(task.spec.name)):
                outcome = await self._do_task(task, outcome)
        outcome = outcome.model_copy(update={"seconds": time.monotonic() - started})
        logger.info("tenant_maintenance_completed", tenant_id=plan.tenant_id, status=outcome.status)
        return outcome

    async def _do_task(self, task: AnyTask, outcome: TenantOutcome) -> TenantOutcome:
        try:
            do_all = self._do_chain if task.spec.chain else self._do_each_due
            return await do_all(task, outcome)
        except MaintenanceError as error:
            logger.warning("tenant_maintenance_failed", tenant_id=outcome.tenant_id, error_type=type(error).__name__)
            return outcome.model_copy(update={"status": "failed", "error_type": type(error).__name__})

    async def _do_chain(self, task: AnyTask, outcome: TenantOutcome) -> TenantOutcome:
        unit = task.spec.first
        if unit is None:
            due = await due_units(task, outcome.tenant_id, self._run, None, 1)
            unit = as_json(due[0]) if due else None
        while unit is not None:
            done = await self._do(task, outcome.tenant_id, unit)
            outcome = _with(outcome, task, done)
            unit = done.next
        return outcome

    async def _do_each_due(self, task: AnyTask, outcome: TenantOutcome) -> TenantOutcome:
        after: UnitJson | None = None
        while True:
            due = await due_units(task, outcome.tenant_id, self._run, after, _DUE_AT_ONCE)
            for unit in map(as_json, due):
                done = await self._do(task, outcome.tenant_id, unit)
                outcome, after = _with(outcome, task, done), unit
                if done.paused:
                    return outcome
            if len(due) < _DUE_AT_ONCE:
                return outcome

    async def _do(self, task: AnyTask, tenant_id: str, unit: UnitJson) -> Done:
        """Do one unit, waiting as the model asks to; one that the model fails at for good does not stop the others."""
        try:
            return await patiently(lambda: do_unit(task, tenant_id, unit, self._run))
        except LanguageModelError as error:
            logger.warning("tenant_maintenance_failed", tenant_id=tenant_id, error_type=type(error).__name__)
            return Done(counts=task.spec.failed(unit, error.reason))


def _with(outcome: TenantOutcome, task: AnyTask, done: Done) -> TenantOutcome:
    added = outcome.adding(task.spec, done.counts)
    return added.model_copy(update={"status": "paused"}) if done.paused else added

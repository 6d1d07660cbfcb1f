"""Which tenants have what work: walks the fleet in pages, asks every task, and leaves idle tenants out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from memory_maintenance.cycles.statements import CHOSEN_TENANTS, NEXT_TENANTS
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch, to_json
from memory_maintenance.summarization.estimate import SummaryEstimate, estimate_summaries
from memory_maintenance.task import AnyTask, Listed
from memory_maintenance.tenants.control import Tenant, settings_in_store
from memory_maintenance.tenants.daily_times import DEFAULT, NAMES, OWN_TIMES, applied_groups, group_of
from memory_maintenance.tenants.known import ensure_known
from memory_maintenance.tenants.overrides import read_overrides
from memory_maintenance.work import Run, TenantPlan, as_json

SCAN: Final = 500
"""Tenants looked at by one set of statements."""

MOST_LISTED_BYTES: Final = 500
"""Of a tenant's units in its plan: a plan has up to 699 tenants, and Temporal takes messages of 2 MB."""


@dataclass(frozen=True, slots=True)
class PlanPage:
    """Tenants with work, in the order of their ids; ``cursor`` is None when the fleet's end is reached."""

    plans: tuple[TenantPlan, ...]
    cursor: str | None
    looked_at: int
    paused: int
    """Tenants that were left out because they are paused."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans a run over the fleet for the tasks that it does."""

    pool: Pool
    settings: Settings
    tasks: Sequence[AnyTask]

    async def plan_page(self, run: Run, *, after: str | None = None, limit: int = 200) -> PlanPage:
        """Return the next tenants behind *after* with work, about *limit* of them (never more than limit + 500)."""
        plans: list[TenantPlan] = []
        looked_at = paused = 0
        while len(plans) < limit:
            rows = await self._scan(run, after)
            own = await self._of_schedule(rows, run)
            found, left_out = await self._plans_of(own, run)
            plans += found
            looked_at += len(own)
            paused += left_out
            after = rows[-1]["tenant_id"] if len(rows) == SCAN else None
            if after is None:
                break
        return PlanPage(tuple(plans), after, looked_at, paused)

    async def plan_chosen(self, run: Run, tenant_ids: Sequence[str]) -> PlanPage:
        """Return the work of the tenants named.

        Raises:
            TenantNotFoundError: one of them has neither a memory nor a control row.
        """
        rows = await _chosen(self.pool, tenant_ids)
        plans, paused = await self._plans_of(rows, run)
        return PlanPage(tuple(plans), None, len(rows), paused)

    async def _scan(self, run: Run, after: str | None) -> list[Any]:
        if run.schedule in (None, DEFAULT):
            return await _scan(self.pool, after)
        return await fetch(self.pool, OWN_TIMES, SCAN, after)

    async def _of_schedule(self, rows: list[Any], run: Run) -> list[Any]:
        """Return those of a scan's tenants that the run's Schedule is for."""
        if run.schedule is None:
            return rows
        named = [row for row in rows if any(f'"{name}"' in row["overrides"] for name in NAMES)]
        groups = {row["tenant_id"]: group_of(self.settings, read_overrides(row["overrides"])) for row in named}
        if run.schedule != DEFAULT:
            return [row for row in rows if groups.get(row["tenant_id"]) == run.schedule]
        applied = await applied_groups(self.pool) if groups else ()
        return [row for row in rows if groups.get(row["tenant_id"], DEFAULT) not in applied]

    async def _plans_of(self, rows: Sequence[Any], run: Run) -> tuple[list[TenantPlan], int]:
        """Return the plans of a scan's tenants, and how many were left out because they are paused."""
        # What an operator names is planned also for a paused tenant: its run then says that it is paused.
        active = [row for row in rows if run.narrowed or not row["paused"]]
        overrides = {row["tenant_id"]: read_overrides(row["overrides"]) for row in active}
        settings = await settings_in_store(self.pool, self.settings)
        tenants = [
            Tenant(tenant_id, settings.for_tenant(own)) for tenant_id, own in overrides.items() if own is not None
        ]
        planned = {task.spec.name: await self._planned(task, tenants, run) for task in self.tasks}
        plans = []
        for tenant_id, own in overrides.items():
            found = {task: due[tenant_id] for task, due in planned.items() if due.get(tenant_id)}
            if own is None:  # overrides that cannot be read fail this tenant's run, and no other's
                found = {self.tasks[0].spec.name: 1}
            if found:
                plans.append(self._plan(tenant_id, found))
        return plans, len(rows) - len(active)

    def _plan(self, tenant_id: str, found: Mapping[str, int | Listed[Any]]) -> TenantPlan:
        units = {name: due if isinstance(due, int) else len(due.units) for name, due in found.items()}
        due = {name: tuple(map(as_json, one.units)) for name, one in found.items() if isinstance(one, Listed)}
        if len(to_json(due).encode()) > MOST_LISTED_BYTES:
            return TenantPlan(tenant_id=tenant_id, units=units)
        followed = {name for task in self.tasks for name in task.spec.follows}
        quick = all(isinstance(one, Listed) and one.quick for one in found.values()) and not followed & found.keys()
        writes = any(task.spec.queue == "model" for task in self.tasks if task.spec.name in found)
        one_step = quick and writes and sum(units.values()) > 1
        return TenantPlan(tenant_id=tenant_id, units=units, due=due, bulk=quick and not writes, one_step=one_step)

    async def _planned(self, task: AnyTask, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int | Listed[Any]]:
        on = [tenant for tenant in tenants if task.off(tenant.settings) is None]
        if len(on) < len(tenants) and not run.dry_run:
            await task.note_off([tenant for tenant in tenants if task.off(tenant.settings)], run)
        return await task.plan(on, run) if on else {}


async def estimate_run(
    pool: Pool, settings: Settings, run: Run, tenant_ids: Sequence[str] | None = None
) -> SummaryEstimate:
    """Return what the summaries of a daily run take at most, over the tenants named or all that are not paused.

    Raises:
        TenantNotFoundError: one of those named has neither a memory nor a control row.
    """
    total, after = SummaryEstimate(), None
    while True:
        rows = await _scan(pool, after) if tenant_ids is None else await _chosen(pool, tenant_ids)
        active = [row["tenant_id"] for row in rows if not row["paused"]]
        found = await estimate_summaries(
            pool, active, as_of=run.as_of, settings=settings, backfill_days=run.backfill_days
        )
        total = total.plus(found)
        if tenant_ids is not None or len(rows) < SCAN:
            return total
        after = rows[-1]["tenant_id"]


async def _chosen(pool: Pool, tenant_ids: Sequence[str]) -> list[Any]:
    for tenant_id in tenant_ids:
        await ensure_known(pool, tenant_id)
    return await fetch(pool, CHOSEN_TENANTS, list(tenant_ids))


async def _scan(pool: Pool, after: str | None) -> list[Any]:
    return await fetch(pool, NEXT_TENANTS, SCAN, after)

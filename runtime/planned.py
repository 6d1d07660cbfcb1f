"""What a run due now would do: the fleet planned as a run plans it, by reading only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from memory_maintenance.cycles.planner import Planner
from memory_maintenance.cycles.step import tasks_named
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool
from memory_maintenance.task import Tools
from memory_maintenance.tasks import tasks_with
from memory_maintenance.work import Kind, Run
from runtime.cloud_cost import CloudUse, with_plan
from workflows.options import PAGE_SIZE, is_large


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run as of ``as_of``: what is due, and what it takes of Temporal Cloud."""

    as_of: datetime
    use: CloudUse
    looked_at: int
    paused: int
    with_work: int
    units: Mapping[str, int]
    """Units due, by task."""
    tenants: Mapping[str, int]
    """Tenants with units due, by task."""
    off: Mapping[str, str]
    """Tasks that the run leaves out, and why."""


async def planned_run(pool: Pool, settings: Settings, kind: Kind, as_of: datetime | None = None) -> PlannedRun:
    """Return what a run of the whole fleet would do at *as_of*, or now; reads the store only."""
    named = tasks_named(tasks_with(Tools(pool, settings)), None, kind)
    unavailable = {task.spec.name: await task.unavailable() for task in named}
    tasks = [task for task in named if unavailable[task.spec.name] is None]
    planner, specs = Planner(pool, settings, tasks), [task.spec for task in tasks]
    cycle = Run(cycle_id=uuid4(), as_of=await checked_as_of(pool, as_of), kind=kind, dry_run=True)
    use, units, tenants = CloudUse(), Counter[str](), Counter[str]()
    after, pages, looked_at, paused, with_work = None, 0, 0, 0, 0
    while True:
        page = await planner.plan_page(cycle, after=after, limit=PAGE_SIZE)
        large = is_large(planned=len(page.plans), more=page.cursor is not None, pages=pages)
        use = with_plan(use, page.plans, specs, bulk=large and not settings.maintenance_child_for_every_tenant)
        for plan in page.plans:
            units.update(plan.units)
            tenants.update(name for name, count in plan.units.items() if count)
        pages, after, looked_at = pages + 1, page.cursor, looked_at + page.looked_at
        paused, with_work = paused + page.paused, with_work + len(page.plans)
        if after is None:
            break
    off = {name: why for name, why in unavailable.items() if why is not None}
    return PlannedRun(cycle.as_of, use, looked_at, paused, with_work, units, tenants, off)

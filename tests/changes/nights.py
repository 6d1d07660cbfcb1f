"""A night of one task that compares, on a store of a test."""

from typing import Any
from uuid import uuid4

from memory_maintenance.changes.comparing import ComparingTask
from memory_maintenance.cycles.step import do_unit
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch, fetch_value
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Run
from tests.agents import AS_OF

TENANT = "00000000-0000-0000-0000-000000000007"
OTHER_TENANT = "00000000-0000-0000-0000-000000000008"


async def night(pool, task: type[ComparingTask], as_of=AS_OF, *, dry_run=False, **modes: Any) -> Counts:
    """Do all that the task has due for the tenant, and return what it counted."""
    settings = Settings(_env_file=None, **modes)
    doing, run = task(Tools(pool, settings)), Run(cycle_id=uuid4(), as_of=as_of, dry_run=dry_run)
    planned = await doing.plan([Tenant(TENANT, settings)], run)
    counts = Counts()
    unit: dict[str, Any] | None = {} if planned else None
    while unit is not None:
        done = await do_unit(doing, TENANT, unit, run)
        counts, unit = counts.plus(done.counts), done.next
    return counts


async def rows(pool) -> dict[Any, str]:
    """Return every row of memories as Postgres writes it, by id."""
    return {row[0]: row[1] for row in await fetch(pool, "SELECT id, m::text FROM memories m")}


async def demoted(pool) -> int:
    """Return how many memories are demoted."""
    return int(await fetch_value(pool, "SELECT count(*) FROM memories WHERE demotion IS NOT NULL"))

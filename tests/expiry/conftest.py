"""Stores whose memories are past their time, and nights of the task alone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from memory_maintenance.cycles.step import do_unit
from memory_maintenance.expiry.task import Expiry
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch
from memory_maintenance.task import Tools
from memory_maintenance.work import Counts, Run, UnitJson

NIGHT = datetime(2026, 6, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
TENANT, OTHER = str(UUID(int=1)), str(UUID(int=2))

INSERT = """
INSERT INTO memories (id, tenant_id, content, importance, layer, project, tags, source, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def remember(pool: Pool, tenant: str = TENANT, **own: Any) -> UUID:
    """Store one memory, a day old; *own* says what is different."""
    row: dict[str, Any] = {
        "id": uuid4(), "tenant": tenant, "content": "Ana leads the harbour project.", "importance": 0.5,
        "layer": "semantic", "project": "default", "tags": [], "source": "api", "created_at": NIGHT - DAY,
        "expires_at": None, **own,
    }  # fmt: skip
    await pool.execute(INSERT, *row.values())
    return UUID(str(row["id"]))


def settings_of(**chosen: Any) -> Settings:
    return Settings(_env_file=None, **{"memory_expiry": "archive", **chosen})


def a_run(as_of: datetime = NIGHT, **more: Any) -> Run:
    return Run(cycle_id=uuid4(), as_of=as_of, **more)


async def expire(
    pool: Pool, run: Run | None = None, tenant: str = TENANT, unit: UnitJson | None = None, **chosen: Any
) -> Counts:
    """Do a tenant's units to the last; return what they came to."""
    task, run = Expiry(Tools(pool, settings_of(**chosen))), run or a_run()
    done = await do_unit(task, tenant, unit or {}, run)
    total = done.counts
    while done.next is not None:
        done = await do_unit(task, tenant, done.next, run)
        total = total.plus(done.counts)
    return total


async def left(pool: Pool, tenant: str = TENANT) -> set[UUID]:
    return {row["id"] for row in await fetch(pool, "SELECT id FROM memories WHERE tenant_id = $1", tenant)}


async def named(pool: Pool, *actions: str) -> set[UUID]:
    """Return the memories that audit rows of *actions* name."""
    rows: Sequence[Any] = await fetch(
        pool, "SELECT unnest(memories) AS id FROM maintenance.expiry_batches WHERE action = ANY ($1)", list(actions)
    )
    return {row["id"] for row in rows}

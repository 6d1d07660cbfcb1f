"""A tenant with ten memories of different ages, and decay in pages of three of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch
from tests.steps import Decaying

DAY = timedelta(days=1)
NIGHT = datetime(2024, 6, 1, 2, tzinfo=UTC)
TENANT, OTHER_TENANT = (str(UUID(int=n)) for n in (1, 2))
INSERT = "INSERT INTO memories (id, tenant_id, content, importance, created_at, last_accessed_at) VALUES ($1, $2, 'x', $3, $4, $4)"
TABLE = """
SELECT row_number() OVER (ORDER BY id) AS n, importance, base_importance, base_importance_at, decayed_importance
FROM memories WHERE tenant_id = $1
"""


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, **{"memory_decay_page_size": 3, "memory_base_decay_rate": 0.01} | changes)


def decaying(pool: Pool, **changes: Any) -> Decaying:
    return Decaying(pool, settings(**changes))


async def insert(pool: Pool, tenant: str = TENANT, rows: int = 10) -> None:
    created = [NIGHT - 60 * DAY + n * 5 * DAY for n in range(rows)]
    ids = sorted(uuid4() for _ in range(rows))
    await pool.executemany(
        INSERT, [(i, tenant, 0.5 + n / 100, at) for n, (i, at) in enumerate(zip(ids, created, strict=True))]
    )


async def decay_state(pool: Pool, tenant: str = TENANT) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await fetch(pool, TABLE, tenant)]

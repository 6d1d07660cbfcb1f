"""A million rows: what a page reads does not depend on what else is there."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from memory_maintenance.decay.policy import DecayRule, DecayRun
from memory_maintenance.decay.statements import DECAY_PAGE, _terms
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch_value
from tests.decay.test_statements import rows_read
from tests.steps import Decaying

SIZE = 1000
STORE = """
INSERT INTO memories (tenant_id, content, importance, created_at)
SELECT CASE WHEN g % 2 = 0 THEN 'large' ELSE 'small-' || g % 1000 END, g::text, 0.5, now() - interval '9 days'
FROM generate_series(1, 1000000) AS g
"""
MIDDLE = "SELECT id FROM memories WHERE tenant_id = $1 ORDER BY id OFFSET (SELECT count(*) / 2 FROM memories WHERE tenant_id = $1) LIMIT 1"


@pytest.mark.slow
async def test_a_page_of_a_large_tenant_and_of_a_small_one_read_their_own_rows_only(pool: asyncpg.Pool):
    await pool.execute(STORE, timeout=600)
    await execute(pool, "ANALYZE memories")
    for tenant in ("large", "small-501"):
        middle = await fetch_value(pool, MIDDLE, tenant)
        for first_id in (UUID(int=0), middle):
            assert await _rows_read(pool, tenant, first_id) <= 5 * SIZE
    batch = await Decaying(pool, Settings()).decay_batch("large", datetime.now(UTC) - timedelta(days=1), seconds=900)
    assert (batch.status, batch.updated) == ("done", 500_000)


async def _rows_read(pool: asyncpg.Pool, tenant: str, first_id: UUID) -> int:
    as_of = datetime.now(UTC) - timedelta(days=2)
    terms = _terms(DecayRun(as_of, as_of), DecayRule(), 0.0)
    async with pool.acquire() as connection, connection.transaction():
        plan = await connection.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) " + DECAY_PAGE, tenant, first_id, SIZE, *terms)
    return sum(rows_read(plan[0]["Plan"]).values())

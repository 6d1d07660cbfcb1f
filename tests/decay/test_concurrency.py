import asyncio
import random
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import ANY
from uuid import UUID, uuid4

import asyncpg
import pytest

from memory_maintenance.decay.policy import DecayRule, DecayRun, decayed
from memory_maintenance.decay.statements import DECAY_LOCKED, DECAY_PAGE, write_page
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value
from tests.steps import Decaying

NIGHT = datetime(2024, 6, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
TENANT = str(UUID(int=1))
ROWS = 120
RULE = DecayRule(rate=0.01)
INSERT = "INSERT INTO memories (id, tenant_id, content, importance, created_at, last_accessed_at) VALUES ($1, $2, 'x', 0.8, $3, $3)"
COUNTED = "UPDATE memories SET usage_count = usage_count + 1 WHERE id = $1"
RECALLED = "UPDATE memories SET usage_count = usage_count + 1, last_accessed_at = $2 WHERE id = $1"
SET = "UPDATE memories SET importance = $2, metadata = '{\"set\": true}' WHERE id = $1"
ROWS_AFTER = """
SELECT id, importance, base_importance, base_importance_at, decayed_importance, last_accessed_at, usage_count,
       metadata ? 'set' AS set
FROM memories
"""


@pytest.fixture
async def ids(any_pool: Pool) -> list[UUID]:
    ids = [uuid4() for _ in range(ROWS)]
    await any_pool.executemany(INSERT, [(i, TENANT, NIGHT - (20 + n) * DAY) for n, i in enumerate(ids)])
    return ids


def _worker(pool: Pool) -> Decaying:
    return Decaying(pool, Settings(_env_file=None, memory_decay_page_size=10, memory_base_decay_rate=0.01))


async def _agent(pool: asyncpg.Pool, ids: list[UUID], seed: int, sets: dict[UUID, float]) -> int:
    """Write to memories in transactions of several rows, always in the order of their ids, and count the writes."""
    choice = random.Random(seed)
    written = 0
    for _ in range(25):
        some = sorted(choice.sample(ids, 5))
        async with pool.acquire() as connection, connection.transaction():
            for key in some:
                if key in sets:
                    await connection.execute(SET, key, sets[key])
                await connection.execute(*((COUNTED, key) if choice.random() < 0.5 else (RECALLED, key, NIGHT - DAY)))
                written += 1
    return written


async def test_runs_and_agents_on_the_same_rows_lose_nothing_and_decay_nothing_twice(any_pool, ids):
    worker = _worker(any_pool)
    await worker.decay_batch(TENANT, NIGHT - 10 * DAY)
    shares = [ids[n::3] for n in range(3)]
    sets = {key: 0.3 + n / 1000 for n, key in enumerate(ids[::5])}
    agents = asyncio.gather(
        *(_agent(any_pool, share + ids[:10], seed, sets if seed == 0 else {}) for seed, share in enumerate(shares))
    )
    as_ofs = (NIGHT, NIGHT - 5 * DAY, NIGHT)
    runs = await asyncio.gather(*(worker.decay_batch(TENANT, as_of) for as_of in as_ofs))
    written = await agents
    assert [run.status for run in runs] == ["done", ANY, "done"]
    await worker.decay_batch(TENANT, NIGHT)
    rows = await fetch(any_pool, ROWS_AFTER)
    assert sum(row["usage_count"] for row in rows) == sum(written)
    for row in rows:
        _assert_decayed_once(row, sets)


def _assert_decayed_once(row: Any, sets: dict[UUID, float]) -> None:
    base, since = row["base_importance"], row["base_importance_at"]
    assert base == (sets[row["id"]] if row["set"] else 0.8)
    assert since in ({NIGHT, NIGHT - 5 * DAY} if row["set"] else {NIGHT - 11 * DAY})
    exact = decayed(base, since, row["last_accessed_at"], NIGHT, RULE)
    assert row["importance"] == row["decayed_importance"] == pytest.approx(exact, abs=1e-12)


# Waits, after the page was read and priced, for an advisory lock that the test holds.
HELD_PAGE = DECAY_PAGE.replace(
    "moved AS MATERIALIZED (", "wait AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(1)),\nmoved AS MATERIALIZED ("
).replace("FROM priced CROSS JOIN digits", "FROM priced CROSS JOIN wait CROSS JOIN digits")
assert HELD_PAGE.count("wait") == 2
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.mark.parametrize(
    ("deed", "again"),
    [
        pytest.param("UPDATE memories SET importance = 0.9 WHERE id = $1", 1, id="set"),
        pytest.param("UPDATE memories SET usage_count = 3 WHERE id = $1", 1, id="touched"),
        pytest.param("UPDATE memories SET importance = 'NaN' WHERE id = $1", 0, id="broken"),
        pytest.param("DELETE FROM memories WHERE id = $1", 0, id="deleted"),
    ],
)
async def test_what_an_agent_commits_between_the_reading_and_the_locking_of_a_row_is_kept(any_pool, ids, deed, again):
    page_of = partial(write_page, any_pool, run=DecayRun(NIGHT, NIGHT - 10 * DAY), rule=RULE, tolerance=0.0)
    key = sorted(ids)[5]
    async with any_pool.acquire() as agent:
        await agent.execute("SELECT pg_advisory_lock(1)")
        running = asyncio.create_task(page_of(HELD_PAGE, TENANT, UUID(int=0), size=10))
        while not await fetch_value(any_pool, WAITING):
            pass
        await execute(any_pool, deed, key)
        kept = await fetch(any_pool, ROW, key)
        await agent.execute("SELECT pg_advisory_unlock(1)")
        page = await running
    assert (page.seen, page.updated, page.locked_ids) == (10, 9, (key,))
    assert repr(await fetch(any_pool, ROW, key)) == repr(kept)
    second = await page_of(DECAY_LOCKED, TENANT, [key], size=1)
    assert (second.updated, second.locked_ids) == (again, ())


ROW = "SELECT id, importance, base_importance, usage_count FROM memories WHERE id = $1"

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from memory_maintenance.database.pool import Pool, execute, execute_many, fetch
from memory_maintenance.decay.policy import DecayRule, decayed
from memory_maintenance.decay.worker import DecayWorker
from memory_maintenance.settings import Settings

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
    await execute_many(any_pool, INSERT, [(i, TENANT, NIGHT - (20 + n) * DAY) for n, i in enumerate(ids)])
    return ids


def _worker(pool: Pool) -> DecayWorker:
    return DecayWorker(pool, Settings(_env_file=None, memory_decay_page_size=10, memory_base_decay_rate=0.01))


async def _agent(pool: Pool, ids: list[UUID], seed: int, sets: dict[UUID, float]) -> int:
    """Write to memories in transactions of several rows, always in the order of their ids, and count the writes."""
    choice = random.Random(seed)  # noqa: S311
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
    *written, _, _, _ = await asyncio.gather(
        *(_agent(any_pool, share + ids[:10], seed, sets if seed == 0 else {}) for seed, share in enumerate(shares)),
        worker.decay_batch(TENANT, NIGHT),
        worker.decay_batch(TENANT, NIGHT - 5 * DAY),
        worker.decay_batch(TENANT, NIGHT),
    )
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


async def test_an_agents_write_to_a_row_that_decay_has_priced_is_not_overwritten(any_pool, ids):
    """The agent commits between the page's reading of a row and its locking of it."""
    worker = _worker(any_pool)
    await worker.decay_batch(TENANT, NIGHT - DAY)
    first, last = min(ids), max(ids)
    # The page waits on this lock of the tenant's row only before it reads; a trigger holds it in the middle instead.
    async with any_pool.acquire() as agent:
        await agent.execute("SELECT pg_advisory_lock(1)")
        await _hold_updates_of(any_pool, first)
        running = asyncio.create_task(worker.decay_batch(TENANT, NIGHT))
        await _until_waiting(any_pool)
        await execute(any_pool, SET, last, 0.9)
        await agent.execute("SELECT pg_advisory_unlock(1)")
        await running
    rows = {row["id"]: row for row in await fetch(any_pool, ROWS_AFTER)}
    assert (rows[last]["importance"], rows[last]["base_importance"]) == (0.9, 0.9)
    assert rows[first]["base_importance"] == 0.8


HOLD = """
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1);
    RETURN NEW;
END $$;
"""
HOLD_ON = "CREATE TRIGGER hold BEFORE UPDATE ON memories FOR EACH ROW WHEN (OLD.id = '{id}') EXECUTE FUNCTION hold()"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def _hold_updates_of(pool: Pool, key: UUID) -> None:
    await execute(pool, HOLD)
    await execute(pool, HOLD_ON.format(id=key))


async def _until_waiting(pool: Pool) -> None:
    while not (await fetch(pool, WAITING))[0][0]:
        await asyncio.sleep(0)

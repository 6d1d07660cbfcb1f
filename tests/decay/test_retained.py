"""What staged decay leaves for good: chosen for a store when it begins, and changed by nothing but a setting."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from memory_maintenance.decay.policy import DecayRule, DecayRun, decayed
from memory_maintenance.decay.verdict import RowState, judge
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.settings import Settings
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_row, fetch_value
from memory_maintenance.tenants.overrides import override

DAY = timedelta(days=1)
NIGHT = datetime(2026, 1, 1, 2, tzinfo=UTC)
INSERT = """
INSERT INTO memories (tenant_id, content, importance, created_at, last_accessed_at) VALUES ($1, $2, 0.5, $3, NULL)
"""
ROWS = """
SELECT content, importance, base_importance, base_importance_at, decayed_importance, created_at, xmin::text AS version
FROM memories ORDER BY content
"""
AS_BEFORE = """
ALTER TABLE maintenance.store DROP COLUMN decay_retained;
ALTER TABLE maintenance.tenants DROP COLUMN decay_counts_before;
DELETE FROM maintenance.migrations WHERE name = '0005_decay'
"""
RETAINED = "SELECT decay_retained FROM maintenance.store"


async def _written(pool: Pool) -> None:
    await pool.executemany(INSERT, [("acme", f"{age:03}", NIGHT - age * DAY) for age in range(0, 90, 3)])


async def _night(pool: Pool, night: datetime, **chosen: Any) -> int:
    worker = DecayWorker(pool, Settings(_env_file=None, **chosen))
    return (await worker.run_decay_cycle(as_of=night))["total_updated"]


async def _assert_left(pool: Pool, night: datetime, share: float) -> None:
    for row in await fetch(pool, ROWS):
        base_at, access = row["base_importance_at"], row["created_at"]
        left = decayed(0.5, base_at, access, night, DecayRule(retained_share=share))
        assert row["importance"] == pytest.approx(left, abs=1e-15)


async def _store_of_the_version_before(pool: Pool, url: str) -> None:
    await _written(pool)
    assert await _night(pool, NIGHT, memory_decay_retained=0) == 30
    await pool.execute(AS_BEFORE)
    await migrate(url)


async def test_a_store_that_decayed_before_keeps_its_numbers_to_the_last_bit(pool, store_url):
    await _store_of_the_version_before(pool, store_url)
    before = await fetch(pool, ROWS)
    assert await fetch_value(pool, RETAINED) == 0
    assert await _night(pool, NIGHT) == 0
    assert await fetch(pool, ROWS) == before
    await _night(pool, NIGHT + 40 * DAY)
    await _assert_left(pool, NIGHT + 40 * DAY, 0)


async def test_such_a_store_takes_the_share_that_a_setting_names_and_gives_it_back(pool, store_url):
    await _store_of_the_version_before(pool, store_url)
    await _night(pool, NIGHT + 40 * DAY)
    lowest = await fetch_value(pool, "SELECT min(importance) FROM memories")
    await _night(pool, NIGHT + 40 * DAY, memory_decay_retained=0.7)
    await _assert_left(pool, NIGHT + 40 * DAY, 0.7)
    await _night(pool, NIGHT + 40 * DAY)
    assert await fetch_value(pool, "SELECT min(importance) FROM memories") == lowest


@pytest.mark.parametrize("decayed_before", [False, True])
async def test_a_store_whose_control_tables_were_dropped_is_known_by_its_bases(pool, store_url, decayed_before):
    await _written(pool)
    if decayed_before:
        await _night(pool, NIGHT)
    await execute(pool, "DROP SCHEMA maintenance CASCADE")
    await migrate(store_url)
    assert await fetch_value(pool, RETAINED) == (0 if decayed_before else 0.7)


async def test_a_new_store_keeps_seven_tenths(any_pool):
    assert await fetch_value(any_pool, RETAINED) == 0.7


async def test_a_tenant_may_differ(pool):
    await _written(pool)
    await override(pool, "acme", {"decay_retained": 0.2})
    await _night(pool, NIGHT)
    await _night(pool, NIGHT + 300 * DAY)
    await _assert_left(pool, NIGHT + 300 * DAY, 0.2)


async def test_what_stays_is_in_the_outcome_of_a_row():
    row = RowState(0.5, created_at=NIGHT - 900 * DAY)
    shares = {
        share: judge(row, DecayRun(NIGHT, NIGHT - 900 * DAY, None, share), DecayRule()).importance for share in (0, 0.7)
    }
    assert shares == {0: 0.01, 0.7: pytest.approx(0.35)}


async def test_migrating_twice_changes_nothing(pool, store_url):
    await execute(pool, "UPDATE maintenance.store SET decay_retained = 0.3")
    before = await fetch_row(pool, "SELECT xmin::text, * FROM maintenance.store")
    await migrate(store_url)
    assert await fetch_row(pool, "SELECT xmin::text, * FROM maintenance.store") == before

"""A cycle without Temporal whose process is gone is seen as abandoned; one that is at work is not."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg

from memory_maintenance.cycles.lease import LEASE, lease_on, renewing
from memory_maintenance.cycles.record import close_cycle, open_cycle
from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.inspection.cycles import latest_cycles
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch_value
from tests.agents import AS_OF, write

STATUS = "SELECT status FROM maintenance.cycles WHERE cycle_id = $1"
LEFT = "SELECT lease_until - now() FROM maintenance.cycles WHERE cycle_id = $1"
AGE = "UPDATE maintenance.cycles SET lease_until = lease_until - interval '6 minutes' WHERE cycle_id = $1"


async def opened(pool, lease=LEASE):
    cycle = uuid4()
    await open_cycle(pool, cycle, kind="daily", as_of=AS_OF, config={}, lease=lease)
    return cycle


async def seen(pool, cycle):
    return next(one.status for one in await latest_cycles(pool, 9) if one.cycle_id == cycle)


async def test_a_cycle_whose_lease_has_ended_is_seen_as_abandoned_and_marked_by_the_next(pool):
    cycle = await opened(pool)
    assert await seen(pool, cycle) == "running"
    await execute(pool, AGE, cycle)
    assert await seen(pool, cycle) == "abandoned"
    assert await fetch_value(pool, STATUS, cycle) == "running"
    await opened(pool)
    assert await fetch_value(pool, STATUS, cycle) == "abandoned"


async def test_a_workflows_cycle_has_no_lease(pool):
    cycle = await opened(pool, lease=None)
    await opened(pool)
    assert (await seen(pool, cycle), await fetch_value(pool, LEFT, cycle)) == ("running", None)


async def test_a_process_that_works_renews_its_lease_and_one_that_was_taken_for_dead_goes_on(pool):
    cycle = await opened(pool)
    await execute(pool, AGE, cycle)
    await opened(pool)
    async with renewing(pool, cycle, each=timedelta(milliseconds=5)), asyncio.timeout(60):
        while await fetch_value(pool, STATUS, cycle) != "running":
            await asyncio.sleep(0)
    assert timedelta(minutes=4) < await fetch_value(pool, LEFT, cycle) <= LEASE
    await close_cycle(pool, cycle, status="completed", totals={})
    assert await seen(pool, cycle) == "completed"


async def test_a_store_that_is_away_for_a_moment_does_not_end_the_renewing(pool):
    cycle = await opened(pool)
    await execute(pool, AGE, cycle)
    await execute(pool, "ALTER TABLE maintenance.cycles RENAME COLUMN lease_until TO away")
    async with renewing(pool, cycle, each=timedelta(milliseconds=5)), asyncio.timeout(60):
        await asyncio.sleep(0.05)
        await execute(pool, "ALTER TABLE maintenance.cycles RENAME COLUMN away TO lease_until")
        while await fetch_value(pool, LEFT, cycle) < timedelta(0):
            await asyncio.sleep(0)


async def test_a_run_has_a_lease_on_a_pool_and_none_on_a_single_connection(pool, store_url):
    await write(pool, "acme", ["a"])
    await run_maintenance(pool, Settings(_env_file=None, rae_llm_backend="extractive"))
    connection = await asyncpg.connect(store_url)
    try:
        assert lease_on(connection) is None
        await run_maintenance(connection, Settings(_env_file=None, rae_llm_backend="extractive"))
    finally:
        await connection.close()
    leased = await pool.fetch(
        "SELECT status, lease_until IS NOT NULL AS leased FROM maintenance.cycles ORDER BY started_at"
    )
    assert [tuple(row) for row in leased] == [("completed", True), ("completed", False)]

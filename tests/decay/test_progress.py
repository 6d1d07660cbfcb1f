"""As of when a tenant decays: pauses, decay that was off, older and newer runs."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from memory_maintenance.decay.policy import DecayRun
from memory_maintenance.decay.progress import gate, start
from memory_maintenance.errors import AsOfInFutureError, InvalidRequestError
from memory_maintenance.store.pool import fetch_value, transaction
from memory_maintenance.tenants.control import pause, resume
from memory_maintenance.tenants.overrides import override
from tests.decay.ten_memories import DAY, NIGHT, OTHER_TENANT, TENANT, decay_state, decaying, insert


async def test_a_run_that_is_paused_between_batches_keeps_its_counts(pool):
    await insert(pool)
    run_id = uuid4()
    await decaying(pool).decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0)
    await pause(pool, TENANT)
    paused = await decaying(pool).decay_batch(TENANT, NIGHT, run_id=run_id)
    assert (paused.status, paused.seen, paused.updated) == ("paused", 3, 3)


async def test_a_paused_tenant_is_left_alone_until_it_is_resumed(pool):
    await insert(pool)
    await pause(pool, TENANT)
    assert (await decaying(pool).decay_batch(TENANT, NIGHT)).status == "paused"
    assert (await decay_state(pool))[0][2] is None
    await resume(pool, TENANT)
    assert (await decaying(pool).decay_batch(TENANT, NIGHT)).updated == 10


async def test_a_pause_between_two_pages_stops_before_the_next(pool):
    await insert(pool)
    worker, run_id = decaying(pool), uuid4()
    first = await worker.decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0)
    async with transaction(pool) as db:
        assert not isinstance(await gate(db, TENANT, NIGHT), str)
    await pause(pool, TENANT)
    async with transaction(pool) as db:
        assert await gate(db, TENANT, NIGHT) == "paused"
    second = await worker.decay_batch(TENANT, NIGHT, run_id=run_id)
    assert (second.status, second.cursor, second.seen) == ("paused", first.cursor, 3)


async def test_an_older_run_writes_nothing_once_a_newer_one_has_started(any_pool):
    await insert(any_pool)
    worker, older = decaying(any_pool), uuid4()
    await worker.decay_batch(TENANT, NIGHT, run_id=older, seconds=0)
    await worker.decay_batch(TENANT, NIGHT + DAY)
    table = await decay_state(any_pool)
    resumed = await worker.decay_batch(TENANT, NIGHT, run_id=older)
    assert (resumed.status, resumed.updated) == ("superseded", 0)
    async with transaction(any_pool) as db:
        assert await gate(db, TENANT, NIGHT) == "superseded"
    assert await decay_state(any_pool) == table


async def test_a_newer_run_starts_only_after_the_page_in_flight(pool):
    await insert(pool)
    await start(pool, TENANT, NIGHT, uuid4())
    async with transaction(pool) as page:
        await gate(page, TENANT, NIGHT)
        newer = asyncio.create_task(start(pool, TENANT, NIGHT + DAY, uuid4()))
        done, _ = await asyncio.wait({newer}, timeout=0.1)
        assert not done
    assert isinstance((await newer).run, DecayRun)


async def test_the_as_of_of_the_stores_first_run_is_kept(pool):
    await insert(pool)
    for as_of in (NIGHT, NIGHT + DAY):
        await decaying(pool).decay_batch(TENANT, as_of)
    assert await fetch_value(pool, "SELECT adopted_at FROM maintenance.store") == NIGHT


async def test_an_as_of_ahead_of_the_databases_clock_is_refused(pool):
    await insert(pool)
    now = await fetch_value(pool, "SELECT now()")
    stats = await decaying(pool).run_decay_cycle([TENANT], as_of=now + timedelta(minutes=4))
    assert stats == {"total_tenants": 1, "total_updated": 10}
    with pytest.raises(AsOfInFutureError):
        await decaying(pool).run_decay_cycle([TENANT], as_of=now + timedelta(minutes=6))


@pytest.mark.parametrize("as_of", [NIGHT.replace(tzinfo=None), datetime.min.replace(tzinfo=UTC)])
async def test_an_as_of_that_cannot_be_meant_is_refused(as_of):
    nowhere = asyncpg.create_pool("postgresql://nobody@nowhere.invalid/x")
    with pytest.raises(InvalidRequestError, match="as_of"):
        await decaying(nowhere).run_decay_cycle([TENANT], as_of=as_of)


@pytest.mark.parametrize("whole_deployment", [True, False])
async def test_time_while_decay_was_off_does_not_count(pool, whole_deployment):
    await insert(pool)
    await decaying(pool).run_decay_cycle(as_of=NIGHT)
    table = await decay_state(pool)
    if whole_deployment:
        off = decaying(pool, memory_importance_decay_enabled=False)
    else:
        off = decaying(pool)
        await override(pool, TENANT, {"decay_enabled": False})
    for night in (1, 2):
        assert await off.run_decay_cycle(as_of=NIGHT + night * DAY) == {"total_tenants": 1, "total_updated": 0}
    await override(pool, TENANT, {"decay_enabled": None})
    back = NIGHT + 90 * DAY
    batch = await decaying(pool).decay_batch(TENANT, back)
    assert batch.rebased == 10
    assert await decay_state(pool) == [(n, was, was, back, was) for n, was, *_ in table]
    assert (await decaying(pool).decay_batch(TENANT, back)).updated == 0


async def test_a_run_from_before_decay_was_off_does_not_end_that_time(pool):
    await insert(pool)
    worker = decaying(pool)
    await worker.run_decay_cycle(as_of=NIGHT)
    await decaying(pool, memory_importance_decay_enabled=False).run_decay_cycle(as_of=NIGHT + 10 * DAY)
    batches = [await worker.decay_batch(TENANT, NIGHT + n * DAY) for n in (5, 20)]
    assert [(batch.updated, batch.rebased) for batch in batches] == [(10, 0), (10, 10)]


async def test_a_pause_is_not_off_its_time_counts(pool):
    for tenant in (TENANT, OTHER_TENANT):
        await insert(pool, tenant)
    worker = decaying(pool)
    await worker.run_decay_cycle(as_of=NIGHT)
    await pause(pool, TENANT)
    await worker.run_decay_cycle(as_of=NIGHT + 5 * DAY)
    await resume(pool, TENANT)
    assert await worker.run_decay_cycle(as_of=NIGHT + 9 * DAY) == {"total_tenants": 2, "total_updated": 20}
    assert await decay_state(pool, TENANT) == await decay_state(pool, OTHER_TENANT)

"""One batch: pages, crashes, locked rows, time-outs."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from memory_maintenance.errors import StatementTimeoutError
from memory_maintenance.store.pool import execute, fetch, fetch_row, fetch_value
from memory_maintenance.tenants.overrides import override
from tests.conftest import database_url
from tests.decay.ten_memories import DAY, INSERT, NIGHT, OTHER_TENANT, TENANT, decay_state, decaying, insert
from tests.pools import DiedError, dying, watched

REST = """
SELECT md5(string_agg((to_jsonb(m) - '{importance,base_importance,base_importance_at,decayed_importance}'::text[])::text,
                      '' ORDER BY id))
FROM memories m
"""
COMPLETED = "SELECT decay_completed_as_of FROM maintenance.tenants WHERE tenant_id = $1"
VERSIONS = "SELECT xmin::text, ctid::text FROM memories ORDER BY id"


async def test_the_first_night_decays_old_memories_by_one_day(any_pool):
    await insert(any_pool)
    batch = await decaying(any_pool).decay_batch(TENANT, NIGHT)
    assert (batch.status, batch.cursor, batch.seen, batch.updated, batch.first_seen) == ("done", None, 10, 10, 10)
    oldest = (await decay_state(any_pool))[0]
    assert oldest[1] == oldest[4] == pytest.approx(0.5 * (0.7 + 0.3 * 0.99 ** (1 + 59.5 / 30)), abs=1e-12)
    assert oldest[2:4] == (0.5, NIGHT - DAY)


async def test_twice_is_once_and_writes_no_row(any_pool):
    await insert(any_pool)
    await decaying(any_pool).decay_batch(TENANT, NIGHT)
    before = await fetch(any_pool, VERSIONS)
    batch = await decaying(any_pool).decay_batch(TENANT, NIGHT)
    assert (batch.seen, batch.updated) == (10, 0)
    assert await fetch(any_pool, VERSIONS) == before


async def test_only_its_own_rows_and_columns_move(any_pool):
    for tenant in (TENANT, OTHER_TENANT):
        await insert(any_pool, tenant)
    others, rest = await decay_state(any_pool, OTHER_TENANT), await fetch_value(any_pool, REST)
    assert (await decaying(any_pool).decay_batch(TENANT, NIGHT)).updated == 10
    assert await decay_state(any_pool, OTHER_TENANT) == others
    assert await fetch_value(any_pool, REST) == rest


@pytest.mark.parametrize("pages", [1, 2, 3, 4])
async def test_a_crash_after_any_page_changes_nothing_in_the_end(pool, pages):
    for tenant in (TENANT, OTHER_TENANT):
        await insert(pool, tenant)
    with pytest.raises(DiedError):
        await decaying(dying(pool, after=pages)).decay_batch(TENANT, NIGHT)
    again = await decaying(pool).decay_batch(TENANT, NIGHT)
    await decaying(pool).decay_batch(OTHER_TENANT, NIGHT)
    assert again.updated == max(0, 10 - 3 * pages)
    assert await decay_state(pool, TENANT) == await decay_state(pool, OTHER_TENANT)


@pytest.mark.parametrize("pages", [1, 2, 4])
async def test_a_run_counts_what_a_crashed_batch_did_before_it(pool, pages):
    await insert(pool)
    run_id = uuid4()
    with pytest.raises(DiedError):
        await decaying(dying(pool, after=pages)).decay_batch(TENANT, NIGHT, run_id=run_id)
    finished = await decaying(pool).decay_batch(TENANT, NIGHT, run_id=run_id)
    reported_again = await decaying(pool).decay_batch(TENANT, NIGHT, run_id=run_id)
    another = await decaying(pool).decay_batch(TENANT, NIGHT, run_id=uuid4())
    assert [(b.status, b.seen, b.updated) for b in (finished, reported_again, another)] == [
        ("done", 10, 10),
        ("done", 10, 10),
        ("done", 10, 0),
    ]


async def test_the_metric_counts_every_row_of_a_run_once_however_many_batches_it_takes(pool):
    await insert(pool)
    run_id, worker = uuid4(), decaying(pool, metrics_max_tenants=1000)
    before = _counted_updates()
    batch = await worker.decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0)
    while batch.status == "more":
        batch = await worker.decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0)
    await worker.decay_batch(TENANT, NIGHT, run_id=run_id)
    assert (batch.updated, _counted_updates() - before) == (10, 10)


def _counted_updates() -> float:
    return REGISTRY.get_sample_value("rae_reflective_decay_updated_total", {"tenant_id": TENANT}) or 0


async def test_a_batch_whose_time_is_up_goes_on_behind_its_cursor(pool):
    await insert(pool)
    run_id = uuid4()
    batches = [await decaying(pool).decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0)]
    while batches[-1].status == "more":
        batches.append(await decaying(pool).decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0))
    assert [batch.seen for batch in batches] == [3, 6, 9, 10]
    ids = [row["id"] for row in await fetch(pool, "SELECT id FROM memories ORDER BY id")]
    assert [batch.cursor for batch in batches] == [ids[2], ids[5], ids[8], None]
    assert await fetch_value(pool, COMPLETED, TENANT) == NIGHT


@pytest.mark.parametrize("page_size", [1, 2])
async def test_the_first_and_the_last_possible_id_decay_too(any_pool, page_size):
    ids = [UUID(int=0), UUID(int=2**128 - 1)]
    await any_pool.executemany(INSERT, [(i, TENANT, 0.5, NIGHT - DAY) for i in ids])
    assert (await decaying(any_pool, memory_decay_page_size=page_size).decay_batch(TENANT, NIGHT)).updated == 2


async def test_what_the_agent_sets_is_the_new_base_and_is_respected(pool):
    await insert(pool, rows=3)
    worker = decaying(pool)
    await worker.decay_batch(TENANT, NIGHT)
    await execute(pool, "UPDATE memories SET importance = 0.9 WHERE id = (SELECT min(id::text)::uuid FROM memories)")
    assert (await worker.decay_batch(TENANT, NIGHT + DAY)).rebased == 1
    assert (await decay_state(pool))[0][1:] == (0.9, 0.9, NIGHT + DAY, 0.9)


async def test_a_value_set_below_the_floor_is_kept_and_then_left_alone(pool):
    await insert(pool, rows=1)
    worker = decaying(pool)
    await worker.decay_batch(TENANT, NIGHT)
    await execute(pool, "UPDATE memories SET importance = 0.001")
    batches = [await worker.decay_batch(TENANT, NIGHT + n * DAY) for n in (1, 2)]
    assert [(b.rebased, b.negligible) for b in batches] == [(1, 0), (0, 1)]
    assert (await decay_state(pool))[0][1:] == (0.001, 0.001, NIGHT + DAY, 0.001)


async def test_invalid_memories_are_named_and_left_as_they_are(any_pool):
    await insert(any_pool, rows=12)
    broken = "UPDATE memories SET importance = CASE WHEN id::text < '8' THEN 'NaN'::float8 END"
    await execute(any_pool, broken)
    before = await fetch(any_pool, VERSIONS)
    with capture_logs() as logs:
        batch = await decaying(any_pool).decay_batch(TENANT, NIGHT)
    assert (batch.invalid, batch.updated, len(batch.invalid_ids)) == (12, 0, 10)
    assert await fetch(any_pool, VERSIONS) == before
    assert [log["count"] for log in logs if log["event"] == "invalid_memories_left_alone"] == [12]


async def test_memories_with_a_protected_tag_never_decay(pool):
    await insert(pool)
    await execute(pool, "UPDATE memories SET tags = '{a,keep}' WHERE importance > 0.55")
    await override(pool, TENANT, {"protected_tags": ["keep"]})
    batch = await decaying(pool).decay_batch(TENANT, NIGHT)
    assert (batch.updated, batch.protected) == (6, 4)


async def test_a_tolerance_spares_rows_that_hardly_move(pool):
    await insert(pool)
    worker = decaying(pool, memory_decay_tolerance=0.05)
    await worker.decay_batch(TENANT, NIGHT)
    assert [(await worker.decay_batch(TENANT, NIGHT + n * DAY)).updated for n in (1, 400)] == [0, 10]


async def test_an_unknown_tenant_is_refused_and_leaves_no_trace(any_pool):
    with capture_logs() as logs:
        stats = await decaying(any_pool).run_decay_cycle([TENANT], as_of=NIGHT)
    assert stats == {"total_tenants": 1, "total_updated": 0}
    assert [log["error_type"] for log in logs if log["event"] == "tenant_decay_failed"] == ["TenantNotFoundError"]
    assert await fetch_row(any_pool, "SELECT 1 FROM maintenance.tenants") is None


async def test_a_row_that_stays_locked_is_busy_and_catches_up_next_time(any_pool):
    await insert(any_pool)
    async with any_pool.acquire() as agent, agent.transaction():
        await agent.execute("UPDATE memories SET usage_count = 7 WHERE importance = 0.5")
        batch = await decaying(any_pool).decay_batch(TENANT, NIGHT)
        assert (batch.status, batch.updated, batch.busy) == ("done", 9, 1)
    assert (await decaying(any_pool).decay_batch(TENANT, NIGHT)).updated == 1
    assert await fetch_value(any_pool, "SELECT sum(usage_count) FROM memories") == 7


async def test_a_row_that_was_locked_is_written_at_the_second_look(any_pool, postgres_url):
    await insert(any_pool)
    url = database_url(postgres_url, await fetch_value(any_pool, "SELECT current_database()"))
    held, let_go = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        agent = threads.submit(asyncio.run, _access(url, held, let_go))
        await asyncio.to_thread(held.wait)

        async def let_the_agent_commit() -> None:
            let_go.set()
            await asyncio.to_thread(agent.result)

        batch = await decaying(watched(any_pool, let_the_agent_commit)).decay_batch(TENANT, NIGHT)
    assert (batch.seen, batch.updated, batch.busy) == (10, 10, 0)
    assert 0.9 in [row[2] for row in await decay_state(any_pool)]


async def _access(url: str, held: threading.Event, let_go: threading.Event) -> None:
    """Change a memory and keep its row locked until *let_go*; on a connection and an event loop of its own."""
    agent = await asyncpg.connect(url)
    async with agent.transaction():
        await agent.execute("UPDATE memories SET importance = 0.9 WHERE importance = 0.5")
        held.set()
        await asyncio.to_thread(let_go.wait, 30)
    await agent.close()


async def test_a_changed_rule_reprices_the_time_since_the_base_and_back(pool):
    await insert(pool)
    worker = decaying(pool)
    await worker.decay_batch(TENANT, NIGHT)
    table = await decay_state(pool)
    await override(pool, TENANT, {"decay_rate": 0.002, "decay_policy": "bounded"})
    assert (await worker.decay_batch(TENANT, NIGHT)).updated == 10
    await override(pool, TENANT, {"decay_rate": None, "decay_policy": None})
    await worker.decay_batch(TENANT, NIGHT)
    assert await decay_state(pool) == table


SLOW_ROWS = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END $$;
CREATE TRIGGER slowly BEFORE UPDATE ON memories FOR EACH ROW EXECUTE FUNCTION slowly()
"""


async def test_a_page_that_takes_longer_than_a_dba_allows_is_halved_until_it_fits(pool, store_url):
    await pool.executemany(INSERT, [(uuid4(), TENANT, 0.5, NIGHT - 30 * DAY) for _ in range(60)])
    await execute(pool, SLOW_ROWS.format(seconds=0.02))
    async with asyncpg.create_pool(store_url, min_size=1, server_settings={"statement_timeout": "1s"}) as theirs:
        with capture_logs() as logs:
            batch = await decaying(theirs, memory_decay_page_size=80).decay_batch(TENANT, NIGHT)
    assert (batch.status, batch.seen, batch.updated) == ("done", 60, 60)
    assert next(log["page_size"] for log in logs if log["event"] == "decay_page_halved") == 40


async def test_a_page_of_few_rows_that_still_takes_too_long_gives_up_with_the_reason(pool, store_url):
    await pool.executemany(INSERT, [(uuid4(), TENANT, 0.5, NIGHT - 30 * DAY) for _ in range(60)])
    await execute(pool, SLOW_ROWS.format(seconds=60))
    async with asyncpg.create_pool(store_url, min_size=1, server_settings={"statement_timeout": "200ms"}) as theirs:
        with pytest.raises(StatementTimeoutError, match="statement_timeout"):
            await decaying(theirs, memory_decay_page_size=40).decay_batch(TENANT, NIGHT)
    assert {row[2] for row in await decay_state(pool)} == {None}

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from memory_maintenance.decay.policy import DecayRun
from memory_maintenance.decay.progress import gate, start
from memory_maintenance.errors import AsOfInFutureError, InvalidRequestError, StatementTimeoutError
from memory_maintenance.observability.metrics import OTHER, tenant_label
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_row, fetch_value, transaction
from memory_maintenance.tenants.control import pause, resume
from memory_maintenance.tenants.overrides import override
from tests.conftest import database_url
from tests.pools import DiedError, dying, told
from tests.steps import Decaying

DAY = timedelta(days=1)
NIGHT = datetime(2024, 6, 1, 2, tzinfo=UTC)
TENANT, OTHER_TENANT = (str(UUID(int=n)) for n in (1, 2))
INSERT = "INSERT INTO memories (id, tenant_id, content, importance, created_at, last_accessed_at) VALUES ($1, $2, 'x', $3, $4, $4)"
TABLE = """
SELECT row_number() OVER (ORDER BY id) AS n, importance, base_importance, base_importance_at, decayed_importance
FROM memories WHERE tenant_id = $1
"""
REST = """
SELECT md5(string_agg((to_jsonb(m) - '{importance,base_importance,base_importance_at,decayed_importance}'::text[])::text,
                      '' ORDER BY id))
FROM memories m
"""
COMPLETED = "SELECT decay_completed_as_of FROM maintenance.tenants WHERE tenant_id = $1"
VERSIONS = "SELECT xmin::text, ctid::text FROM memories ORDER BY id"


def _settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, **{"memory_decay_page_size": 3, "memory_base_decay_rate": 0.01} | changes)


def _worker(pool: Pool, **changes: Any) -> Decaying:
    return Decaying(pool, _settings(**changes))


async def _insert(pool: Pool, tenant: str = TENANT, rows: int = 10) -> None:
    created = [NIGHT - 60 * DAY + n * 5 * DAY for n in range(rows)]
    ids = sorted(uuid4() for _ in range(rows))
    await pool.executemany(
        INSERT, [(i, tenant, 0.5 + n / 100, at) for n, (i, at) in enumerate(zip(ids, created, strict=True))]
    )


async def _table(pool: Pool, tenant: str = TENANT) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await fetch(pool, TABLE, tenant)]


async def test_the_first_night_decays_old_memories_by_one_day(any_pool):
    await _insert(any_pool)
    batch = await _worker(any_pool).decay_batch(TENANT, NIGHT)
    assert (batch.status, batch.cursor, batch.seen, batch.updated, batch.first_seen) == ("done", None, 10, 10, 10)
    oldest = (await _table(any_pool))[0]
    assert oldest[1] == oldest[4] == pytest.approx(0.5 * (0.7 + 0.3 * 0.99 ** (1 + 59.5 / 30)), abs=1e-12)
    assert oldest[2:4] == (0.5, NIGHT - DAY)


async def test_twice_is_once_and_writes_no_row(any_pool):
    await _insert(any_pool)
    await _worker(any_pool).decay_batch(TENANT, NIGHT)
    before = await fetch(any_pool, VERSIONS)
    batch = await _worker(any_pool).decay_batch(TENANT, NIGHT)
    assert (batch.seen, batch.updated) == (10, 0)
    assert await fetch(any_pool, VERSIONS) == before


async def test_only_its_own_rows_and_columns_move(any_pool):
    for tenant in (TENANT, OTHER_TENANT):
        await _insert(any_pool, tenant)
    others, rest = await _table(any_pool, OTHER_TENANT), await fetch_value(any_pool, REST)
    assert (await _worker(any_pool).decay_batch(TENANT, NIGHT)).updated == 10
    assert await _table(any_pool, OTHER_TENANT) == others
    assert await fetch_value(any_pool, REST) == rest


@pytest.mark.parametrize("pages", [1, 2, 3, 4])
async def test_a_crash_after_any_page_changes_nothing_in_the_end(pool, pages):
    for tenant in (TENANT, OTHER_TENANT):
        await _insert(pool, tenant)
    with pytest.raises(DiedError):
        await _worker(dying(pool, after=pages)).decay_batch(TENANT, NIGHT)
    again = await _worker(pool).decay_batch(TENANT, NIGHT)
    await _worker(pool).decay_batch(OTHER_TENANT, NIGHT)
    assert again.updated == max(0, 10 - 3 * pages)
    assert await _table(pool, TENANT) == await _table(pool, OTHER_TENANT)


@pytest.mark.parametrize("pages", [1, 2, 4])
async def test_a_run_counts_what_a_crashed_batch_did_before_it(pool, pages):
    await _insert(pool)
    run_id = uuid4()
    with pytest.raises(DiedError):
        await _worker(dying(pool, after=pages)).decay_batch(TENANT, NIGHT, run_id=run_id)
    finished = await _worker(pool).decay_batch(TENANT, NIGHT, run_id=run_id)
    reported_again = await _worker(pool).decay_batch(TENANT, NIGHT, run_id=run_id)
    another = await _worker(pool).decay_batch(TENANT, NIGHT, run_id=uuid4())
    assert [(b.status, b.seen, b.updated) for b in (finished, reported_again, another)] == [
        ("done", 10, 10),
        ("done", 10, 10),
        ("done", 10, 0),
    ]


async def test_the_metric_counts_every_row_of_a_run_once_however_many_batches_it_takes(pool):
    await _insert(pool)
    run_id, worker = uuid4(), _worker(pool, metrics_max_tenants=1000)
    before = _counted_updates()
    batch = await worker.decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0)
    while batch.status == "more":
        batch = await worker.decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0)
    await worker.decay_batch(TENANT, NIGHT, run_id=run_id)
    assert (batch.updated, _counted_updates() - before) == (10, 10)


def _counted_updates() -> float:
    return REGISTRY.get_sample_value("rae_reflective_decay_updated_total", {"tenant_id": TENANT}) or 0


async def test_a_run_that_is_paused_between_batches_keeps_its_counts(pool):
    await _insert(pool)
    run_id = uuid4()
    await _worker(pool).decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0)
    await pause(pool, TENANT)
    paused = await _worker(pool).decay_batch(TENANT, NIGHT, run_id=run_id)
    assert (paused.status, paused.seen, paused.updated) == ("paused", 3, 3)


async def test_a_batch_whose_time_is_up_goes_on_behind_its_cursor(pool):
    await _insert(pool)
    run_id = uuid4()
    batches = [await _worker(pool).decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0)]
    while batches[-1].status == "more":
        batches.append(await _worker(pool).decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0))
    assert [batch.seen for batch in batches] == [3, 6, 9, 10]
    ids = [row["id"] for row in await fetch(pool, "SELECT id FROM memories ORDER BY id")]
    assert [batch.cursor for batch in batches] == [ids[2], ids[5], ids[8], None]
    assert await fetch_value(pool, COMPLETED, TENANT) == NIGHT


@pytest.mark.parametrize("page_size", [1, 2])
async def test_the_first_and_the_last_possible_id_decay_too(any_pool, page_size):
    ids = [UUID(int=0), UUID(int=2**128 - 1)]
    await any_pool.executemany(INSERT, [(i, TENANT, 0.5, NIGHT - DAY) for i in ids])
    assert (await _worker(any_pool, memory_decay_page_size=page_size).decay_batch(TENANT, NIGHT)).updated == 2


async def test_what_the_agent_sets_is_the_new_base_and_is_respected(pool):
    await _insert(pool, rows=3)
    worker = _worker(pool)
    await worker.decay_batch(TENANT, NIGHT)
    await execute(pool, "UPDATE memories SET importance = 0.9 WHERE id = (SELECT min(id::text)::uuid FROM memories)")
    assert (await worker.decay_batch(TENANT, NIGHT + DAY)).rebased == 1
    assert (await _table(pool))[0][1:] == (0.9, 0.9, NIGHT + DAY, 0.9)


async def test_a_value_set_below_the_floor_is_kept_and_then_left_alone(pool):
    await _insert(pool, rows=1)
    worker = _worker(pool)
    await worker.decay_batch(TENANT, NIGHT)
    await execute(pool, "UPDATE memories SET importance = 0.001")
    batches = [await worker.decay_batch(TENANT, NIGHT + n * DAY) for n in (1, 2)]
    assert [(b.rebased, b.negligible) for b in batches] == [(1, 0), (0, 1)]
    assert (await _table(pool))[0][1:] == (0.001, 0.001, NIGHT + DAY, 0.001)


async def test_invalid_memories_are_named_and_left_as_they_are(any_pool):
    await _insert(any_pool, rows=12)
    broken = "UPDATE memories SET importance = CASE WHEN id::text < '8' THEN 'NaN'::float8 END"
    await execute(any_pool, broken)
    before = await fetch(any_pool, VERSIONS)
    with capture_logs() as logs:
        batch = await _worker(any_pool).decay_batch(TENANT, NIGHT)
    assert (batch.invalid, batch.updated, len(batch.invalid_ids)) == (12, 0, 10)
    assert await fetch(any_pool, VERSIONS) == before
    assert [log["count"] for log in logs if log["event"] == "invalid_memories_left_alone"] == [12]


async def test_memories_with_a_protected_tag_never_decay(pool):
    await _insert(pool)
    await execute(pool, "UPDATE memories SET tags = '{a,keep}' WHERE importance > 0.55")
    await override(pool, TENANT, {"protected_tags": ["keep"]})
    batch = await _worker(pool).decay_batch(TENANT, NIGHT)
    assert (batch.updated, batch.protected) == (6, 4)


async def test_a_tolerance_spares_rows_that_hardly_move(pool):
    await _insert(pool)
    worker = _worker(pool, memory_decay_tolerance=0.05)
    await worker.decay_batch(TENANT, NIGHT)
    assert [(await worker.decay_batch(TENANT, NIGHT + n * DAY)).updated for n in (1, 400)] == [0, 10]


async def test_a_paused_tenant_is_left_alone_until_it_is_resumed(pool):
    await _insert(pool)
    await pause(pool, TENANT)
    assert (await _worker(pool).decay_batch(TENANT, NIGHT)).status == "paused"
    assert (await _table(pool))[0][2] is None
    await resume(pool, TENANT)
    assert (await _worker(pool).decay_batch(TENANT, NIGHT)).updated == 10


async def test_a_pause_between_two_pages_stops_before_the_next(pool):
    await _insert(pool)
    worker, run_id = _worker(pool), uuid4()
    first = await worker.decay_batch(TENANT, NIGHT, run_id=run_id, seconds=0)
    async with transaction(pool) as db:
        assert not isinstance(await gate(db, TENANT, NIGHT), str)
    await pause(pool, TENANT)
    async with transaction(pool) as db:
        assert await gate(db, TENANT, NIGHT) == "paused"
    second = await worker.decay_batch(TENANT, NIGHT, run_id=run_id)
    assert (second.status, second.cursor, second.seen) == ("paused", first.cursor, 3)


async def test_an_older_run_writes_nothing_once_a_newer_one_has_started(any_pool):
    await _insert(any_pool)
    worker, older = _worker(any_pool), uuid4()
    await worker.decay_batch(TENANT, NIGHT, run_id=older, seconds=0)
    await worker.decay_batch(TENANT, NIGHT + DAY)
    table = await _table(any_pool)
    resumed = await worker.decay_batch(TENANT, NIGHT, run_id=older)
    assert (resumed.status, resumed.updated) == ("superseded", 0)
    async with transaction(any_pool) as db:
        assert await gate(db, TENANT, NIGHT) == "superseded"
    assert await _table(any_pool) == table


async def test_a_newer_run_starts_only_after_the_page_in_flight(pool):
    await _insert(pool)
    await start(pool, TENANT, NIGHT, uuid4())
    async with transaction(pool) as page:
        await gate(page, TENANT, NIGHT)
        newer = asyncio.create_task(start(pool, TENANT, NIGHT + DAY, uuid4()))
        done, _ = await asyncio.wait({newer}, timeout=0.1)
        assert not done
    assert isinstance((await newer).run, DecayRun)


async def test_the_as_of_of_the_stores_first_run_is_kept(pool):
    await _insert(pool)
    for as_of in (NIGHT, NIGHT + DAY):
        await _worker(pool).decay_batch(TENANT, as_of)
    assert await fetch_value(pool, "SELECT adopted_at FROM maintenance.store") == NIGHT


async def test_an_as_of_ahead_of_the_databases_clock_is_refused(pool):
    await _insert(pool)
    now = await fetch_value(pool, "SELECT now()")
    stats = await _worker(pool).run_decay_cycle([TENANT], as_of=now + timedelta(minutes=4))
    assert stats == {"total_tenants": 1, "total_updated": 10}
    with pytest.raises(AsOfInFutureError):
        await _worker(pool).run_decay_cycle([TENANT], as_of=now + timedelta(minutes=6))


@pytest.mark.parametrize("as_of", [NIGHT.replace(tzinfo=None), datetime.min.replace(tzinfo=UTC)])
async def test_an_as_of_that_cannot_be_meant_is_refused(as_of):
    nowhere = asyncpg.create_pool("postgresql://nobody@nowhere.invalid/x")
    with pytest.raises(InvalidRequestError, match="as_of"):
        await _worker(nowhere).run_decay_cycle([TENANT], as_of=as_of)


async def test_an_unknown_tenant_is_refused_and_leaves_no_trace(any_pool):
    with capture_logs() as logs:
        stats = await _worker(any_pool).run_decay_cycle([TENANT], as_of=NIGHT)
    assert stats == {"total_tenants": 1, "total_updated": 0}
    assert [log["error_type"] for log in logs if log["event"] == "tenant_decay_failed"] == ["TenantNotFoundError"]
    assert await fetch_row(any_pool, "SELECT 1 FROM maintenance.tenants") is None


async def test_a_row_that_stays_locked_is_busy_and_catches_up_next_time(any_pool):
    await _insert(any_pool)
    async with any_pool.acquire() as agent, agent.transaction():
        await agent.execute("UPDATE memories SET usage_count = 7 WHERE importance = 0.5")
        batch = await _worker(any_pool).decay_batch(TENANT, NIGHT)
        assert (batch.status, batch.updated, batch.busy) == ("done", 9, 1)
    assert (await _worker(any_pool).decay_batch(TENANT, NIGHT)).updated == 1
    assert await fetch_value(any_pool, "SELECT sum(usage_count) FROM memories") == 7


async def test_a_row_that_was_locked_is_written_at_the_second_look(any_pool, postgres_url):
    await _insert(any_pool)
    url = database_url(postgres_url, await fetch_value(any_pool, "SELECT current_database()"))
    held, let_go = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        agent = threads.submit(asyncio.run, _access(url, held, let_go))
        await asyncio.to_thread(held.wait)

        async def let_the_agent_commit() -> None:
            let_go.set()
            await asyncio.to_thread(agent.result)

        batch = await _worker(told(any_pool, let_the_agent_commit)).decay_batch(TENANT, NIGHT)
    assert (batch.seen, batch.updated, batch.busy) == (10, 10, 0)
    assert 0.9 in [row[2] for row in await _table(any_pool)]


async def _access(url: str, held: threading.Event, let_go: threading.Event) -> None:
    """Change a memory and keep its row locked until *let_go*; on a connection and an event loop of its own."""
    agent = await asyncpg.connect(url)
    async with agent.transaction():
        await agent.execute("UPDATE memories SET importance = 0.9 WHERE importance = 0.5")
        held.set()
        await asyncio.to_thread(let_go.wait, 30)
    await agent.close()


@pytest.mark.parametrize("whole_deployment", [True, False])
async def test_time_while_decay_was_off_does_not_count(pool, whole_deployment):
    await _insert(pool)
    await _worker(pool).run_decay_cycle(as_of=NIGHT)
    table = await _table(pool)
    if whole_deployment:
        off = _worker(pool, memory_importance_decay_enabled=False)
    else:
        off = _worker(pool)
        await override(pool, TENANT, {"decay_enabled": False})
    for night in (1, 2):
        assert await off.run_decay_cycle(as_of=NIGHT + night * DAY) == {"total_tenants": 1, "total_updated": 0}
    await override(pool, TENANT, {"decay_enabled": None})
    back = NIGHT + 90 * DAY
    batch = await _worker(pool).decay_batch(TENANT, back)
    assert batch.rebased == 10
    assert await _table(pool) == [(n, was, was, back, was) for n, was, *_ in table]
    assert (await _worker(pool).decay_batch(TENANT, back)).updated == 0


async def test_a_run_from_before_decay_was_off_does_not_end_that_time(pool):
    await _insert(pool)
    worker = _worker(pool)
    await worker.run_decay_cycle(as_of=NIGHT)
    await _worker(pool, memory_importance_decay_enabled=False).run_decay_cycle(as_of=NIGHT + 10 * DAY)
    batches = [await worker.decay_batch(TENANT, NIGHT + n * DAY) for n in (5, 20)]
    assert [(batch.updated, batch.rebased) for batch in batches] == [(10, 0), (10, 10)]


async def test_a_pause_is_not_off_its_time_counts(pool):
    for tenant in (TENANT, OTHER_TENANT):
        await _insert(pool, tenant)
    worker = _worker(pool)
    await worker.run_decay_cycle(as_of=NIGHT)
    await pause(pool, TENANT)
    await worker.run_decay_cycle(as_of=NIGHT + 5 * DAY)
    await resume(pool, TENANT)
    assert await worker.run_decay_cycle(as_of=NIGHT + 9 * DAY) == {"total_tenants": 2, "total_updated": 20}
    assert await _table(pool, TENANT) == await _table(pool, OTHER_TENANT)


async def test_a_changed_rule_reprices_the_time_since_the_base_and_back(pool):
    await _insert(pool)
    worker = _worker(pool)
    await worker.decay_batch(TENANT, NIGHT)
    table = await _table(pool)
    await override(pool, TENANT, {"decay_rate": 0.002, "decay_policy": "bounded"})
    assert (await worker.decay_batch(TENANT, NIGHT)).updated == 10
    await override(pool, TENANT, {"decay_rate": None, "decay_policy": None})
    await worker.decay_batch(TENANT, NIGHT)
    assert await _table(pool) == table


async def test_a_cycle_decays_every_tenant_and_says_so(any_pool):
    for tenant in (TENANT, OTHER_TENANT):
        await _insert(any_pool, tenant)
    await pause(any_pool, str(UUID(int=3)))
    with capture_logs() as logs:
        stats = await _worker(any_pool).run_decay_cycle()
    assert stats == {"total_tenants": 3, "total_updated": 20}
    events = [log["event"] for log in logs]
    assert events.count("tenant_decay_completed") == 2
    assert logs[-1]["event"] == "decay_cycle_completed"
    assert (logs[-1]["stats"], logs[-1]["total_duration_seconds"] > 0) == (stats, True)


async def test_a_failing_tenant_is_not_the_others_failure(any_pool):
    await _insert(any_pool)
    await execute(
        any_pool, """INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ($1, '{"x": 1}')""", OTHER_TENANT
    )
    with capture_logs() as logs:
        stats = await _worker(any_pool).run_decay_cycle([OTHER_TENANT, uuid4(), TENANT, TENANT])
    assert stats == {"total_tenants": 3, "total_updated": 10}
    failed = [log["error_type"] for log in logs if log["event"] == "tenant_decay_failed"]
    assert failed == ["InvalidRequestError", "TenantNotFoundError"]


async def test_decay_that_is_off_is_skipped_with_its_reason(pool):
    await _insert(pool)
    with capture_logs() as logs:
        stats = await _worker(pool, memory_importance_decay_enabled=False).run_decay_cycle()
    assert stats == {"total_tenants": 1, "total_updated": 0}
    assert [(log["event"], log["reason"]) for log in logs] == [("decay_cycle_skipped", "disabled_by_config")]


@pytest.mark.parametrize(
    "arguments",
    [
        *({"decay_rate": rate} for rate in (1.0, -0.1, float("nan"), "0.1", True)),
        {"consider_access_stats": 1},
        {"tenant_ids": "acme"},
    ],
)
async def test_an_argument_out_of_its_range_is_refused_before_the_database_is_asked(arguments):
    nowhere = asyncpg.create_pool("postgresql://nobody@nowhere.invalid/x")  # connects when it is first used
    with pytest.raises(InvalidRequestError, match=next(iter(arguments))):
        await _worker(nowhere).run_decay_cycle(**arguments)


async def test_a_tenant_that_is_paused_on_the_way_is_not_done_and_what_was_written_counts(pool):
    await _insert(pool)
    paused_on_the_way = told(pool, partial(pause, pool, TENANT))
    stats = await _worker(paused_on_the_way).run_decay_cycle(as_of=NIGHT)
    assert stats == {"total_tenants": 1, "total_updated": 3}


async def test_where_decay_is_off_a_tenant_with_an_override_decays_all_the_same(pool):
    for tenant in (TENANT, OTHER_TENANT):
        await _insert(pool, tenant)
    await override(pool, TENANT, {"decay_enabled": True})
    with capture_logs() as logs:
        stats = await _worker(pool, memory_importance_decay_enabled=False).run_decay_cycle(as_of=NIGHT)
    assert stats == {"total_tenants": 2, "total_updated": 10}
    assert [log["event"] for log in logs] == ["decay_cycle_skipped", "tenant_decay_completed", "decay_cycle_completed"]


@pytest.mark.parametrize("paused", [False, True])
async def test_a_tenant_that_is_left_out_is_said_to_be_with_the_reason(pool, paused):
    await _insert(pool)
    await (pause(pool, TENANT) if paused else override(pool, TENANT, {"decay_enabled": False}))
    with capture_logs() as logs:
        assert await _worker(pool).run_decay_cycle(as_of=NIGHT) == {"total_tenants": 1, "total_updated": 0}
    skipped = [log["reason"] for log in logs if log["event"] == "tenant_decay_skipped"]
    assert skipped == ["paused" if paused else "disabled_by_config"]


async def test_explicit_arguments_hold_for_one_call_and_are_logged_as_differing(pool):
    await _insert(pool)
    worker = _worker(pool)
    await worker.run_decay_cycle(as_of=NIGHT)
    table = await _table(pool)
    with capture_logs() as logs:
        await worker.run_decay_cycle(decay_rate=0.2, consider_access_stats=False, as_of=NIGHT)
    assert (await _table(pool))[0][1] == pytest.approx(0.5 * (0.7 + 0.3 * 0.8))
    differing = [log for log in logs if log["event"] == "decay_arguments_differ_from_rule"]
    assert [(log["decay_rate"], log["rule_decay_rate"]) for log in differing] == [(0.2, 0.01)]
    await worker.run_decay_cycle(as_of=NIGHT)
    assert await _table(pool) == table


async def test_a_pool_that_the_caller_opened_will_do(store_url):
    async with asyncpg.create_pool(store_url, min_size=1, max_size=2) as plain:
        await _insert(plain)
        await override_as_text(plain)
        assert await _worker(plain).run_decay_cycle(as_of=NIGHT) == {"total_tenants": 1, "total_updated": 10}


@pytest.mark.parametrize("pages", [1, 3])
async def test_a_pool_that_the_caller_opened_goes_on_after_a_crash(store_url, pages):
    run_id = uuid4()
    async with asyncpg.create_pool(store_url, min_size=1, max_size=2) as plain:
        await _insert(plain)
        with pytest.raises(DiedError):
            await _worker(dying(plain, after=pages)).decay_batch(TENANT, NIGHT, run_id=run_id)
        batch = await _worker(plain).decay_batch(TENANT, NIGHT, run_id=run_id)
    assert (batch.status, batch.seen, batch.updated) == ("done", 10, 10)


async def override_as_text(pool: Pool) -> None:
    sql = """INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ($1, '{"decay_rate": 0.002}')"""
    await execute(pool, sql, TENANT)


async def test_updates_and_seconds_are_counted_by_tenant(pool):
    await _insert(pool)
    labels = {"tenant_id": TENANT}
    before = REGISTRY.get_sample_value("rae_reflective_decay_updated_total", labels) or 0
    await _worker(pool, metrics_max_tenants=1000).decay_batch(TENANT, NIGHT)
    assert REGISTRY.get_sample_value("rae_reflective_decay_updated_total", labels) == before + 10
    assert REGISTRY.get_sample_value("rae_reflective_decay_duration_seconds_count", labels)


def test_tenants_beyond_the_bound_share_a_label():
    assert tenant_label("the first", 1000) == "the first"
    assert tenant_label("one too many", 0) == OTHER
    assert tenant_label("the first", 0) == "the first"


SLOW_ROWS = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END $$;
CREATE TRIGGER slowly BEFORE UPDATE ON memories FOR EACH ROW EXECUTE FUNCTION slowly()
"""


async def test_a_page_that_takes_longer_than_a_dba_allows_is_halved_until_it_fits(pool, store_url):
    await pool.executemany(INSERT, [(uuid4(), TENANT, 0.5, NIGHT - 30 * DAY) for _ in range(60)])
    await execute(pool, SLOW_ROWS.format(seconds=0.02))
    async with asyncpg.create_pool(store_url, min_size=1, server_settings={"statement_timeout": "1s"}) as theirs:
        with capture_logs() as logs:
            batch = await _worker(theirs, memory_decay_page_size=80).decay_batch(TENANT, NIGHT)
    assert (batch.status, batch.seen, batch.updated) == ("done", 60, 60)
    assert next(log["page_size"] for log in logs if log["event"] == "decay_page_halved") == 40


async def test_a_page_of_few_rows_that_still_takes_too_long_gives_up_with_the_reason(pool, store_url):
    await pool.executemany(INSERT, [(uuid4(), TENANT, 0.5, NIGHT - 30 * DAY) for _ in range(60)])
    await execute(pool, SLOW_ROWS.format(seconds=60))
    async with asyncpg.create_pool(store_url, min_size=1, server_settings={"statement_timeout": "200ms"}) as theirs:
        with pytest.raises(StatementTimeoutError, match="statement_timeout"):
            await _worker(theirs, memory_decay_page_size=40).decay_batch(TENANT, NIGHT)
    assert {row[2] for row in await _table(pool)} == {None}

"""The task: what falls out leaves in short transactions, each with its audit row, and nothing else does."""

from typing import Any

import asyncpg
import pytest

from memory_maintenance.cycles.planner import Planner
from memory_maintenance.errors import StoreShapeError
from memory_maintenance.expiry import batch, task
from memory_maintenance.expiry.rule import expiry_rule
from memory_maintenance.expiry.task import Expiry
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import fetch, fetch_row, fetch_value
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import Tenant, pause
from memory_maintenance.tenants.overrides import override
from tests.expiry.conftest import DAY, NIGHT, OTHER, TENANT, a_run, expire, left, named, remember, settings_of
from tests.pools import DiedError, dying, watched
from tests.store.partitioned import partitioned_table

PAST = NIGHT - DAY


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(batch, "PAGE", 2)
    for module in (batch, task):
        monkeypatch.setattr(module, "BATCH", 4)


async def test_what_has_expired_is_archived_and_nothing_else(any_pool):
    expired = {await remember(any_pool, expires_at=PAST) for _ in range(3)}
    stays = {
        await remember(any_pool),
        await remember(any_pool, expires_at=NIGHT + DAY),
        await remember(any_pool, expires_at=PAST, tags=["pinned"]),
    }
    other = await remember(any_pool, OTHER, expires_at=PAST)

    assert (await expire(any_pool)).of("archived") == 3
    assert (await left(any_pool), await left(any_pool, OTHER)) == (stays, {other})
    assert await named(any_pool, "archived") == expired
    [row] = await fetch(
        any_pool, "SELECT tenant_id, reasons::text, as_of, only_source_of FROM maintenance.expiry_batches"
    )
    assert tuple(row) == (TENANT, '{"expired": 3}', NIGHT, [])
    assert not await expire(any_pool)


async def test_deleting_waits_for_the_grace_and_leaves_an_audit_row(pool):
    soon, late = await remember(pool, expires_at=PAST), await remember(pool, expires_at=NIGHT - 31 * DAY)
    assert (await expire(pool, memory_expiry="delete")).of("deleted", "archived") == 1
    assert (await left(pool), await named(pool, "deleted")) == ({soon}, {late})
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.archive") == 0


async def test_each_project_keeps_its_most_important_memories_and_what_is_pinned(pool):
    kept = {await remember(pool, importance=0.9 - n / 10, project="harbour") for n in range(2)}
    kept |= {await remember(pool, importance=0.1, project="rail"), await remember(pool, importance=0, tags=["pinned"])}
    kept |= {await remember(pool, importance=0, project="harbour", source="summarization_worker")}
    out = {await remember(pool, importance=0.7 - n / 10, project="harbour") for n in range(3)}
    counts = await expire(pool, memory_expiry="off", memory_expiry_keep_per_project=2)
    assert (counts.of("archived"), await left(pool), await named(pool, "archived")) == (3, kept, out)
    assert not await expire(pool, memory_expiry="off", memory_expiry_keep_per_project=2)


async def test_a_budget_counts_a_text_in_parts_as_one_memory(rae_pool):
    whole = {await remember(rae_pool, importance=0.8) for _ in range(3)} | {await remember(rae_pool, importance=0.7)}
    chunks = {"is_chunk": True, "parent_id": "long"}
    await rae_pool.execute("UPDATE memories SET metadata = $1 WHERE importance = 0.8", chunks)
    out = await remember(rae_pool, importance=0.6)
    assert (await expire(rae_pool, memory_expiry="off", memory_expiry_keep_per_project=2)).of("archived") == 1
    assert (await left(rae_pool), await named(rae_pool, "archived")) == (whole, {out})


async def test_a_tenant_has_a_retention_of_its_own(pool):
    old = await remember(pool, created_at=NIGHT - 40 * DAY)
    other = await remember(pool, OTHER, created_at=NIGHT - 40 * DAY)
    await override(pool, TENANT, {"retention_days": 30, "retention_action": "delete"})
    assert (await expire(pool, memory_expiry="off")).of("deleted") == 1
    assert (await expire(pool, tenant=OTHER, memory_expiry="off")).reasons == {"disabled_by_config": 1}
    assert (await left(pool), await left(pool, OTHER), await named(pool, "deleted")) == (set(), {other}, {old})


@pytest.mark.usefixtures("small_pages")
async def test_an_agent_that_writes_meanwhile_wins(pool):
    ids = sorted([await remember(pool, expires_at=PAST) for _ in range(4)])

    async def extend():
        await pool.execute("UPDATE memories SET expires_at = $2 WHERE id = $1", ids[3], NIGHT + DAY)

    # After the first page, before the second: the last one has a new end by then.
    counts = await expire(watched(pool, extend))
    assert (counts.of("archived"), counts.of("busy"), await left(pool)) == (3, 1, {ids[3]})


async def test_a_memory_that_an_agent_holds_is_left_to_the_next_night(pool):
    ids = sorted([await remember(pool, expires_at=PAST) for _ in range(3)])
    async with pool.acquire() as agent, agent.transaction():
        await agent.execute("UPDATE memories SET content = 'New.' WHERE id = $1", ids[1])
        counts = await expire(pool)
        assert (counts.of("archived"), counts.of("busy")) == (2, 1)
    assert (await expire(pool)).of("archived") == 1


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("after", [1, 2, 3])
async def test_a_batch_that_is_killed_repeats_safely_and_counts_all_it_did(pool, after):
    ids = {await remember(pool, expires_at=PAST) for _ in range(7)}
    run = a_run()
    with pytest.raises(DiedError):
        await expire(dying(pool, after=after), run)
    assert await left(pool) | await named(pool, "archived") == ids
    assert (await expire(pool, run)).of("archived") == 7
    assert await left(pool) == set()
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.archive") == 7


async def test_a_derived_memory_that_loses_its_last_source_is_named(pool):
    gone, stays = await remember(pool, expires_at=PAST), await remember(pool)
    alone, shared = [await remember(pool, source="summarization_worker") for _ in range(2)]
    lineage = "INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task) VALUES ($1, $2, $3, 'dreaming')"
    for derived, source in ((alone, gone), (shared, gone), (shared, stays)):
        await pool.execute(lineage, TENANT, derived, source)
    assert (await expire(pool)).reasons == {"only_source_removed": 1}
    assert await fetch_value(pool, "SELECT only_source_of FROM maintenance.expiry_batches") == [alone]


async def test_the_archive_is_purged_after_its_days_with_an_audit_row(pool):
    memory = await remember(pool, expires_at=PAST)
    await remember(pool)
    await expire(pool)
    assert not await expire(pool, a_run(NIGHT + 89 * DAY))
    assert (await expire(pool, a_run(NIGHT + 90 * DAY))).of("purged") == 1
    assert await named(pool, "purged") == {memory}
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.archive") == 0


@pytest.mark.usefixtures("small_pages")
async def test_a_dry_run_counts_the_same_and_writes_nothing(pool):
    ids = {await remember(pool, expires_at=PAST) for _ in range(5)} | {
        await remember(pool, importance=0.1) for _ in range(3)
    }
    chosen: dict[str, Any] = {"memory_expiry_keep_per_project": 1, "memory_expiry_retention_action": "delete"}
    foreseen = await expire(pool, a_run(dry_run=True), **chosen)
    assert await left(pool) == ids
    done = await expire(pool, **chosen)
    assert (foreseen.of("archived"), foreseen.of("deleted")) == (done.of("archived"), done.of("deleted")) == (5, 2)


async def test_a_paused_tenant_loses_nothing(pool):
    memory = await remember(pool, expires_at=PAST)
    await pause(pool, TENANT)
    assert not await expire(pool)
    assert await left(pool) == {memory}


async def test_planning_names_tenants_with_something_to_take_out(pool):
    await remember(pool, expires_at=PAST)
    await remember(pool, OTHER, importance=0.1)
    await remember(pool, OTHER, importance=0.2)
    await remember(pool, "idle")
    await override(pool, OTHER, {"keep_per_project": 1})
    settings = settings_of()
    page = await Planner(pool, settings, [Expiry(Tools(pool, settings))]).plan_page(a_run())
    assert {plan.tenant_id: (plan.units, plan.bulk) for plan in page.plans} == {
        TENANT: ({"expiry": 1}, True),
        OTHER: ({"expiry": 1}, True),
    }


MANY = "INSERT INTO memories (tenant_id, content) SELECT $1, 'x' FROM generate_series(1, 20000)"
READ = "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables WHERE relname = 'memories'"


async def test_without_retention_only_memories_with_an_end_are_read(pool):
    await remember(pool, expires_at=PAST)
    await pool.execute(MANY, TENANT)
    await pool.execute("ANALYZE memories")
    settings = settings_of()
    async with pool.acquire() as connection, connection.transaction():
        planned = await Expiry(Tools(connection, settings)).plan([Tenant(TENANT, settings)], a_run())
        [due] = await batch.ExpiryBatch(connection, TENANT, a_run(), expiry_rule(settings)).due(None)
        assert (len(planned), due.reason, await fetch_value(connection, READ) < 10) == (1, "expired", True)


async def test_rows_of_a_partitioned_table_leave_and_so_do_those_of_a_plain_pool(store_url):
    plain = await asyncpg.create_pool(store_url, min_size=1, max_size=2)
    await plain.execute(f"DROP TABLE memories; {partitioned_table()}")
    await migrate(store_url)
    ids = {await remember(plain, tenant, expires_at=PAST) for tenant in (TENANT, TENANT, OTHER)}
    for tenant in (TENANT, OTHER):
        await expire(plain, tenant=tenant)
    assert (await left(plain), await left(plain, OTHER), await named(plain, "archived")) == (set(), set(), ids)
    await plain.close()


async def test_a_trigger_that_keeps_rows_fails_the_page_as_a_whole(pool):
    memory = await remember(pool, expires_at=PAST)
    await pool.execute("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    await pool.execute("CREATE TRIGGER keep BEFORE DELETE ON memories FOR EACH ROW EXECUTE FUNCTION keep()")
    with pytest.raises(StoreShapeError, match="keeps rows from being deleted"):
        await expire(pool)
    assert (await left(pool), await named(pool, "archived")) == ({memory}, set())
    assert await fetch_row(pool, "SELECT FROM maintenance.archive") is None

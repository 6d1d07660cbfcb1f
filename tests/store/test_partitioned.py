"""A table of memories that Postgres partitions by tenant is one table to everything here."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from memory_maintenance.cycles.importance import SHARE
from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.decay.restore import restore_memories, restore_tenant
from memory_maintenance.inspection.decay import explain_decay
from memory_maintenance.inspection.derived import written_memories
from memory_maintenance.inspection.store_health import store_checks
from memory_maintenance.settings import Settings
from memory_maintenance.store.importing import import_memories
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value, open_pool, transaction
from memory_maintenance.store.schema import INDEXES, PARTS_INDEXES
from memory_maintenance.writers.model.set_aside import SET_ASIDE, Unit, all_set_aside, requeue
from tests.agents import AS_OF, talk, write
from tests.conftest import NIGHTS_OF_THE_PAST, _run_on_server, a_pool
from tests.inspection.conftest import SAMPLES
from tests.steps import Decaying
from tests.store.partitioned import HASHED, LISTED, partitioned_table

DAY = timedelta(days=1)
ROWS = """
SELECT tenant_id, content, importance, base_importance, base_importance_at, decayed_importance
FROM memories ORDER BY tenant_id, id
"""
VALID = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = 'memories'::regclass AND i.indisvalid
"""
UNATTACHED = (
    "SELECT count(*) FROM pg_class WHERE relname LIKE 'memories_maintenance%' AND NOT relispartition AND relkind = 'i'"
)


FORGED = """
INSERT INTO memories (id, tenant_id, content, source, layer, metadata)
VALUES ($1, 'stranger', 'a forgery', 'reflection_engine_v2', 'reflective', '{"text_sha256": "0"}')
"""
COUNTED = """
INSERT INTO maintenance.set_aside (kind, tenant_id, project, name, failures, last_round, reason)
VALUES ($1, $2, $3, $4, 1, 'r', 'repeats')
"""
DERIVED = """
WITH derived AS (
    INSERT INTO memories (id, tenant_id, content, source, layer)
    VALUES ($2, $1, 'derived', 'reflection_engine_v2', 'reflective')
)
INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task) VALUES ($1, $2, $3, 'dreaming')
"""


async def _partition(url: str, by: str) -> None:
    await _run_on_server(url, partitioned_table(by))
    await migrate(url)
    await _run_on_server(url, NIGHTS_OF_THE_PAST)


@pytest.fixture(params=[HASHED, LISTED], ids=["hash", "list"])
async def parts_url(request: pytest.FixtureRequest, empty_url: str) -> str:
    await _partition(empty_url, request.param)
    return empty_url


@pytest.fixture
async def parts(parts_url: str) -> AsyncIterator[Pool]:
    async with a_pool(parts_url, size=4) as pool:
        yield pool


async def _write(pool: Pool) -> None:
    """Write the same memories with the same ids for some tenants, so that a ctid names rows of several parts."""
    await execute(
        pool,
        """
        INSERT INTO memories (id, tenant_id, content, importance, created_at, last_accessed_at)
        SELECT md5(n::text)::uuid, tenant, n::text, 0.3 + n / 200.0, $1::timestamptz - n * interval '1 day', NULL
        FROM unnest('{acme,bolt,cold,dusk}'::text[]) AS tenant, generate_series(1, 100) AS n
        """,
        AS_OF,
    )


def _decaying(pool: Pool, **chosen: object) -> Decaying:
    return Decaying(pool, Settings.model_validate({"memory_decay_page_size": 30, **chosen}))


async def test_decay_leaves_what_it_leaves_in_a_plain_table(parts, pool):
    stores = []
    for own in (parts, pool):
        if own is pool:  # the same ids cannot be there twice
            await execute(pool, "ALTER TABLE memories DROP CONSTRAINT memories_pkey, ADD PRIMARY KEY (tenant_id, id)")
        await _write(own)
        counts = [
            await _decaying(own).decay_batch(tenant, AS_OF + night * DAY)
            for night in (0, 30)
            for tenant in ("acme", "bolt", "cold", "dusk")
        ]
        assert {(batch.seen, batch.updated, batch.busy) for batch in counts} == {(100, 100, 0)}
        stores.append([tuple(row) for row in await fetch(own, ROWS)])
    assert stores[0] == stores[1]


async def test_a_sample_is_a_share_of_all_parts(parts):
    await _write(parts)
    await execute(parts, "ANALYZE memories")
    assert [await fetch_value(parts, SHARE, memories) for memories in (100, 1_000)] == [25, 100]


async def test_twice_is_once_and_each_tenant_is_written_alone(parts):
    await _write(parts)
    await _decaying(parts).decay_batch("acme", AS_OF)
    assert await fetch_value(parts, "SELECT count(*) FROM memories WHERE base_importance IS NOT NULL") == 100
    assert (await _decaying(parts).decay_batch("acme", AS_OF)).updated == 0


async def test_a_row_that_an_agent_holds_is_left_and_written_at_the_second_look(parts):
    await _write(parts)
    held = await fetch_value(parts, "SELECT id FROM memories WHERE tenant_id = 'acme' ORDER BY id OFFSET 10 LIMIT 1")
    async with transaction(parts) as agent:
        await execute(agent, "SELECT FROM memories WHERE tenant_id = 'acme' AND id = $1 FOR UPDATE", held)
        batch = await _decaying(parts).decay_batch("acme", AS_OF)
        assert (batch.updated, batch.busy) == (99, 1)
        # The same id, and perhaps the same ctid, of another tenant is not held.
        assert (await _decaying(parts).decay_batch("bolt", AS_OF)).updated == 100
    assert (await _decaying(parts).decay_batch("acme", AS_OF)).updated == 1


async def test_restore_puts_back_one_tenant_or_every_memory_of_an_id(parts):
    await _write(parts)
    for night in (0, 30):
        for tenant in ("acme", "bolt"):
            await _decaying(parts).decay_batch(tenant, AS_OF + night * DAY)
    assert (await restore_tenant(parts, "acme", at=AS_OF + 31 * DAY)).restored == 100
    assert await fetch_value(parts, "SELECT count(*) FROM memories WHERE importance = base_importance") == 100
    one = UUID(await fetch_value(parts, "SELECT md5('7')::text"))
    again = await restore_memories(parts, [one], at=AS_OF + 32 * DAY)
    assert (again.restored, again.renewed, again.left) == (1, 1, 2)


async def test_only_the_part_of_the_tenant_is_looked_at(parts_url, parts):
    await _write(parts)
    await execute(parts, "SELECT pg_stat_reset()")
    await _decaying(parts).decay_batch("acme", AS_OF)
    own = await fetch_value(parts, "SELECT tableoid::regclass::text FROM memories WHERE tenant_id = 'acme' LIMIT 1")
    await parts.close()  # a backend reports at the latest when it ends
    connection = await asyncpg.connect(parts_url)
    while not await connection.fetchval("SELECT sum(n_tup_upd) = 100 FROM pg_stat_user_tables WHERE relname = $1", own):
        await connection.execute("SELECT pg_stat_clear_snapshot()")
    others = "SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0) FROM pg_stat_user_tables WHERE relname ~ '^memories_' AND relname <> $1"
    assert await connection.fetchval(others, own) == 0
    await connection.close()


async def test_a_whole_night_is_what_it_is_in_a_plain_table(parts, pool):
    did = []
    for own in (parts, pool):
        with SAMPLES.open("rb") as lines:
            await import_memories(own, lines, now=AS_OF)
        stats = await run_maintenance(own, Settings(_env_file=None), as_of=AS_OF)
        did.append({task: stats[task] for task in ("decay", "summarization", "dreaming")})
        again = await run_maintenance(own, Settings(_env_file=None), as_of=AS_OF)
        assert again["summarization"]["stored"] == 0
    assert did[0] == did[1]
    assert did[0]["summarization"]["stored"] > 0


async def test_an_import_is_safe_to_repeat(parts):
    counts = []
    for _ in range(2):
        with SAMPLES.open("rb") as lines:
            await import_memories(parts, lines, now=AS_OF)
        counts.append(await fetch_value(parts, "SELECT count(*) FROM memories"))
    assert counts[0] == counts[1] > 0


async def test_an_import_adopts_what_it_added_and_no_other_tenants_memory_of_the_same_id(parts):
    shared = uuid4()
    derived = {"id": str(shared), "content": "ours", "source": "reflection_engine_v2", "layer": "reflective"}
    await execute(parts, FORGED, shared)
    line = derived | {"tenant_id": "acme", "project": "shop", "metadata": {"text_sha256": "0" * 64}}
    await import_memories(parts, [json.dumps(line)], now=AS_OF)
    assert [tuple(row) for row in await fetch(parts, "SELECT tenant_id, derived_id FROM maintenance.lineage")] == [
        ("acme", shared)
    ]


async def test_a_memory_of_one_tenant_is_set_aside_beside_another_tenants_of_the_same_id(parts):
    shared = uuid4()
    for tenant in ("acme", "bolt"):
        unit = Unit("memory", tenant, "shop", str(shared), "s1")
        await execute(parts, COUNTED, *unit.key)
        await execute(parts, SET_ASIDE, *unit.key, [shared])
    assert {(one.tenant_id, one.memories) for one in await all_set_aside(parts)} == {("acme", 1), ("bolt", 1)}
    await requeue(parts, "acme")
    assert {(one.tenant_id, one.memories) for one in await all_set_aside(parts)} == {("bolt", 1)}


async def test_a_derived_memory_shows_the_sources_of_its_own_tenant(parts):
    shared = uuid4()
    for tenant in ("acme", "bolt"):
        [source] = await write(parts, tenant, talk(1))
        await execute(parts, DERIVED, tenant, shared, source)
    [acme], [bolt] = [await written_memories(parts, [tenant], ["reflection_engine_v2"]) for tenant in ("acme", "bolt")]
    assert (len(acme.sources), len(bolt.sources)) == (1, 1)
    assert acme.sources[0].id != bolt.sources[0].id


async def test_explain_and_doctor_know_such_a_store(parts):
    ids = await write(parts, "acme", talk(3), importance=0.8)
    assert [why.memory_id for why in await explain_decay(parts, Settings(_env_file=None), ids, as_of=AS_OF)] == ids
    assert {
        check.name: check.level for check in await store_checks(parts, Settings(_env_file=None)) if check.level != "ok"
    } == {}


async def test_migrate_builds_every_index_and_a_later_part_has_them(parts_url, parts):
    assert {row[0] for row in await fetch(parts, VALID)} == {"memories_pkey", *INDEXES, *PARTS_INDEXES}
    assert await fetch_value(parts, UNATTACHED) == 0
    await migrate(parts_url)
    assert await fetch_value(parts, UNATTACHED) == 0


async def test_a_migration_that_was_killed_over_the_parts_is_finished(empty_url):
    await _partition(url := empty_url, HASHED)
    left = ", ".join(INDEXES)
    await _run_on_server(url, f"DROP INDEX {left}")
    connection = await asyncpg.connect(url)
    oid = await connection.fetchval("SELECT 'memories_1'::regclass::oid::text")
    await connection.execute(f"CREATE INDEX memories_maintenance_tenant_idx_{oid} ON memories_1 (tenant_id, id)")
    await connection.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = $1::text::regclass",
        f"memories_maintenance_tenant_idx_{oid}",
    )
    await connection.execute("CREATE INDEX memories_maintenance_session_idx ON ONLY memories (tenant_id, session_id)")
    await migrate(url)
    assert {row[0] for row in await connection.fetch(VALID)} == {"memories_pkey", *INDEXES, *PARTS_INDEXES}
    assert await connection.fetchval(UNATTACHED) == 0
    await connection.close()


async def test_agents_write_while_the_parts_are_indexed(empty_url):
    await _partition(url := empty_url, HASHED)
    pool = await open_pool(url, size=3, timeout_seconds=30)
    await _write(pool)
    await _run_on_server(url, f"DROP INDEX {', '.join(INDEXES)}")
    migrating = asyncio.create_task(migrate(url))
    written = 0
    while not migrating.done():
        written += await execute(pool, "UPDATE memories SET usage_count = usage_count + 1 WHERE tenant_id = 'acme'")
    await migrating
    assert written >= 100
    assert {row[0] for row in await fetch(pool, VALID)} == {"memories_pkey", *INDEXES, *PARTS_INDEXES}
    await pool.close()

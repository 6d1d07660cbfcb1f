"""The archive: a row comes back to the last bit, with what belongs to it, and stays."""

import json
from uuid import UUID

import pytest

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.expiry.archive import audit_rows, purge_archive, unarchive
from memory_maintenance.store.pool import execute, fetch, fetch_value
from tests.expiry.conftest import DAY, NIGHT, OTHER, TENANT, a_run, expire, left, named, remember, settings_of
from tests.pools import DiedError, dying

PAST = NIGHT - DAY

ODD = """
ALTER TABLE memories
    ADD single real, ADD exact numeric, ADD bytes bytea, ADD spans interval, ADD letters char(5), ADD "Two ""words" json,
    ADD grid integer[][], ADD bounds int4range, ADD serial bigint GENERATED ALWAYS AS IDENTITY,
    ADD size integer GENERATED ALWAYS AS (length(content)) STORED;
UPDATE memories SET
    importance = 0.1 + 0.2, single = 1.1::real, exact = 1.500, bytes = '\\x00ff', spans = '1 mon 2 days 03:04:05.000006',
    letters = 'ab', "Two ""words" = '{"b": 1,  "a": 2, "b": 3}', grid = '{{1,2},{3,NULL}}', bounds = '[1,5)',
    tags = ARRAY['a b', 'c,"d', '', NULL], content = E'tab\\tand "quotes" \\\\ and ✓ ' || chr(127),
    metadata = CASE WHEN project = 'null' THEN 'null'::jsonb WHEN project = 'none' THEN NULL
                    ELSE '{"n": 1.10, "deep": [null, "x"]}' END,
    created_at = CASE WHEN project = 'null' THEN '-infinity' ELSE '0044-03-15 12:00:00.123456 BC'::timestamptz END,
    base_importance = 'NaN', decayed_importance = '-Infinity', source = NULL
"""

ROWS = """
SELECT m::text AS row,
       (SELECT string_agg(e::text, '|' ORDER BY e.id) FROM memory_embeddings e WHERE e.memory_id = m.id) AS attached
FROM memories m ORDER BY id
"""
PLAIN_ROWS = "SELECT m::text AS row FROM memories m ORDER BY id"


async def test_a_row_of_any_types_comes_back_to_the_last_bit(pool):
    for project in ("null", "none", "some"):
        await remember(pool, project=project, expires_at=PAST)
    await pool.execute(ODD)
    before = [tuple(row) for row in await fetch(pool, PLAIN_ROWS)]
    assert (await expire(pool)).of("archived") == 3
    assert (await unarchive(pool, tenant_id=TENANT)).restored == 3
    assert [tuple(row) for row in await fetch(pool, PLAIN_ROWS)] == before


async def test_embeddings_go_and_come_back_with_their_memory(rae_pool):
    memory, stays = await remember(rae_pool, expires_at=PAST), await remember(rae_pool)
    vectors = """
    INSERT INTO memory_embeddings (memory_id, model_name, embedding, metadata)
    SELECT m, name, '[0.1,-1e-7,3.4028235e+38]', NULL FROM unnest($1::uuid[]) m, unnest('{small,large}'::text[]) name
    """
    await execute(rae_pool, vectors, [memory, stays])
    await rae_pool.execute("UPDATE memories SET embedding = '[1.1,2.2]', governance = '{\"a\": null}'")
    before = [tuple(row) for row in await fetch(rae_pool, ROWS)]
    await expire(rae_pool)
    assert await fetch_value(rae_pool, "SELECT count(*) FROM memory_embeddings") == 2
    await unarchive(rae_pool, memory_ids=[memory])
    assert [tuple(row) for row in await fetch(rae_pool, ROWS)] == before


async def test_embeddings_without_a_foreign_key_go_and_come_back_too(pool):
    memory, stays = await remember(pool, expires_at=PAST), await remember(pool)
    await pool.execute("CREATE TABLE memory_embeddings (id serial, memory_id uuid, model_name text, embedding real[])")
    await pool.execute(
        "INSERT INTO memory_embeddings (memory_id, embedding) VALUES ($1, '{1.1}'), ($2, '{2}')", memory, stays
    )
    before = [tuple(row) for row in await fetch(pool, ROWS)]
    await expire(pool)
    assert await fetch_value(pool, "SELECT count(*) FROM memory_embeddings") == 1
    await unarchive(pool, memory_ids=[memory])
    assert [tuple(row) for row in await fetch(pool, ROWS)] == before


async def test_what_is_brought_back_stays(pool):
    memory = await remember(pool, expires_at=PAST, created_at=NIGHT - 900 * DAY)
    await expire(pool)
    await unarchive(pool, memory_ids=[memory], by="ana", reason="still needed")
    assert not await expire(pool, memory_expiry_retention_days=30, memory_expiry_keep_per_project=1)
    assert await left(pool) == {memory}
    newest = (await audit_rows(pool))[0]
    assert (newest.action, newest.ordered_by, newest.order_reason) == ("restored", "ana", "still needed")


async def test_a_batch_or_a_tenant_is_restored_without_the_others(pool):
    first, second = await remember(pool, expires_at=PAST), await remember(pool, expires_at=NIGHT)
    other = await remember(pool, OTHER, expires_at=PAST)
    await expire(pool, a_run(PAST))
    await expire(pool)
    await expire(pool, tenant=OTHER)
    batches = {one.memories[0]: one.batch_id for one in await audit_rows(pool)}
    assert (await unarchive(pool, batch_id=batches[second])).restored == 1
    assert (await left(pool), await left(pool, OTHER)) == ({second}, set())
    assert (await unarchive(pool, tenant_id=TENANT, dry_run=True)).restored == 1
    assert (await unarchive(pool, tenant_id=TENANT)).restored == 1
    assert (await left(pool), await left(pool, OTHER)) == ({first, second}, set())
    assert (await unarchive(pool, memory_ids=[other, first])).restored == 1


async def test_a_memory_whose_id_is_taken_stays_in_the_archive(pool):
    memory = await remember(pool, expires_at=PAST)
    await expire(pool)
    await remember(pool, id=memory, content="The agent has stored it again.")
    result = await unarchive(pool, memory_ids=[memory])
    assert (result.restored, result.left) == (0, 1)
    assert await fetch_value(pool, "SELECT content FROM memories") == "The agent has stored it again."
    assert (await audit_rows(pool))[0].in_archive == 1


async def test_a_column_that_was_added_since_has_its_default(pool):
    await remember(pool, expires_at=PAST)
    await expire(pool)
    await pool.execute("ALTER TABLE memories ADD label text DEFAULT 'new'")
    await unarchive(pool, tenant_id=TENANT)
    assert await fetch_value(pool, "SELECT label FROM memories") == "new"


async def test_restoring_that_is_killed_is_finished_by_the_next_call(pool, monkeypatch):
    monkeypatch.setattr("memory_maintenance.expiry.archive.PAGE", 2)
    ids = {await remember(pool, expires_at=PAST) for _ in range(5)}
    await expire(pool)
    with pytest.raises(DiedError):
        await unarchive(dying(pool, after=2), tenant_id=TENANT)
    assert len(await left(pool)) == 4
    await unarchive(pool, tenant_id=TENANT)
    assert (await left(pool), await named(pool, "restored")) == (ids, ids)


async def test_purging_reaches_a_tenant_that_has_no_memory_left(pool):
    await remember(pool, expires_at=PAST)
    await expire(pool, a_run(NIGHT - 400 * DAY), memory_expiry_retention_days=0)
    await pool.execute("UPDATE memories SET expires_at = '2025-01-02'")
    await expire(pool, a_run(NIGHT - 400 * DAY))
    assert (
        await purge_archive(pool, dry_run=True),
        await purge_archive(pool, by="ana"),
        await purge_archive(pool),
    ) == (1, 1, 0)
    assert [(one.action, one.ordered_by) for one in await audit_rows(pool)] == [("purged", "ana"), ("archived", None)]


async def test_no_text_of_a_memory_is_in_an_audit_row(pool):
    await remember(pool, content="a canary", expires_at=PAST)
    await expire(pool)
    await unarchive(pool, tenant_id=TENANT)
    rows = await fetch(pool, "SELECT to_jsonb(b)::text AS row FROM maintenance.expiry_batches b")
    assert len(rows) == 2
    assert not any("canary" in row["row"] for row in rows)
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.archive") == 0
    assert json.loads(rows[0]["row"])["reasons"] == {"expired": 1}


@pytest.mark.parametrize(
    ("deed", "left_in_archive"),
    [
        pytest.param(None, 0, id="none left"),
        pytest.param("INSERT INTO maintenance.tenants (tenant_id, paused) VALUES ($1, true)", 1, id="paused"),
        pytest.param(
            'INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ($1, \'{"expiry": "off"}\')', 1, id="off"
        ),
        pytest.param(
            "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ($1, '{\"expiry\": 7}')", 1, id="unreadable"
        ),
    ],
)
async def test_the_night_purges_the_archive_of_a_tenant_without_memories(any_pool, deed, left_in_archive):
    memory = await remember(any_pool, expires_at=PAST)
    await remember(any_pool, OTHER)
    await expire(any_pool)
    if deed:
        await execute(any_pool, deed, TENANT)
    await run_maintenance(any_pool, settings_of(), as_of=NIGHT + 89 * DAY)
    assert await fetch_value(any_pool, "SELECT count(*) FROM maintenance.archive") == 1
    stats = await run_maintenance(any_pool, settings_of(), as_of=NIGHT + 90 * DAY)
    assert await fetch_value(any_pool, "SELECT count(*) FROM maintenance.archive") == left_in_archive
    newest = (await audit_rows(any_pool))[0]
    if not left_in_archive:
        purged = ("purged", [memory], UUID(stats["cycle_id"]))
        assert (newest.action, list(newest.memories), newest.cycle_id) == purged

"""Memories that the search_path does not lead to: ``migrate`` makes no empty table, and names the one there is."""

from uuid import uuid4

import asyncpg
import pytest

from memory_maintenance.errors import StoreShapeError
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import execute, fetch_value
from tests.agents import talk, write
from tests.conftest import RAE_TABLE, _run_on_server, a_pool
from tests.preflight.conftest import night

IN_SCHEMA = RAE_TABLE + "; CREATE SCHEMA agents; ALTER TABLE memories SET SCHEMA agents"
IN_CAPITALS = RAE_TABLE + '; ALTER TABLE memories RENAME TO "Memories"'


async def _value(url, sql):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("store", "there", "advice"),
    [
        (IN_SCHEMA, "agents.memories", "SET search_path = agents, public; or add ?search_path=agents,public to DATABASE_URL"),
        (IN_CAPITALS, 'public."Memories"', 'ALTER TABLE public."Memories" RENAME TO memories'),
    ],
    ids=["in another schema", "in capitals"],
)  # fmt: skip
async def test_migrate_creates_nothing_and_says_how_to_name_what_there_is(empty_url, store, there, advice):
    await _run_on_server(empty_url, store)
    with pytest.raises(StoreShapeError) as refused:
        await migrate(empty_url)
    assert f"leads to no table memories, and there is {there}: " in str(refused.value)
    assert advice in str(refused.value)
    assert await _value(empty_url, "SELECT to_regclass('memories') IS NULL AND to_regnamespace('maintenance') IS NULL")


async def test_a_store_in_another_schema_works_once_the_address_names_it(empty_url):
    await _run_on_server(empty_url, IN_SCHEMA)
    named = f"{empty_url}{'&' if '?' in empty_url else '?'}search_path=agents,public"
    await migrate(named)
    async with a_pool(named) as pool:
        tenant = str(uuid4())
        await write(pool, tenant, talk(12))
        stats = await night(pool)
        assert (stats["preflight"], stats["decay"]["total_updated"]) == ([], 12)
        assert await fetch_value(pool, "SELECT to_regclass('public.memories') IS NULL")


async def test_what_the_message_says_is_what_mends_it(empty_url):
    await _run_on_server(empty_url, IN_CAPITALS)
    with pytest.raises(StoreShapeError) as refused:
        await migrate(empty_url)
    await _run_on_server(empty_url, str(refused.value).rpartition(": ")[2])
    await migrate(empty_url)
    async with a_pool(empty_url) as pool:
        assert (await night(pool))["failed_tenants"] == []


async def test_a_new_store_beside_others_memories_is_made_by_hand(empty_url):
    await _run_on_server(empty_url, IN_SCHEMA)
    await _run_on_server(empty_url, "CREATE TABLE memories (LIKE agents.memories INCLUDING ALL)")
    await migrate(empty_url)
    async with a_pool(empty_url) as pool:
        assert [one["check"] for one in (await night(pool))["preflight"]] == ["empty_store"]
        await execute(pool, "INSERT INTO agents.memories (tenant_id, content) VALUES (gen_random_uuid(), 'a')")
        await write(pool, str(uuid4()), talk(3))
        assert (await night(pool))["preflight"] == []

"""The speed benchmark's store, its competitors and a night of it, on real servers."""

import os
import shutil
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.rae import rae_run
from benchmarks.speed import celery_run
from benchmarks.speed.bare_sql import per_tenant, whole_table
from benchmarks.speed.children_worker import children_worker, run_children
from benchmarks.speed.processes import peak_megabytes, processor_seconds
from benchmarks.speed.rae_loop import RATE, one_after_the_other
from benchmarks.speed.servers import (
    Servers,
    connected,
    database,
    rows_written_since,
    servers,
    transaction_id,
    updates,
    value,
    wal_position,
)
from benchmarks.speed.store import fill, fill_skewed, night, tenant_ids
from benchmarks.speed.workers import connected_client, run_decay, worker

MEMORIES = "SELECT id, importance, created_at, last_accessed_at FROM memories ORDER BY id"
DECAYING = "SELECT count(*) FROM memories WHERE importance > 0.01 AND NOT coalesce(tags, '{}') && '{pinned}'"


@pytest.fixture(scope="module")
def on(postgres_url):
    return Servers(postgres_url, "", 0, 0)


@pytest.fixture(scope="module")
async def filled(on):
    async with database(on) as url:
        await fill(url, 4, 50)
        yield url


@pytest.fixture
async def store(on, filled):
    async with database(on, template=filled) as url:
        yield url


@pytest.fixture
def home():
    folder = Path(tempfile.mkdtemp(prefix="memory-maintenance-speed-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def _memories(url):
    async with connected(url) as connection:
        return await connection.fetch(MEMORIES)


async def test_an_even_store_gives_every_tenant_as_many_memories(store):
    async with connected(store) as connection:
        rows = await connection.fetch("SELECT tenant_id::text FROM memories")
    assert Counter(row["tenant_id"] for row in rows) == dict.fromkeys(await tenant_ids(store), 50)


async def test_a_skewed_store_gives_one_tenant_its_share(on):
    async with database(on) as url:
        await fill_skewed(url, 5, 200, large=100)
        sizes = await value(
            url, "SELECT array_agg(n ORDER BY n) FROM (SELECT count(*) n FROM memories GROUP BY tenant_id)"
        )
    assert sizes == [25, 25, 25, 25, 100]


async def test_the_same_seed_makes_the_same_store(on, store):
    async with database(on) as url:
        await fill(url, 4, 50)
        assert await _memories(url) == await _memories(store)


async def test_every_memory_is_there_before_the_first_night_and_has_the_indexes_of_production(store):
    assert await value(store, "SELECT max(created_at) <= $1 FROM memories", night(0))
    assert await value(store, "SELECT count(*) FROM pg_indexes WHERE tablename = 'memories'") == 15
    assert night(2) - night(1) == timedelta(days=1)


async def test_the_loop_writes_what_raes_rule_says(store):
    before = await _memories(store)
    await one_after_the_other(store, night(1), await tenant_ids(store))
    after = [row["importance"] for row in await _memories(store)]
    days = [(night(1) - (row["last_accessed_at"] or row["created_at"])) / timedelta(days=1) for row in before]
    said = rae_run(np.array([row["importance"] for row in before]), np.array(days), RATE)
    assert after == pytest.approx(said.tolist(), rel=1e-12)


@pytest.mark.system
@pytest.mark.skipif(celery_run.missing() is not None, reason="needs redis-server on the PATH and celery")
async def test_celery_writes_what_the_loop_writes(on, filled, store, home):
    tenants = await tenant_ids(store)
    rows, seconds = await celery_run.by_celery("decay_tenant", store, night(1), tenants, home=home)
    async with database(on, template=filled) as other:
        assert rows == await one_after_the_other(other, night(1), tenants)
        assert await _memories(store) == await _memories(other)
    assert seconds > 0


@pytest.mark.parametrize("connections", [1, 2])
async def test_the_bare_update_writes_every_memory_and_keeps_what_it_was(store, connections):
    before = await _memories(store)
    wal = await wal_position(store)
    assert await per_tenant(store, night(1), await tenant_ids(store), connections) == 200
    async with connected(store) as connection:
        rows = await connection.fetch(
            "SELECT importance, base_importance, base_importance_at FROM memories ORDER BY id"
        )
    assert [row["base_importance"] for row in rows] == [row["importance"] for row in before]
    assert all(row["importance"] == 0.999 * row["base_importance"] for row in rows)
    assert await wal_position(store) - wal > 200 * 50


async def test_what_was_written_is_counted(store):
    before, transaction = await updates(store), await transaction_id(store)
    assert await rows_written_since(store, transaction) == 0
    await whole_table(store, night(1))
    assert await rows_written_since(store, transaction) == 200
    assert (await updates(store)).since(before).rows == 200


def test_processor_time_and_memory_of_a_process_are_read():
    before, until = processor_seconds(os.getpid()), time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert processor_seconds(os.getpid()) - before >= 0.08
    assert peak_megabytes(os.getpid()) > 10


async def test_a_night_through_temporal_moves_every_memory_once_and_children_alone_none(home):
    async with servers(home) as running, database(running) as url:
        await fill(url, 3, 20)
        decaying = await value(url, DECAYING)
        async with worker(running, url, home=home) as process:
            first, again = await run_decay(process, night(1)), await run_decay(process, night(1))
            assert process.peak_megabytes > 50
        assert (first.tenants, first.rows) == (3, decaying)
        assert (again.tenants, again.rows) == (0, 0)
        assert first.processors.worker > 0
        async with children_worker(running, home=home):
            assert await run_children(await connected_client(running), ["a", "b", "c"]) == 3

"""Servers that are killed come back at the same address with what they had."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from chaos.evidence import processes_of
from chaos.faults import Faults
from chaos.servers import postgres, temporal
from memory_maintenance.settings import Settings
from runtime.client import connect
from workflows.options import TASK_QUEUE


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="memory-maintenance-chaos-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def test_postgres_recovers_what_was_committed(home):
    server = postgres(home)
    await server.start()
    address = server.address
    connection = await asyncpg.connect(address)
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    await server.kill()
    await server.start()
    assert server.address == address
    connection = await asyncpg.connect(address)
    assert await connection.fetchval("SELECT seven FROM kept") == 7
    await connection.close()
    assert processes_of(home)
    await server.stop()
    assert processes_of(home) == []


async def test_temporal_recovers_its_workflows(home):
    server = temporal(home)
    await server.start()
    address = server.address
    client = await connect(address, Settings(_env_file=None))
    await client.start_workflow("MaintenanceWorkflow", id="kept", task_queue=TASK_QUEUE)
    await server.kill()
    await server.start()
    assert server.address == address
    assert (await client.get_workflow_handle("kept").describe()).workflow_type == "MaintenanceWorkflow"
    await server.stop()


async def test_a_store_that_is_read_only_refuses_writes_and_takes_them_again(home, monkeypatch):
    monkeypatch.setattr("chaos.faults._LONGEST_OUTAGE_SECONDS", 1.0)
    server = postgres(home)
    await server.start()
    connection = await asyncpg.connect(server.address)
    await connection.execute("CREATE TABLE written (n integer)")
    run = Faults(server, server, [], {}, random.Random(1))
    happening = asyncio.create_task(run._one("read_only"))
    refused = 0
    while not happening.done():
        try:
            await connection.execute("INSERT INTO written VALUES (1)")
        except asyncpg.ReadOnlySQLTransactionError:
            refused += 1
    assert refused
    await _writes_again(connection)
    assert dict(run.done) == {"read_only": 1}
    await connection.close()
    await server.stop()


async def _writes_again(connection: asyncpg.Connection) -> None:
    """Wait until it may: a session hears of a reload by a signal, some time after the reload was ordered."""
    async with asyncio.timeout(60):
        while True:
            with suppress(asyncpg.ReadOnlySQLTransactionError):
                await connection.execute("INSERT INTO written VALUES (2)")
                return
            await asyncio.sleep(0.002)

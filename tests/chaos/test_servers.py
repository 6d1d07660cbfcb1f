"""Servers that are killed come back at the same address with what they had."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from chaos.evidence import processes_of
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

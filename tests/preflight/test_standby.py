"""A real standby: the run stops at once and says so, also where the cycle cannot be recorded."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest

from embedded.postgres import running_postgres
from memory_maintenance.errors import PreflightError
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import fetch_value
from tests.agents import talk, write
from tests.conftest import a_pool
from tests.preflight.conftest import doctor, night
from tests.processes.conftest import run_module


@pytest.fixture
async def standby_url():
    """A migrated store with memories whose server was restarted as a standby; there is no primary that it follows."""
    folder = Path(tempfile.mkdtemp(prefix="memory-maintenance-standby-"))
    folder.chmod(0o711)
    data, log = folder / "data", folder / "postgres.log"
    async with running_postgres(data, log=log, options=("-c", "fsync=off")) as server:
        await migrate(server.address)
        async with a_pool(server.address) as pool:
            await write(pool, "acme", talk(3))
            await night(pool)
    signal = data / "standby.signal"
    signal.touch()
    shutil.chown(signal, (data / "PG_VERSION").owner())
    async with running_postgres(data, log=log, options=("-c", "fsync=off")) as server:
        yield server.address
    shutil.rmtree(folder, ignore_errors=True)


async def test_a_standby_stops_the_run_and_takes_no_record(standby_url):
    async with a_pool(standby_url) as pool:
        with pytest.raises(
            PreflightError, match="standby: the server is a standby, which only reads → name the primary"
        ):
            await night(pool)
        assert await fetch_value(pool, "SELECT count(*) FROM maintenance.cycles") == 1
        assert (await doctor(pool))["standby"].level == "failure"
    ended = await run_module("memory_maintenance", DATABASE_URL=standby_url)
    assert (ended.status, ended.out) == (1, "")
    assert "error: standby: the server is a standby" in ended.err
    ended = await run_module("memory_maintenance", "--dry-run", DATABASE_URL=standby_url)
    assert (ended.status, json.loads(ended.out or "null")) == (1, None)

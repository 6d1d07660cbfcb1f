"""Behind a real pgbouncer in transaction mode, which hands every transaction to another session of Postgres."""

import asyncio
import json
import os
import pwd
import shutil
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from chaos.ports import free_port
from memory_maintenance import MaintenanceScheduler
from memory_maintenance.errors import DatabaseRefusedError
from memory_maintenance.settings import Settings
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import execute, fetch_value, open_pool
from tests.agents import json_codec, talk, write
from tests.conftest import database_url
from tests.everything import everything
from tests.processes.conftest import run_module, run_script

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not PROGRAM, reason="left out: the system has no pgbouncer (Debian: package pgbouncer)"),
]

# Round robin: two transactions of one client never meet the same session, as rarely happens and sooner or later does.
CONFIGURATION = """
[databases]
* = host={host} port={port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
auth_type = any
pool_mode = transaction
default_pool_size = 4
server_round_robin = 1
unix_socket_dir =
logfile = {folder}/log
{more}
"""

MORE = {
    "as it comes": "",
    "told to ignore parameters": "ignore_startup_parameters = plan_cache_mode, tcp_user_timeout, "
    "tcp_keepalives_idle, tcp_keepalives_interval, tcp_keepalives_count",
}


@pytest.fixture(scope="module", params=MORE)
async def pooler(request: pytest.FixtureRequest, postgres_url: str) -> AsyncIterator[str]:
    """The address of a pgbouncer in front of the tests' Postgres."""
    parts = urlsplit(postgres_url)
    host = parse_qs(parts.query).get("host", [parts.hostname or "localhost"])[0]
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="mm-pgbouncer-", dir="/tmp"))
    text = CONFIGURATION.format(
        host=host, port=parts.port or 5432, own_port=port, folder=folder, more=MORE[request.param]
    )
    (folder / "pgbouncer.ini").write_text(text)
    command = [str(PROGRAM), "-q", str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:  # it refuses to run as root; the socket's owner may connect
        owner = pwd.getpwuid(Path(host).stat().st_uid).pw_name if host.startswith("/") else "postgres"
        shutil.chown(folder, owner)
        command = ["runuser", "-u", owner, "--", *command]
    process = await asyncio.create_subprocess_exec(*command)
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    while True:
        try:
            await (await asyncpg.connect(url, statement_cache_size=0)).close()
        except OSError:
            assert process.returncode is None, (folder / "log").read_text()
            await asyncio.sleep(0.02)
        else:
            break
    yield url
    process.terminate()
    await process.wait()
    shutil.rmtree(folder)


@pytest.fixture
def pooled_url(empty_url: str, pooler: str) -> str:
    """The address, through the pooler, of a database without anything in it."""
    return database_url(pooler, urlsplit(empty_url).path.removeprefix("/"))


async def _fill(url: str) -> None:
    pool = await open_pool(url, size=4, timeout_seconds=30, init=json_codec)
    await write(pool, "acme", talk(12), session="s1", start=datetime.now(UTC) - timedelta(hours=5))
    await write(pool, "acme", talk(8, 30), importance=0.9)
    await write(pool, "globex", talk(30))
    await pool.close()


async def test_migrate_and_a_daily_run_by_cron_and_a_second_one_that_finds_all_done(pooled_url):
    for _ in range(2):
        ended = await run_script("starter.py", "migrate", DATABASE_URL=pooled_url)
        assert (ended.status, len(ended.err.splitlines())) == (0, 1), ended
    await _fill(pooled_url)
    settings = {"DATABASE_URL": pooled_url, "MEMORY_DECAY_TOLERANCE": "0.001"}
    nights = [await run_module("memory_maintenance", **settings) for _ in range(2)]
    assert [night.status for night in nights] == [0, 0], nights
    first, second = (json.loads(night.out) for night in nights)
    assert (first["decay"]["total_updated"], first["summarization"]["stored"]) == (50, 1)
    # The base of the summary that the first one wrote: nothing else.
    assert (second["decay"]["total_updated"], second["summarization"]["stored"]) == (1, 0)


async def test_the_library_on_a_callers_pool_and_a_second_run_that_writes_nothing(pooled_url):
    await asyncio.gather(*(migrate(pooled_url) for _ in range(3)))
    await _fill(pooled_url)
    settings = Settings.model_validate({"rae_llm_backend": "extractive"})
    async with asyncpg.create_pool(pooled_url, min_size=2, statement_cache_size=0) as theirs:
        as_of = datetime.now(UTC)
        stats = await MaintenanceScheduler(theirs, settings).run_daily_maintenance(as_of=as_of)
        assert (stats["decay"]["total_updated"], stats["summarization"]["stored"]) == (50, 1)
        assert not stats["failed_tenants"]
        memories = (await everything(theirs))["public.memories"]
        await MaintenanceScheduler(theirs, settings).run_daily_maintenance(as_of=as_of)
        assert (await everything(theirs))["public.memories"] == memories


async def test_settings_of_a_transaction_do_not_stay_on_the_poolers_sessions(pooled_url):
    await migrate(pooled_url)
    await _fill(pooled_url)
    pool = await open_pool(pooled_url, size=4, timeout_seconds=30)
    await MaintenanceScheduler(pool, Settings.model_validate({"rae_llm_backend": "extractive"})).run_daily_maintenance()
    shown = "SELECT current_setting('plan_cache_mode') || current_setting('lock_timeout')"
    assert {await fetch_value(pool, shown) for _ in range(8)} == {"auto0"}
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    assert await fetch_value(pool, locks) == 0
    await pool.close()


async def test_a_callers_pool_that_keeps_statements_is_reported_in_one_line(pooled_url):
    await migrate(pooled_url)

    async def ask_often(theirs: asyncpg.Pool) -> None:
        for n in range(20):
            await asyncio.gather(*(execute(theirs, "SELECT $1::integer", n) for _ in range(4)))

    theirs = await asyncpg.create_pool(pooled_url, min_size=4)
    with pytest.raises(DatabaseRefusedError, match="statement_cache_size=0"):
        await ask_often(theirs)
    await theirs.close()

"""A process that is frozen inside an open page holds its locks for seconds, not until somebody thaws it."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch_value
from tests.agents import AS_OF, talk, write
from tests.everything import everything
from tests.steps import Decaying

TENANT = "acme"

PAGE_AND_STOP = """
import asyncio, os, signal, sys
from datetime import datetime
import asyncpg
from memory_maintenance.decay import batch
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch_value, open_pool
from tests.steps import Decaying

url, kind, as_of = sys.argv[1:]
keep = batch.keep

async def stop_and_keep(db, *arguments):
    print(await fetch_value(db, "SELECT pg_backend_pid()"), flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)  # the page is written, and not committed
    await keep(db, *arguments)

async def main():
    batch.keep = stop_and_keep
    pool = await (asyncpg.create_pool(url, min_size=1) if kind == "plain" else open_pool(url, size=2, timeout_seconds=60))
    try:
        await Decaying(pool, Settings(_env_file=None)).decay_batch("acme", datetime.fromisoformat(as_of))
    except MaintenanceError as error:
        print(type(error).__name__, error.retryable, flush=True)
    else:
        print("written", flush=True)
    await pool.close()

asyncio.run(main())
"""

WAITS_FOR = "SELECT pg_blocking_pids(pid) FROM pg_stat_activity WHERE pid = $1"
HELD = "SELECT count(*) FROM pg_locks WHERE pid = $1 AND granted AND relation = 'memories'::regclass AND mode = 'RowExclusiveLock'"
BOUND_BY_A_DBA = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = ''{}''', current_database());
END $$
"""
IDLE_SINCE = "SELECT state_change FROM pg_stat_activity WHERE pid = $1"
UNDECAYED = "SELECT count(*) FROM memories WHERE base_importance IS NULL"


@contextlib.asynccontextmanager
async def frozen(url: str, kind: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Yield a process that is stopped inside an open page, and the process of Postgres that serves it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PAGE_AND_STOP, url, kind, AS_OF.isoformat(), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    backend = int(await process.stdout.readline())
    try:
        yield process, backend
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        await process.wait()


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize(
    ("kind", "dba", "at_least", "at_most"),
    [
        pytest.param("plain", "0", 10, 60, id="a pool that the caller opened, Postgres's own setting"),
        pytest.param("ours", "1s", 1, 10, id="our own pool, a shorter bound set by a DBA"),
    ],
)
async def test_an_agent_waits_seconds_for_a_frozen_page_and_the_zombie_writes_nothing(
    pool, store_url, kind, dba, at_least, at_most
):
    memories = await write(pool, TENANT, talk(20), start=AS_OF - timedelta(days=3))
    await execute(pool, BOUND_BY_A_DBA.format(dba))
    agent = await asyncpg.connect(store_url)
    async with frozen(store_url, kind) as (process, backend):
        while not is_stopped(process.pid):
            await asyncio.sleep(0.01)
        began = await fetch_value(pool, IDLE_SINCE, backend)
        assert await fetch_value(pool, HELD, backend) == 1
        waiting = asyncio.create_task(agent.execute("UPDATE memories SET usage_count = 9 WHERE id = $1", memories[3]))
        while backend not in (await fetch_value(pool, WAITS_FOR, agent.get_server_pid()) or []):
            assert not waiting.done()
            await asyncio.sleep(0.01)
        retry = asyncio.create_task(Decaying(pool, Settings(_env_file=None)).decay_batch(TENANT, AS_OF))
        await waiting
        waited = await fetch_value(pool, "SELECT clock_timestamp()") - began
        assert timedelta(seconds=at_least) <= waited < timedelta(seconds=at_most)
        batch = await retry
        assert (batch.status, batch.updated + batch.busy) == ("done", 20)
        await Decaying(pool, Settings(_env_file=None)).decay_batch(TENANT, AS_OF)
        done = await everything(pool)
        assert await fetch_value(pool, UNDECAYED) == 0
        process.send_signal(signal.SIGCONT)
        assert process.stdout
        assert (await process.stdout.read()).decode().split() == ["DatabaseUnavailableError", "True"]
        assert await everything(pool) == done
    await agent.close()

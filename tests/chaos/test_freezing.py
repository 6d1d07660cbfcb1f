"""A freeze meets an open transaction, proves it in Postgres, and sees it ended."""

import asyncio
import random
import sys

import pytest

from chaos.faults import Faults
from chaos.processes import Supervised
from chaos.servers import Killable

WORKING = """
import asyncio, sys
from memory_maintenance.store.pool import execute, open_pool, transaction

async def main():
    pool = await open_pool(sys.argv[1], size=1, timeout_seconds=5)
    async with transaction(pool) as db:
        await execute(db, "UPDATE maintenance.store SET adopted_at = adopted_at")
        await execute(db, "SET LOCAL idle_in_transaction_session_timeout = '1500ms'")
        print("inside", flush=True)
        for _ in range(10_000):
            await execute(db, "SELECT 1")
            await asyncio.sleep(0.01)

asyncio.run(main())
"""


class OneProcess(Supervised):
    """A worker whose process is given."""

    def __init__(self, process):
        self._process = process


@pytest.fixture
async def worker(store_url):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKING, store_url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout
    assert await process.stdout.readline() == b"inside\n"
    yield OneProcess(process)
    if process.returncode is None:
        process.kill()
    await process.wait()


class Address(Killable):
    """A server that runs already."""

    def __init__(self, address):
        self._address = address

    @property
    def address(self):
        return self._address


def faults(store_url, worker) -> Faults:
    server = Address(store_url)
    return Faults(server, server, [worker], {}, random.Random(1))


async def test_a_worker_that_is_frozen_inside_a_transaction_loses_it_to_its_time_out(store_url, worker):
    run = faults(store_url, worker)
    await run._one("freeze_in_transaction")
    assert dict(run.done) == {"freeze_in_transaction": 1}
    [seconds] = run.frozen_transactions
    assert 1.0 < seconds < 5
    assert await worker._process.wait() != 0  # it goes on, and its transaction is gone


async def test_a_worker_outside_of_any_transaction_is_no_hit(store_url, worker, monkeypatch):
    monkeypatch.setattr("chaos.faults._LONGEST_SEARCH_SECONDS", 0.3)
    worker._process.kill()
    await worker._process.wait()
    run = faults(store_url, worker)
    await run._one("freeze_in_transaction")
    assert (run.frozen_transactions, dict(run.in_vain)) == ([], {"freeze_in_transaction": 1})

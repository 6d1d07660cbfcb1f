"""Ctrl-C ends a command with 130 and what is true of it, and an import takes whatever can be read."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from temporalio.worker import Worker

from memory_maintenance.store.pool import fetch_value
from runtime.running import what_runs
from tests.processes.conftest import environment
from workflows.maintenance import MaintenanceWorkflow
from workflows.options import TASK_QUEUE

STARTER = Path(__file__).parents[2] / "starter.py"
COUNT = "SELECT count(*) FROM memories"


def lines(count):
    return b"".join(json.dumps({"tenant_id": "acme", "content": f"fact {n}"}).encode() + b"\n" for n in range(count))


async def started(*words, **settings):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(STARTER), *words),
        env=environment(**settings),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_standard_input_is_imported(pool, store_url):
    process = await started("memories", "import", "-", DATABASE_URL=store_url)
    out, err = await process.communicate(lines(3))
    assert (process.returncode, b"3 added" in out) == (0, True), err
    assert await fetch_value(pool, COUNT) == 3


async def test_an_import_that_waits_for_a_pipe_ends_at_once_and_keeps_what_it_stored(pool, store_url, tmp_path):
    os.mkfifo(pipe := tmp_path / "memories.jsonl")
    process = await started("memories", "import", str(pipe), DATABASE_URL=store_url)
    writer = await asyncio.to_thread(pipe.open, "wb", buffering=0)  # returns once the command reads
    with writer:
        await asyncio.to_thread(writer.write, lines(600))
        async with asyncio.timeout(30):
            while not (stored := await fetch_value(pool, COUNT)):
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, await fetch_value(pool, COUNT)) == (130, stored)
    assert err.decode().splitlines()[-1] == (
        "error: interrupted; what was stored stays; the same command stores the rest"
    )


@pytest.mark.parametrize("name", ["", "nothing.jsonl"])
async def test_what_cannot_be_imported_is_named(cli, tmp_path, name):
    told = await cli("memories", "import", tmp_path / name)
    assert (told.exit_code, ("no such file" if name else "is a folder") in told.stderr) == (1, True)


@pytest.mark.slow
async def test_a_run_goes_on_without_its_command(temporal, store_url):
    address = temporal.service_client.config.target_host
    async with Worker(temporal, task_queue=TASK_QUEUE, workflows=[MaintenanceWorkflow]), asyncio.timeout(60):
        while (await what_runs(temporal)).polled_at is None:
            await asyncio.sleep(0.05)
        process = await started("run", "daily", DATABASE_URL=store_url, TEMPORAL_ADDRESS=address)
        assert process.stderr
        while not (line := (await process.stderr.readline()).decode()).startswith("started "):
            assert line
        process.send_signal(signal.SIGINT)
        err = (await process.communicate())[1].decode()
        assert (process.returncode, "Traceback" in err) == (130, False)
        assert "goes on without this command" in err
        assert len((await what_runs(temporal)).cycles) == 1

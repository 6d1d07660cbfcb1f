"""Ctrl-C ends a command with 130 and what is true of it, and an import takes whatever can be read."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.worker import Worker

from memory_maintenance.changes.applying import apply_change
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.store.pool import execute, fetch_value
from runtime.running import what_runs
from tests.agents import AS_OF, write
from tests.expiry.conftest import DAY, NIGHT, TENANT, expire, remember
from tests.processes.conftest import environment
from tests.settings import settings
from tests.web.conftest import proposed
from workflows.maintenance import MaintenanceWorkflow
from workflows.options import TASK_QUEUE

STARTER = Path(__file__).parents[2] / "starter.py"
COUNT = "SELECT count(*) FROM memories"


def lines(count):
    return b"".join(json.dumps({"tenant_id": "acme", "content": f"fact {n}"}).encode() + b"\n" for n in range(count))


async def started(*words, **settings):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, *([] if words[0] == "-m" else [str(STARTER)]), *words),
        env=environment(**settings),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # A test run in the background of a shell ignores SIGINT, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
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
        async with asyncio.timeout(60):
            while not (stored := await fetch_value(pool, COUNT)):
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, await fetch_value(pool, COUNT)) == (130, stored)
    assert err.decode().splitlines()[-1] == (
        "error: interrupted; what was stored stays; the same command stores the rest"
    )


@pytest.mark.parametrize("name", ["", "nothing.jsonl"])
async def test_what_cannot_be_imported_is_named(cli, tmp_path, name):
    told = await cli("memories", "import", tmp_path / name)
    assert (told.exit_code, ("no such file" if name else "is a folder") in told.stderr) == (1, True)


async def changed(pool):
    """Two changes of one cycle; the older one's memory is locked, which is taken back last."""
    cycle = uuid4()
    numbers = [await proposed(pool) for _ in range(2)]
    await execute(pool, "UPDATE maintenance.changes SET cycle_id = $1", cycle)
    first, _ = [await apply_change(pool, number, as_of=AS_OF) for number in numbers]
    command = ("undo", str(cycle))
    return command, command, f"SELECT FROM memories WHERE id = '{first.memory_id}' FOR UPDATE"


async def decayed(pool):
    """Memories that two nights decayed."""
    await write(pool, "acme", ["a", "b"], start=AS_OF - 60 * DAY)
    for days in (30, 1):
        await DecayWorker(pool, settings()).run_decay_cycle(as_of=AS_OF - days * DAY)


async def to_restore(pool):
    await decayed(pool)
    command = ("memories", "restore", "--all", "--yes")
    return command, command, WRITING


async def to_rewind(pool):
    await decayed(pool)
    command = ("decay", "rewind", "--to", "2026-02-18", "--yes")
    return command, command, WRITING


async def archived(pool):
    for _ in range(2):
        await remember(pool, expires_at=NIGHT - DAY)
    await expire(pool)
    command = ("memories", "archive", "restore", "--tenant", TENANT)
    return command, command, WRITING


async def to_forget(pool):
    await write(pool, "acme", ["a", "b"])
    return ("memories", "forget", "--tenant", "acme", "--yes"), ("-m", "memory_maintenance"), WRITING


WRITING = "LOCK TABLE memories IN SHARE MODE"
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.mark.parametrize(
    ("arranged", "left", "counts", "says"),
    [
        pytest.param(
            changed, "SELECT count(*) FROM maintenance.changes WHERE status = 'applied'", (2, 1, 0),
            "what was taken back stays so; the same command takes back the rest", id="undo"),
        pytest.param(
            to_restore, "SELECT count(*) FROM memories WHERE importance < 0.5", (2, 2, 0),
            "what was restored stays; the same command restores the rest", id="restore", marks=pytest.mark.slow),
        pytest.param(
            archived, "SELECT 2 - count(*) FROM memories", (2, 2, 0),
            "what was restored stays; the same command restores the rest", id="archive", marks=pytest.mark.slow),
        pytest.param(
            to_rewind, "SELECT count(*) FROM maintenance.tenants WHERE decay_completed_as_of > '2026-02-18'",
            (1, 1, 0), "what was rewound stays so; the same command rewinds the rest", id="rewind",
            marks=pytest.mark.slow),
        pytest.param(
            to_forget, "SELECT count(*) FROM memories", (2, 2, 0),
            "an order that was written stays, and the next cycle goes on with it; else nothing was forgotten",
            id="forget", marks=pytest.mark.slow),
    ],
)  # fmt: skip
async def test_ctrl_c_says_what_stays_and_what_does_the_rest(pool, store_url, arranged, left, counts, says):
    command, goes_on, lock = await arranged(pool)
    assert await fetch_value(pool, left) == counts[0]
    async with pool.acquire() as other, other.transaction(), asyncio.timeout(60):
        await other.execute(lock)
        process = await started(*command, DATABASE_URL=store_url)
        while not await fetch_value(pool, BLOCKED):
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert (process.returncode, err.decode().splitlines()[-1]) == (130, f"error: interrupted; {says}")
    assert await fetch_value(pool, left) == counts[1]
    process = await started(*goes_on, DATABASE_URL=store_url)
    _, err = await process.communicate()
    assert (process.returncode, await fetch_value(pool, left)) == (0, counts[2]), err


@pytest.mark.slow
async def test_an_interrupted_backup_leaves_no_file(pool, store_url, tmp_path):
    async with pool.acquire() as other, other.transaction(), asyncio.timeout(60):
        await other.execute("LOCK TABLE memories IN ACCESS EXCLUSIVE MODE")
        process = await started("backup", str(tmp_path / "memories.dump"), DATABASE_URL=store_url)
        while not await fetch_value(pool, BLOCKED):
            await asyncio.sleep(0.05)
        assert list(tmp_path.iterdir())
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert (process.returncode, err.decode().splitlines()[-1]) == (130, "error: interrupted; no backup was written")
    assert list(tmp_path.iterdir()) == []


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
        while len((await what_runs(temporal)).cycles) != 1:
            await asyncio.sleep(0.05)

"""The worker as a process: its roles, its ports, its log, and how it stops."""

import asyncio
import json
import shlex
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from temporalio.client import Client

from chaos.ports import free_port
from embedded.temporal import HOST, PORT, running_temporal, temporal_program
from memory_maintenance.store.pool import execute, fetch_value
from tests.embedded.test_embedded import eventually, processes
from tests.processes.conftest import ROOT, environment, run_script
from tests.runtime.test_health import ask
from tests.usual_port import usual_port
from tests.workflows.conftest import remember_session
from workflows.options import TASK_QUEUE

DECAYED = "SELECT count(*) FROM memories WHERE base_importance IS NOT NULL"


async def _ready(port: int, status: int) -> dict[str, str]:
    """What /readyz says once it answers with *status*."""
    async with asyncio.timeout(60):
        while True:
            try:
                answered, body = await ask(port, "/readyz")
                if answered == status:
                    return dict(json.loads(body))
            except OSError:
                pass
            await asyncio.sleep(0.05)


async def test_two_workers_of_one_role_each_do_what_one_of_both_does(servers, start_worker, pool):
    await remember_session(pool, "acme", events=12)
    await start_worker("--role", "workflows", **servers)
    await start_worker("--role", "model", **servers)
    stats = json.loads((await run_script("starter.py", "run", "daily", "--json", **servers)).out)
    assert (stats["decay"]["total_updated"], stats["summarization"]["stored"]) == (12, 1)


async def test_a_batch_in_flight_at_sigterm_is_finished(servers, start_worker, temporal, pool):
    """In pages so small that the tenant is one batch of a second or two: it ends, in its first attempt."""
    memories = (
        "SELECT 'acme', 'fact ' || n, 0.7, 'semantic', now() - interval '90 days' FROM generate_series(1, 2000) n"
    )
    await execute(pool, f"INSERT INTO memories (tenant_id, content, importance, layer, created_at) {memories}")
    worker = await start_worker(MEMORY_DECAY_PAGE_SIZE="5", **servers)
    run = await temporal.start_workflow("MaintenanceWorkflow", id="run", task_queue=TASK_QUEUE)
    async with asyncio.timeout(60):
        while not await fetch_value(pool, DECAYED):
            await asyncio.sleep(0.01)
    stopping = asyncio.create_task(worker.stop())
    decayed_at_sigterm = await fetch_value(pool, DECAYED)
    assert (await stopping, await fetch_value(pool, DECAYED)) == (0, 2000)
    assert decayed_at_sigterm < 2000
    await start_worker(**servers)
    assert (await run.result())["decay"]["total_updated"] == 2000
    assert await _attempts(temporal, "tenant-maintenance/acme", "decay_batch") == [1]


async def _attempts(temporal: Client, workflow_id: str, activity: str) -> list[int]:
    events = (await temporal.get_workflow_handle(workflow_id).fetch_history()).events
    scheduled = {
        event.event_id
        for event in events
        if event.activity_task_scheduled_event_attributes.activity_type.name == activity
    }
    started = [event.activity_task_started_event_attributes for event in events]
    return [each.attempt for each in started if each.scheduled_event_id in scheduled]


async def test_its_ports_tell_how_it_is_and_what_it_did(servers, start_worker, pool):
    await remember_session(pool, "acme", events=12)
    health, ours, theirs = free_port(), free_port(), free_port()
    ports = {"HEALTH_PORT": str(health), "METRICS_PORT": str(ours), "TEMPORAL_METRICS_PORT": str(theirs)}
    await start_worker(**ports, **servers)
    parts = await _ready(health, 200)
    assert parts == dict.fromkeys(("worker", "temporal", "postgres", "polling"), "ok")
    await run_script("starter.py", "run", "daily", **servers)
    assert 'rae_reflective_decay_updated_total{tenant_id="acme"} 12.0' in (await ask(ours, "/metrics"))[1]
    assert 'memory_maintenance_worker_info{build_id="",role="all"} 1.0' in (await ask(ours, "/metrics"))[1]
    assert "temporal_workflow_task_execution_latency_seconds" in (await ask(theirs, "/metrics"))[1]


@pytest.mark.parametrize("name", ["HEALTH_PORT", "METRICS_PORT", "TEMPORAL_METRICS_PORT"])
async def test_a_port_that_is_taken_is_one_clear_line(servers, name):
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as taken:
        port = taken.sockets[0].getsockname()[1]
        ended = await run_script("worker.py", **{**servers, name: str(port)})
    assert (ended.status, ended.err.splitlines()[-1].startswith(f"error: {name}: cannot listen on")) == (1, True)
    assert "Traceback" not in ended.err


async def test_without_its_temporal_server_it_lives_is_not_ready_and_stops(store_url, tmp_path):
    health = free_port()
    async with running_temporal(None, log=tmp_path / "log", port=free_port()) as server:
        named = {"DATABASE_URL": store_url, "TEMPORAL_ADDRESS": server.address, "HEALTH_PORT": str(health)}
        process = await _process({**named, "LOG_FORMAT": "json"})
        await _ready(health, 200)
        server.process.kill()
        await server.process.wait()
        parts = await _ready(health, 503)
        assert (parts["postgres"], parts["temporal"] != "ok", (await ask(health, "/livez"))[0]) == ("ok", True, 200)
    process.terminate()
    async with asyncio.timeout(60):
        out, logged = await process.communicate()
    events = [json.loads(line)["event"] for line in logged.splitlines()]
    assert (process.returncode, out, events[0], events[-1]) == (0, b"", "worker_started", "worker_stopped")


async def test_it_waits_for_temporal_and_can_be_stopped_meanwhile(store_url):
    health = free_port()
    nowhere = {"DATABASE_URL": store_url, "TEMPORAL_ADDRESS": "127.0.0.1:1", "HEALTH_PORT": str(health)}
    process = await _process(nowhere)
    assert await _ready(health, 503) == {"worker": "starting"}
    process.terminate()
    async with asyncio.timeout(60):
        assert await process.wait() == 0


async def _process(settings: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "worker.py")),
        env=environment(**settings),
        cwd="/",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.fixture
async def usual_port_taken() -> AsyncIterator[None]:
    """Listen on Temporal's usual port, unless a server of the developer's has it for longer than a test would."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(TimeoutError):
            async with asyncio.timeout(60):
                while not _listens(taken, PORT):
                    await asyncio.sleep(0.05)
        yield


def _listens(candidate: socket.socket, port: int) -> bool:
    try:
        with usual_port():
            candidate.bind((HOST, port))
            candidate.listen()
    except OSError:
        return False
    return True


@pytest.mark.usefixtures("usual_port_taken")
async def test_with_the_usual_port_taken_its_first_line_has_the_whole_command_that_starts_a_run(
    store_url: str, tmp_path: Path
):
    home = {"DATABASE_URL": store_url, "MEMORY_MAINTENANCE_HOME": str(tmp_path), "LOG_FORMAT": "json"}
    process = await _process(home)
    assert process.stderr is not None
    said = json.loads(await process.stderr.readline())
    assert (said["event"], said["explanation"].startswith("port 7233 is in use")) == ("temporal_port_taken", True)
    _, *arguments = shlex.split(said["start_a_run"])
    started = await asyncio.create_subprocess_exec(temporal_program(), *arguments)
    assert (await started.wait(), arguments[:2], "--address" in arguments) == (0, ["workflow", "start"], True)
    process.terminate()
    await process.communicate()
    await eventually(lambda: not processes(tmp_path))

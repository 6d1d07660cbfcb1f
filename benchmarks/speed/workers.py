"""Our worker as a process of its own, and runs through it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from benchmarks.speed.processes import Processors, peak_megabytes, processors
from benchmarks.speed.servers import Servers
from embedded import exec_with_parent_death
from embedded.process import log_end, opened_log
from runtime.runs import start_run
from workflows.messages import MaintenanceRequest

ROOT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 60
STOP_SECONDS: Final = 45


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that polls."""

    process: Process
    servers: Servers
    client: Client
    log: Path
    started_in: float
    """Seconds from its start until it said that it is ready."""

    @property
    def peak_megabytes(self) -> float:
        """Return the most memory it had at once so far, in millions of bytes."""
        return peak_megabytes(self.process.pid)

    def processors(self) -> Processors:
        """Return the processor seconds of it and of both servers so far."""
        return processors(self.servers, self.process.pid)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One run: what it returned, how long that took its caller, and the processor seconds meanwhile."""

    stats: dict[str, Any]
    seconds: float
    processors: Processors

    @property
    def rows(self) -> int:
        """Return how many memories decay wrote."""
        return int(self.stats["decay"]["total_updated"])

    @property
    def tenants(self) -> int:
        """Return how many tenants had a child started for them."""
        return int(self.stats["tenants"]["with_work"])


def tethered(*arguments: str) -> list[str]:
    """Return the command of a Python process that dies with this one."""
    prefix = [sys.executable, "-I", "-S", exec_with_parent_death.__file__, str(os.getpid()), str(int(SIGKILL)), ""]
    return [*prefix, sys.executable, *arguments]


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return what a measured process knows: nothing of this machine's own settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "TZ": "UTC", **settings}


@asynccontextmanager
async def started(command: list[str], *, home: Path, log: Path, settings: Mapping[str, str]) -> AsyncIterator[Process]:
    """Run a process meanwhile; afterwards it is asked to end, and killed where it does not."""
    output = opened_log(log)
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment(home, settings), cwd=home, stdin=DEVNULL, stdout=output, stderr=output
        )
    finally:
        os.close(output)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def worker(
    servers: Servers, url: str, *, home: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Worker]:
    """Run ``worker.py`` on the store at *url* meanwhile, with default settings but for *settings*.

    Raises:
        RuntimeError: it ended, or was not ready within ``START_SECONDS``.
    """
    port = free_port()
    chosen = {
        "DATABASE_URL": url,
        "TEMPORAL_ADDRESS": servers.temporal_address,
        "HEALTH_PORT": str(port),
        "RAE_LLM_BACKEND": "extractive",
        **(settings or {}),
    }
    log, began = home / f"worker-{port}.log", time.perf_counter()
    client = await connected_client(servers)
    command = tethered(str(ROOT / "worker.py"))
    async with started(command, home=home, log=log, settings=chosen) as process:
        while not await ready(port):
            if process.returncode is not None or time.perf_counter() - began > START_SECONDS:
                raise RuntimeError(f"the worker is not ready: {log_end(log)}")
            await asyncio.sleep(0.02)
        yield Worker(process, servers, client, log, time.perf_counter() - began)


async def connected_client(servers: Servers) -> Client:
    """Return a client that speaks as the application does."""
    return await Client.connect(servers.temporal_address, data_converter=pydantic_data_converter)


async def run_cycle(worker: Worker, request: MaintenanceRequest) -> Cycle:
    """Do one run and wait for its result.

    Raises:
        WorkflowFailureError: it failed.
    """
    before, began = worker.processors(), time.perf_counter()
    run = await start_run(worker.client, request)
    stats = await run.result()
    seconds = time.perf_counter() - began
    return Cycle(stats, seconds, worker.processors().since(before))


async def run_decay(worker: Worker, as_of: datetime) -> Cycle:
    """Do one night of decay alone, and be sure that no tenant failed."""
    cycle = await run_cycle(worker, MaintenanceRequest(tasks=("decay",), as_of=as_of))
    if failed := cycle.stats["failed_tenants"]:
        raise RuntimeError(f"{len(failed)} tenants failed: see {worker.log}")
    return cycle


async def ready(port: int) -> bool:
    """Return whether the worker whose health port this is says that it can work."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /readyz HTTP/1.1\r\n\r\n")
        answer = await reader.read()
    except OSError:
        return False
    writer.close()
    return answer.startswith(b"HTTP/1.1 200")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        return int(candidate.getsockname()[1])

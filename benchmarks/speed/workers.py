"""The application's worker as a process of its own, and runs through it."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from benchmarks.speed.servers import Processors, Servers, peak_megabytes, wal_position
from benchmarks.speed.store import ROOT
from chaos.processes import STARTED, environment
from embedded.process import server_process, wait_until_ready
from runtime.runs import start_run
from workflows.messages import MaintenanceRequest


@dataclass(frozen=True, slots=True)
class Cycle:
    """One run: what it returned, how long that took its caller, and what was used and written meanwhile."""

    stats: dict[str, Any]
    seconds: float
    processors: Processors
    wal_bytes: int

    @property
    def rows(self) -> int:
        """Return how many memories decay wrote."""
        return int(self.stats["decay"]["total_updated"])

    @property
    def tenants(self) -> int:
        """Return how many tenants had work."""
        return int(self.stats["tenants"]["with_work"])

    @property
    def summaries(self) -> int:
        """Return how many sessions were summarized."""
        return int(self.stats["summarization"]["stored"])


@dataclass(frozen=True, slots=True)
class Workers:
    """Worker processes that poll for the store at *url*."""

    url: str
    servers: Servers
    client: Client
    processes: Sequence[Process]

    @property
    def peak_megabytes(self) -> float:
        """Return the most memory that one of them had at once so far, in millions of bytes."""
        return max(peak_megabytes(process.pid) for process in self.processes)

    def processors(self) -> Processors:
        """Return what they and both servers have used so far."""
        return self.servers.processors(*(process.pid for process in self.processes))

    async def run(self, request: MaintenanceRequest) -> Cycle:
        """Do one run and wait for its result.

        Raises:
            RuntimeError: a tenant failed.
        """
        wal, before, began = await wal_position(self.url), self.processors(), time.perf_counter()
        stats = await (await start_run(self.client, request)).result()
        seconds, used = time.perf_counter() - began, self.processors().since(before)
        if failed := stats["failed_tenants"]:
            raise RuntimeError(f"{len(failed)} tenants failed")
        return Cycle(stats, seconds, used, await wal_position(self.url) - wal)

    async def decay(self, as_of: datetime) -> Cycle:
        """Do one night of decay and nothing else."""
        return await self.run(MaintenanceRequest(tasks=("decay",), as_of=as_of))


@asynccontextmanager
async def workers(
    servers: Servers, url: str, *, count: int = 1, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Workers]:
    """Run ``worker.py`` so many times on the store at *url*, with default settings but for *settings*."""
    chosen = {
        "DATABASE_URL": url,
        "TEMPORAL_ADDRESS": servers.temporal_address,
        "RAE_LLM_BACKEND": "extractive",
        **(settings or {}),
    }
    async with AsyncExitStack() as stack:
        processes = [
            await stack.enter_async_context(python(servers, str(ROOT / "worker.py"), settings=chosen, until=STARTED))
            for _ in range(count)
        ]
        yield Workers(url, servers, await connected_client(servers.temporal_address), processes)


@asynccontextmanager
async def python(
    servers: Servers, *arguments: str, settings: Mapping[str, str], until: bytes = b""
) -> AsyncIterator[Process]:
    """Run Python that knows nothing of this machine's settings meanwhile, once its output has the words *until*."""
    home, log = servers.home, servers.home / f"{uuid4().hex}.log"

    async def says() -> bool:
        return until in await asyncio.to_thread(log.read_bytes)

    command = [sys.executable, *arguments]
    async with server_process(command, log=log, environment=environment(home, settings), folder=home) as process:
        await wait_until_ready(process, says, name=arguments[0], log=log)
        yield process


async def connected_client(address: str) -> Client:
    """Return a client that speaks as the application does."""
    return await Client.connect(address, data_converter=pydantic_data_converter)

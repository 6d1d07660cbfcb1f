"""The real servers of a measurement, databases on them, and what their processes have used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import psutil

from embedded.postgres import running_postgres
from embedded.temporal import running_temporal

_UNDISTURBED: Final = ("-c", "autovacuum=off")
"""Autovacuum starts once a minute, within some timings and not within others, and takes a core from them."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two servers are, their processes' ids, and a folder for the logs of their clients."""

    home: Path
    postgres_url: str
    temporal_address: str = ""
    postgres_pid: int = 0
    temporal_pid: int = 0

    def processors(self, *workers: int) -> Processors:
        """Return what the servers and the processes *workers* have used so far."""
        pids = (self.temporal_pid, self.postgres_pid)
        return Processors(sum(map(processor_seconds, workers)), *map(processor_seconds, pids))


class Processors(NamedTuple):
    """Processor seconds, user and system."""

    worker: float
    temporal: float
    postgres: float

    def since(self, before: Processors) -> Processors:
        """Return what was used after *before*."""
        return Processors(*(now - then for now, then in zip(self, before, strict=True)))

    def __str__(self) -> str:
        return f"worker {self.worker:.1f} s, Temporal {self.temporal:.1f} s, Postgres {self.postgres:.1f} s"


@asynccontextmanager
async def servers(home: Path) -> AsyncIterator[Servers]:
    """Run both servers as the embedded default does, but Postgres without autovacuum: ``settle`` does its work."""
    async with (
        running_postgres(home / "postgres", log=home / "postgres.log", options=_UNDISTURBED) as postgres,
        running_temporal(home / "temporal.db", log=home / "temporal.log") as temporal,
    ):
        yield Servers(home, postgres.address, temporal.address, postgres.process.pid, temporal.process.pid)


@asynccontextmanager
async def database(servers: Servers, *, template: str | None = None) -> AsyncIterator[str]:
    """Make a database, yield its URL and drop it afterwards.

    Args:
        servers: where.
        template: the URL of a database to copy file by file, bloat and all; with no connection to it.
    """
    name = f"speed_{uuid4().hex[:12]}"
    copied = f" TEMPLATE {urlsplit(template).path[1:]} STRATEGY file_copy" if template else ""
    await command(servers.postgres_url, f"CREATE DATABASE {name}{copied}")
    try:
        yield urlunsplit(urlsplit(servers.postgres_url)._replace(path=f"/{name}"))
    finally:
        await command(servers.postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection in UTC without a limit on how long a statement runs."""
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    try:
        yield connection
    finally:
        await connection.close()


async def command(url: str, sql: str, *arguments: Any) -> str:
    """Run a statement on a connection of its own and return what Postgres says of it."""
    async with connected(url) as connection:
        return str(await connection.execute(sql, *arguments))


async def value(url: str, sql: str, *arguments: Any) -> Any:
    """Return the first value of a statement, on a connection of its own."""
    async with connected(url) as connection:
        return await connection.fetchval(sql, *arguments)


async def settle(url: str) -> None:
    """Bring a store to the state before every timing: vacuumed, analyzed, all on the disk."""
    await command(url, "VACUUM (ANALYZE)")
    await command(url, "CHECKPOINT")


async def wal_position(url: str) -> int:
    """Return how many bytes the server has written ahead; the difference of two calls is what a run wrote."""
    return int(await value(url, "SELECT pg_current_wal_insert_lsn() - '0/0'"))


class Written(NamedTuple):
    """Rows of ``memories`` that were updated since the database was made, and of them those that touched no index."""

    rows: int
    heap_only: int


COUNTERS: Final = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'memories'"


async def written(url: str) -> Written:
    """Return the counters of ``memories``, to which a session adds at its end; before, it may wait for ten seconds."""
    await asyncio.sleep(1)
    async with connected(url) as connection:
        return Written(*(await connection.fetch(COUNTERS))[0])


def processor_seconds(pid: int) -> float:
    """Return what a process has used, with its finished children and the living ones."""
    seconds = 0.0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                seconds += sum(one.cpu_times()[:4])  # user and system, then those of finished children
    return seconds


def peak_megabytes(pid: int) -> float:
    """Return the most memory that a process had at once (VmHWM), in millions of bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:"))

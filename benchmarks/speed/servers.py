"""The real servers of a measurement, with the settings of the embedded default, and databases on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from embedded.postgres import running_postgres
from embedded.temporal import running_temporal

MEGABYTE = 1_000_000

_UNDISTURBED: Final = ("-c", "autovacuum=off")
"""It begins once a minute, within some timings and not within others, and takes a quarter of Postgres's processor."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two servers are, and their processes' ids."""

    postgres_url: str
    temporal_address: str
    postgres_pid: int
    temporal_pid: int


@asynccontextmanager
async def servers(home: Path, *, temporal_database: bool = False) -> AsyncIterator[Servers]:
    """Run both servers of this project's packages meanwhile, Postgres without autovacuum: ``settle`` does its work.

    Args:
        home: an existing folder, best an empty one; for root's Postgres every user may pass through it.
        temporal_database: keep Temporal's histories in a file, as the embedded default does; else in memory.
    """
    database = home / "temporal.db" if temporal_database else None
    async with (
        running_postgres(home / "postgres", log=home / "postgres.log", options=_UNDISTURBED) as postgres,
        running_temporal(database, log=home / "temporal.log") as temporal,
    ):
        yield Servers(postgres.address, temporal.address, postgres.process.pid, temporal.process.pid)


@asynccontextmanager
async def database(servers: Servers, *, template: str | None = None) -> AsyncIterator[str]:
    """Make a fresh database, yield its URL and drop it afterwards.

    Args:
        servers: where.
        template: the URL of a database to copy file by file, bloat and all; nobody may be connected to it.
    """
    name = f"speed_{uuid4().hex[:12]}"
    copied = f" TEMPLATE {_name(template)} STRATEGY file_copy" if template else ""
    await command(servers.postgres_url, f"CREATE DATABASE {name}{copied}")
    try:
        yield urlunsplit(urlsplit(servers.postgres_url)._replace(path=f"/{name}"))
    finally:
        await command(servers.postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection in UTC without a limit on how long a statement runs."""
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    try:
        yield connection
    finally:
        await connection.close()


async def command(url: str, sql: str, *arguments: Any) -> None:
    """Run one statement, on a connection of its own."""
    async with connected(url) as connection:
        await connection.execute(sql, *arguments)


async def value(url: str, sql: str, *arguments: Any) -> Any:
    """Return the first value of a statement, on a connection of its own."""
    async with connected(url) as connection:
        return await connection.fetchval(sql, *arguments)


async def settle(url: str) -> None:
    """Bring a store to the state before every timing: vacuumed, analyzed, all on the disk."""
    await command(url, "VACUUM (ANALYZE)")
    await command(url, "CHECKPOINT")


async def wal_position(url: str) -> int:
    """Return how many bytes the server has written ahead since its birth; their difference is what a run wrote."""
    return int(await value(url, "SELECT pg_current_wal_insert_lsn() - '0/0'"))


@dataclass(frozen=True, slots=True)
class Updates:
    """Rows of ``memories`` that were written since the database was made."""

    rows: int
    hot: int
    """Of them without touching any index."""

    def since(self, before: Updates) -> Updates:
        """Return what came after *before*."""
        return Updates(self.rows - before.rows, self.hot - before.hot)

    @property
    def hot_share(self) -> float:
        """Return the share in [0, 1]; 0 where nothing was written."""
        return self.hot / self.rows if self.rows else 0.0


async def updates(url: str) -> Updates:
    """Return the counters of ``memories``. Sessions report theirs at the latest a second after their last statement."""
    await asyncio.sleep(1.1)
    async with connected(url) as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        row = await connection.fetchrow(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'memories'"
        )
    return Updates(row["n_tup_upd"], row["n_tup_hot_upd"]) if row else Updates(0, 0)


async def transaction_id(url: str) -> int:
    """Return a transaction id: every later one is larger."""
    return int(await value(url, "SELECT pg_current_xact_id()::text::bigint"))


async def rows_written_since(url: str, transaction: int) -> int:
    """Return how many memories were written by transactions after *transaction*."""
    # Of a fresh server: the ids have not wrapped around.
    return int(await value(url, "SELECT count(*) FROM memories WHERE xmin::text::bigint > $1", transaction))

"""Opening the pool, and the one way to run a statement.

Every statement of the library goes through ``fetch``, ``fetch_row``, ``fetch_value``, ``execute``, ``transaction`` or
``snapshot``: there, and nowhere else, Postgres's errors become ours (``failures.py``).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, Literal

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from memory_maintenance.errors import StoreError
from memory_maintenance.spans import span
from memory_maintenance.store.failures import address, connection_errors, store_errors
from memory_maintenance.store.statement import name_of

logger = structlog.get_logger(__name__)

Pool = asyncpg.Pool | asyncpg.Connection
"""What callers pass as ``pool``: any asyncpg pool, or one connection that nothing else uses meanwhile."""

Executor = asyncpg.Pool | asyncpg.Connection | PoolConnectionProxy
"""What runs a statement: a pool, which lends a connection for it, or the connection of a transaction."""

_NAME: Final = {"application_name": "memory-maintenance"}

_SETTINGS: Final = {
    **_NAME,
    "timezone": "UTC",
    # A plan for any arguments, which Postgres takes from the sixth call on, was quadratic in the sessions of a page.
    "plan_cache_mode": "force_custom_plan",
    # A host that has gone, and a client that no longer reads, are noticed in half a minute; the kernel's own time is
    # two hours. On a socket of this machine they mean nothing.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": "30s",
}


class _OwnConnection(asyncpg.Connection):
    """A connection of our own pool: either the session has the settings above, or no statement is kept."""

    __slots__ = ()

    plans_each_time: Final = True

    def get_reset_query(self) -> str:
        """Save asyncpg's RESET, a round trip for every statement: none changes a session beyond its transaction."""
        return ""


def _begin(name: str, isolation: str, *, idle: str) -> str:
    """Return the statement that begins a transaction, with bounds that hold to its end on any connection.

    In one round trip, and also behind a pooler. A tighter bound of a DBA's stays. A process that is frozen, or whose
    host has gone, holds its locks no longer than *idle*, and cannot commit later: shorter than a heartbeat's time-out,
    so that a retry elsewhere finds them free.
    """
    return f"""
-- {name}
BEGIN ISOLATION LEVEL {isolation};
SET LOCAL plan_cache_mode = force_custom_plan;
SELECT set_config(name, bound, true)
FROM (VALUES ('idle_in_transaction_session_timeout', '{idle}'), ('lock_timeout', '30s')) AS b (name, bound)
WHERE current_setting(name)::interval NOT BETWEEN '1 ms' AND bound::interval
"""  # noqa: S608  constants of this module


_SPAN: Final = {"db.system.name": "postgresql"}
"""What a trace says of a statement besides its name: parameters may hold texts."""

BEGIN: Final = _begin("store.BEGIN: a transaction that writes.", "READ COMMITTED", idle="10s")

BEGIN_SNAPSHOT: Final = _begin(
    "store.BEGIN_SNAPSHOT: it holds no row locks, so it may take its time between two statements.",
    "REPEATABLE READ READ ONLY",
    idle="60s",
)


async def open_pool(
    dsn: str,
    *,
    size: int,
    timeout_seconds: float,
    init: Callable[[asyncpg.Connection], Coroutine[Any, Any, None]] | None = None,
) -> asyncpg.Pool:
    """Connect to Postgres, also through a pooler, and return a pool.

    Args:
        dsn: the address.
        size: most connections.
        timeout_seconds: longest run of one statement.
        init: called with each new connection, for instance to set the caller's own codecs.

    Raises:
        DatabaseUnavailableError: nothing answers at the address.
        DatabaseRefusedError: wrong user, password or database.
    """
    opening = partial(
        asyncpg.create_pool,
        dsn,
        min_size=1,
        max_size=size,
        command_timeout=timeout_seconds,
        init=init,
        connection_class=_OwnConnection,
    )
    with connection_errors(dsn):
        try:
            pool = await opening(server_settings=_SETTINGS)
        except asyncpg.ProtocolViolationError:
            pass  # pgbouncer's answer to settings that it does not know
        else:
            if not await _is_behind_a_pooler(pool):
                return pool
            await pool.close()
        pool = await opening(server_settings=_NAME, statement_cache_size=0)
        logger.info("database_pooler_found", address=address(dsn))
        return pool


async def _is_behind_a_pooler(pool: asyncpg.Pool) -> bool:
    """Return whether another session than the one that answered the log-in runs the statements."""
    async with pool.acquire() as connection, connection.transaction():
        # Without a name: a name may be taken by another client of the pooler's.
        statement = await connection.prepare("SELECT pg_backend_pid()", name="")
        return bool(await statement.fetchval() != connection.get_server_pid())


async def fetch(db: Executor, sql: str, *arguments: Any) -> list[asyncpg.Record]:
    """Run *sql* and return its rows."""
    return list(await _ask(db, "fetch", sql, arguments))


async def fetch_row(db: Executor, sql: str, *arguments: Any) -> asyncpg.Record | None:
    """Run *sql* and return its first row."""
    row: asyncpg.Record | None = await _ask(db, "fetchrow", sql, arguments)
    return row


async def fetch_value(db: Executor, sql: str, *arguments: Any) -> Any:
    """Run *sql* and return the first column of its first row."""
    return await _ask(db, "fetchval", sql, arguments)


async def execute(db: Executor, sql: str, *arguments: Any) -> int:
    """Run *sql* and return how many rows it touched."""
    tag: str = await _ask(db, "execute", sql, arguments)
    count = tag.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


async def _ask(
    db: Executor, how: Literal["fetch", "fetchrow", "fetchval", "execute"], sql: str, arguments: tuple[Any, ...]
) -> Any:
    """Run *sql*: on a session of our own as it is, on a caller's in a transaction, which has our settings."""
    with store_errors(), span(name_of(sql), _SPAN):
        async with _lent(db) as connection:
            if connection.is_in_transaction() or getattr(connection, "plans_each_time", False):
                return await getattr(connection, how)(sql, *arguments)
            async with _bracket(connection, BEGIN):
                return await getattr(connection, how)(sql, *arguments)


def to_json(value: Any) -> str:
    """Return *value* for a parameter that the statement writes as ``$n::text::jsonb``.

    Statements take and return JSON as text, so that it does not matter whether the caller's pool has a codec for
    jsonb, and which.
    """
    return json.dumps(value)


def from_json(stored: str | None) -> Any:
    """Return the value of a column that the statement reads as ``column::text``; NULL is None."""
    return None if stored is None else json.loads(stored)


def json_object(stored: str | None) -> dict[str, Any]:
    """Return a column that ought to hold a JSON object; empty where it holds something else."""
    value = from_json(stored)
    return value if isinstance(value, dict) else {}


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[asyncpg.Connection | PoolConnectionProxy]:
    """Lend a connection in a transaction that commits at the end, or not at all."""
    with store_errors():
        async with _lent(pool) as connection, _bracket(connection, BEGIN):
            yield connection


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[asyncpg.Connection | PoolConnectionProxy]:
    """Lend a connection that sees the store as of one instant and cannot write."""
    with store_errors():
        async with _lent(pool) as connection, _bracket(connection, BEGIN_SNAPSHOT):
            yield connection


@asynccontextmanager
async def _bracket(connection: asyncpg.Connection | PoolConnectionProxy, begin: str) -> AsyncIterator[None]:
    """Run the body between *begin* and COMMIT; in a transaction of the caller's between a savepoint and its release."""
    commit, rollback = "COMMIT", "ROLLBACK"
    if connection.is_in_transaction():
        begin, commit = "SAVEPOINT memory_maintenance", "RELEASE memory_maintenance"
        rollback = f"ROLLBACK TO memory_maintenance; {commit}"
    try:
        await connection.execute(begin)
        yield
    except BaseException:
        # Where the connection has gone, so has the transaction; what ended the body is what counts.
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await connection.execute(rollback)
        raise
    if await connection.execute(commit) == "ROLLBACK":
        raise StoreError("nothing was written: a statement of the transaction had failed")


@asynccontextmanager
async def _lent(pool: Executor) -> AsyncIterator[asyncpg.Connection | PoolConnectionProxy]:
    if isinstance(pool, asyncpg.Connection | PoolConnectionProxy):
        yield pool
    else:
        async with pool.acquire() as connection:
            yield connection

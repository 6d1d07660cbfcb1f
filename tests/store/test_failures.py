"""What Postgres reports, provoked where that is possible, and what becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from memory_maintenance.errors import (
    DatabaseBusyError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
    InvalidRequestError,
    MaintenanceError,
    StatementTimeoutError,
    StoreError,
)
from memory_maintenance.store.failures import VERDICTS
from memory_maintenance.store.pool import Executor, Pool, execute, fetch_value, open_pool, transaction
from tests.agents import talk, write

GONE = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $1"


@asynccontextmanager
async def session(url: str, **settings: str) -> AsyncIterator[asyncpg.Connection]:
    """A session of a caller's with settings of a DBA's."""
    connection = await asyncpg.connect(url, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close()


async def _asleep(db: Executor, pool: Pool) -> asyncio.Task[Any]:
    asleep = asyncio.create_task(fetch_value(db, "SELECT pg_sleep(60)"))
    while not await fetch_value(pool, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
        await asyncio.sleep(0.01)
    return asleep


async def read_only(url: str, _pool: Pool) -> None:
    async with session(url, default_transaction_read_only="on") as theirs:
        await execute(theirs, "DELETE FROM memories WHERE usage_count = $1", 7)


async def terminated(_url: str, pool: Pool) -> None:
    async with transaction(pool) as db:
        asleep = await _asleep(db, pool)
        await execute(pool, "SELECT pg_terminate_backend($1, 5000)", db.get_server_pid())
        await asleep


async def stood_still(url: str, _pool: Pool) -> None:
    async with session(url, idle_in_transaction_session_timeout="20ms") as theirs, transaction(theirs) as db:
        with ThreadPoolExecutor(1) as thread:  # nothing else runs here, as in a process that is frozen
            thread.submit(asyncio.run, _until_gone(url, db.get_server_pid())).result()
        await fetch_value(db, "SELECT 1")


async def _until_gone(url: str, pid: int) -> None:
    async with session(url) as other:
        while not await other.fetchval(GONE, pid):
            await asyncio.sleep(0.01)


async def changed_meanwhile(url: str, pool: Pool) -> None:
    await write(pool, "acme", talk(1))
    async with session(url) as theirs, theirs.transaction(isolation="repeatable_read"):
        await fetch_value(theirs, "SELECT count(*) FROM memories")
        await execute(pool, "UPDATE memories SET usage_count = 1")
        await execute(theirs, "UPDATE memories SET usage_count = 2")


async def in_each_others_way(url: str, pool: Pool) -> None:
    first, second = await write(pool, "acme", talk(2))
    touch = "UPDATE memories SET usage_count = 1 WHERE id = $1"
    async with AsyncExitStack() as stack:
        patient = await stack.enter_async_context(session(url, deadlock_timeout="10s"))
        hasty = await stack.enter_async_context(session(url, deadlock_timeout="10ms"))
        await stack.enter_async_context(patient.transaction())
        db = await stack.enter_async_context(transaction(hasty))
        await patient.execute(touch, first)
        await execute(db, touch, second)
        waiting = asyncio.create_task(patient.execute(touch, second))
        try:
            await execute(db, touch, first)
        finally:
            await hasty.execute("ROLLBACK")
            await waiting


async def locked(url: str, pool: Pool) -> None:
    await write(pool, "acme", talk(1))
    async with session(url, lock_timeout="20ms") as theirs, transaction(pool) as holding:
        await execute(holding, "UPDATE memories SET usage_count = 1")
        await execute(theirs, "UPDATE memories SET usage_count = 2")


async def too_slow(url: str, _pool: Pool) -> None:
    async with session(url, statement_timeout="20ms") as theirs:
        await fetch_value(theirs, "SELECT pg_sleep(60)")


async def cancelled_by_an_operator(_url: str, pool: Pool) -> None:
    async with transaction(pool) as db:
        asleep = await _asleep(db, pool)
        await execute(pool, "SELECT pg_cancel_backend($1)", db.get_server_pid())
        await asleep


@asynccontextmanager
async def role(pool: Pool, kind: str) -> AsyncIterator[str]:
    name = f"role_{uuid4().hex[:8]}"
    await execute(pool, f"CREATE ROLE {name} {kind}")
    try:
        yield name
    finally:
        await execute(pool, f"DROP ROLE {name}")


async def no_connection_free(url: str, pool: Pool) -> None:
    async with role(pool, "LOGIN CONNECTION LIMIT 0") as name:
        await _opened_by(url, name)


async def no_log_in(url: str, pool: Pool) -> None:
    async with role(pool, "NOLOGIN") as name:
        await _opened_by(url, name)


async def no_right(url: str, pool: Pool) -> None:
    async with role(pool, "NOLOGIN") as name, session(url) as theirs:
        await theirs.execute(f"SET ROLE {name}")
        await fetch_value(theirs, "SELECT count(*) FROM memories")


async def _opened_by(url: str, name: str) -> None:
    parts = urlsplit(url)
    await open_pool(urlunsplit(parts._replace(netloc=f"{name}@{parts.hostname or ''}")), size=1, timeout_seconds=5)


def statement(sql: str) -> Callable[[str, Pool], Awaitable[None]]:
    async def run(url: str, _pool: Pool) -> None:
        async with session(url) as theirs, transaction(theirs) as db:
            await db.execute("PREPARE kept AS SELECT 1")
            await execute(db, sql)

    return run


PROVOKED: list[tuple[str, Callable[[str, Pool], Awaitable[None]], type[MaintenanceError], str]] = [
    ("25006", read_only, DatabaseUnavailableError, "the database is read-only"),
    # asyncpg tells of the end of the connection, and not of the last words.
    ("08003", terminated, DatabaseUnavailableError, "is it running"),
    ("08003", stood_still, DatabaseUnavailableError, "did this process stand still in a transaction"),
    ("40001", changed_meanwhile, DatabaseBusyError, "another transaction in the way"),
    ("40P01", in_each_others_way, DatabaseBusyError, "another transaction in the way"),
    ("55P03", locked, DatabaseBusyError, "locked by another session"),
    ("57014", too_slow, StatementTimeoutError, "statement_timeout"),
    ("57014", cancelled_by_an_operator, StatementTimeoutError, "an operator"),
    ("53300", no_connection_free, DatabaseUnavailableError, "no connection free"),
    ("28000", no_log_in, DatabaseRefusedError, "check DATABASE_URL"),
    ("42501", no_right, DatabaseRefusedError, "rights"),
    ("58P01", statement("SELECT pg_read_file('/nowhere')"), DatabaseUnavailableError, "trouble with its machine"),
    ("42P05", statement("PREPARE kept AS SELECT 2"), DatabaseRefusedError, "statement_cache_size=0"),
    ("26000", statement("EXECUTE lost"), DatabaseRefusedError, "Postgres's own port"),
    ("22012", statement("SELECT 1 / 0"), InvalidRequestError, "does not fit"),
    ("P0001", statement("DO $$ BEGIN RAISE 'no'; END $$"), StoreError, "a statement failed"),
]


@pytest.mark.parametrize(
    ("state", "provoke", "error", "says"), PROVOKED, ids=lambda value: getattr(value, "__name__", None)
)
async def test_a_state_that_postgres_reports_is_named_as_what_it_is(pool, store_url, state, provoke, error, says):
    with pytest.raises(error, match=says) as caught:
        await provoke(store_url, pool)
    assert type(caught.value) is error
    assert f"(SQLSTATE {state})" in str(caught.value)


TOLD: list[tuple[str, type[MaintenanceError]]] = [
    ("08006", DatabaseUnavailableError),
    ("08P01", DatabaseUnavailableError),
    ("25P03", DatabaseUnavailableError),
    ("57P01", DatabaseUnavailableError),
    ("57P02", DatabaseUnavailableError),
    ("57P03", DatabaseUnavailableError),
    ("57P05", DatabaseUnavailableError),
    ("53100", DatabaseUnavailableError),
    ("53200", DatabaseUnavailableError),
    ("3D000", DatabaseRefusedError),
    ("57P04", DatabaseRefusedError),
    ("25P04", StatementTimeoutError),
]
"""States that no test can provoke: here a server of our own reports them."""


@pytest.mark.parametrize(("state", "error"), TOLD)
async def test_a_state_that_a_server_reports_at_the_log_in(state, error):
    async def report(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        fields = f"SFATAL\0VFATAL\0C{state}\0Mreported\0\0".encode()
        writer.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(report, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(error) as caught:
        await open_pool(f"postgresql://ana@127.0.0.1:{port}/x?sslmode=disable", size=1, timeout_seconds=5)
    assert (type(caught.value), f"SQLSTATE {state})" in str(caught.value)) == (error, True)
    server.close()


def test_every_verdict_is_met_by_a_test():
    met = {state for state, *_ in PROVOKED} | {state for state, _ in TOLD}
    assert {one for one in VERDICTS if not any(state.startswith(one) for state in met)} == set()


RETRIED: dict[type[MaintenanceError], tuple[bool, Any]] = {
    DatabaseUnavailableError: (True, None),
    DatabaseBusyError: (True, None),
    StatementTimeoutError: (True, 3),
    DatabaseRefusedError: (False, None),
    InvalidRequestError: (False, None),
    StoreError: (False, None),
}


@pytest.mark.parametrize("error", RETRIED)
def test_what_a_retry_helps(error):
    assert (error.retryable, error.most_attempts) == RETRIED[error]

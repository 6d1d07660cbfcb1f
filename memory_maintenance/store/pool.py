"""Opening the pool, and the one way to run a statement.

Every statement of the library goes through ``fetch``, ``fetch_row``, ``fetch_value``,
``execute`` or ``transaction``: there, and nowhere else, Postgres's errors become ours.
A foreign error's text may hold a row's content, so only its type and SQLSTATE go on.
"""

from __future__ import annotations

import json
import os
import re
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from memory_maintenance.errors import (
    DatabaseRefusedError,
    DatabaseUnavailableError,
    InvalidRequestError,
    MaintenanceError,
    NotMigratedError,
    StoreError,
)

Pool = asyncpg.Pool | asyncpg.Connection
"""What callers pass as ``pool``: any asyncpg pool, or one connection that nothing else uses meanwhile."""

Executor = asyncpg.Pool | asyncpg.Connection | PoolConnectionProxy
"""What runs a statement: a pool, which lends a connection for it, or the connection of a transaction."""

_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,  # the server has said that it ends the connection, and has not yet done so
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    ConnectionError,
    TimeoutError,
    OSError,
)
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
_LOST: Final = re.compile(r"\bis clos(ed|ing)\b|has been released back to the pool|another operation is")
"""asyncpg has one type for a connection that has gone and for a call that is wrong: only its words differ.

Also one that the server ended is "released back to the pool", and one whose statement was cancelled has
"another operation" on it.
"""
_OURS = ("maintenance.", "base_importance", "decayed_importance")


_SESSION = {
    "application_name": "memory-maintenance",
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


class _Session(asyncpg.Connection):
    """A connection of our own pool, with the settings above from its first statement to its last."""

    __slots__ = ()

    plans_for_arguments: Final = True

    def get_reset_query(self) -> str:
        """Save asyncpg's RESET, a round trip for every statement: none changes a session beyond its transaction."""
        return ""


_BOUNDS: Final = """
SET LOCAL plan_cache_mode = force_custom_plan;
SELECT set_config(name, bound, true)
FROM (VALUES ('idle_in_transaction_session_timeout', '{idle}'), ('lock_timeout', '30s')) AS b (name, bound)
WHERE current_setting(name)::interval NOT BETWEEN '1 ms' AND bound::interval
"""
"""Holds to the end of a transaction on any connection, also behind a pooler. A tighter bound of a DBA's stays.

A process that is frozen, or whose host has gone, holds its locks no longer than ``idle``, and cannot commit later:
shorter than a heartbeat's time-out, so that a retry elsewhere finds them free.
"""

BEGIN: Final = """
-- store.BEGIN: in one round trip with what holds for the transaction.
BEGIN ISOLATION LEVEL READ COMMITTED;""" + _BOUNDS.format(idle="10s")

BEGIN_SNAPSHOT: Final = """
-- store.BEGIN_SNAPSHOT: holds no row locks, so it may take its time between two statements.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;""" + _BOUNDS.format(idle="60s")


async def open_pool(
    dsn: str,
    *,
    size: int,
    timeout_seconds: float,
    init: Callable[[asyncpg.Connection], Coroutine[Any, Any, None]] | None = None,
) -> asyncpg.Pool:
    """Connect to Postgres and return a pool.

    Args:
        dsn: the address.
        size: most connections.
        timeout_seconds: longest run of one statement.
        init: called with each new connection, for instance to set the caller's own codecs.

    Raises:
        DatabaseUnavailableError: nothing answers at the address.
        DatabaseRefusedError: wrong user, password or database.
    """
    with connection_errors(dsn):
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            command_timeout=timeout_seconds,
            init=init,
            connection_class=_Session,
            server_settings=_SESSION,
        )


@contextmanager
def connection_errors(dsn: str) -> Iterator[None]:
    """Turn errors of connecting to *dsn* into ours; what an address or a certificate lacks is said."""
    with store_errors(where=address(dsn)):
        try:
            yield
        except MaintenanceError:
            raise
        except ssl.SSLCertVerificationError:
            raise DatabaseRefusedError(
                f"the certificate of {address(dsn)} is not one of the root certificate, or names another host: "
                "check sslrootcert in DATABASE_URL"
            ) from None
        except (ssl.SSLError, FileNotFoundError, ValueError) as error:
            raise (_without_certificate(dsn, error) or error) from None
        except asyncpg.InterfaceError as error:
            if _LOST.search(str(error)):
                raise
            raise DatabaseRefusedError(
                f"{address(dsn)} wants a log-in that asyncpg cannot do ({_kind(error)}): let it take scram-sha-256"
            ) from None


def _without_certificate(dsn: str, error: Exception) -> DatabaseRefusedError | None:
    """Return what to set where *error* is about an address that cannot be read or a file it names; else None."""
    verifies = "sslmode=verify" in dsn or os.environ.get("PGSSLMODE", "").startswith("verify")
    if verifies and ("root certificate" in str(error) or not isinstance(error, ValueError)):
        return DatabaseRefusedError(
            f"sslmode asks for a root certificate to check {address(dsn)} by, and there is none that can be read: set "
            "sslrootcert=FILE in DATABASE_URL or PGSSLROOTCERT=FILE, or put it at ~/.postgresql/root.crt"
        )
    if isinstance(error, ValueError):
        return DatabaseRefusedError(f"DATABASE_URL cannot be read ({type(error).__name__}): see README")
    return None


def address(dsn: str) -> str:
    """Return host, port and database of *dsn*, without user and password."""
    try:
        parts = urlsplit(dsn)
        return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"
    except ValueError:
        return "the address in DATABASE_URL"


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
    """Run *sql* with a plan for these *arguments*.

    A statement that a connection keeps gets, from its sixth run on, a plan for any arguments, unless the session or
    the transaction says otherwise. A session of the caller's own does not, so there the statement is prepared for
    this one time: one more round trip, where SET and RESET would take two, and the caller's cache of statements
    stays as it is.
    """
    with store_errors():
        async with _lent(db) as connection:
            own_plan = connection.is_in_transaction() or getattr(connection, "plans_for_arguments", False)
            if own_plan or (how == "execute" and not arguments):
                return await getattr(connection, how)(sql, *arguments)
            statement = await connection.prepare(sql, name="")
            if how != "execute":
                return await getattr(statement, how)(*arguments)
            await statement.fetch(*arguments)
            return statement.get_statusmsg()


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


@contextmanager
def store_errors(where: str = "the database") -> Iterator[None]:
    """Turn errors of Postgres and of the network into ours, without their text.

    What asyncpg says of a call that is wrong stays as it is: a defect, which no retry mends.
    """
    try:
        yield
    except MaintenanceError:
        raise
    except (
        asyncpg.UndefinedTableError,
        asyncpg.UndefinedColumnError,
        asyncpg.UndefinedFunctionError,
        asyncpg.InvalidSchemaNameError,
    ) as error:
        raise _missing(error) from None
    except asyncpg.DataError as error:
        raise InvalidRequestError(f"a value does not fit its column ({_kind(error)}): check the ids") from None
    except _REFUSED as error:
        raise DatabaseRefusedError(f"{where} refused: {_kind(error)}; check DATABASE_URL and its rights") from None
    except asyncpg.InterfaceError as error:
        if not _LOST.search(str(error)):
            raise
        raise DatabaseUnavailableError(f"{where} does not answer: the connection has gone; is it running?") from None
    except _UNAVAILABLE as error:
        raise DatabaseUnavailableError(f"{where} does not answer: {_kind(error)}; is it running?") from None
    except asyncpg.PostgresError as error:
        raise StoreError(f"a statement failed: {_kind(error)}") from None


def _missing(error: asyncpg.PostgresError) -> StoreError:
    named = str(error)
    if any(name in named for name in _OURS):
        return NotMigratedError()
    return StoreError(f"the store lacks something a statement needs: {_kind(error)}; run `python starter.py migrate`")


def _kind(error: BaseException) -> str:
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} (SQLSTATE {state})" if state else type(error).__name__

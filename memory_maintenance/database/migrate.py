"""Bringing a store to the shape this version needs: safe to run from ten processes at once.

Import it where it is called: Alembic and SQLAlchemy take 20 MB and a quarter of a second, and few processes migrate.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from memory_maintenance.database.pool import address, connection_errors, store_errors
from memory_maintenance.errors import DatabaseUnavailableError

_LOCK = 7_295_118_402_318_874_113
_POLL_SECONDS = 0.2
_TRIES = 20


async def migrate(dsn: str) -> None:
    """Create what is missing in the database at *dsn*; what is there is only ever added to.

    Raises:
        DatabaseUnavailableError: Postgres does not answer, or others kept the table locked.
        DatabaseRefusedError: the user may not create the schema.
        StoreShapeError: the memories table lacks a column that maintenance needs.
    """
    engine = create_async_engine("postgresql+asyncpg://", async_creator=partial(_connect, dsn), poolclass=NullPool)
    try:
        with store_errors(where=address(dsn)):
            await _migrate_alone(engine.connect(), engine.connect())
    finally:
        await engine.dispose()


async def _connect(dsn: str) -> asyncpg.Connection:
    # Here, and not around it all: SQLAlchemy puts its own error, and its text, around what it takes for a driver's.
    with connection_errors(dsn):
        return await asyncpg.connect(dsn, timeout=10)


async def _migrate_alone(guard_connection: AsyncConnection, connection: AsyncConnection) -> None:
    async with guard_connection as guard, connection as worker:
        await _lock(guard)
        for attempt in range(1, _TRIES + 1):
            try:
                await worker.run_sync(_upgrade)
                return
            except DBAPIError as error:
                await worker.rollback()
                _raise_unless_locked(error, attempt)
                await asyncio.sleep(_POLL_SECONDS * attempt)


async def _lock(guard: AsyncConnection) -> None:
    # Polled, not awaited inside Postgres: a waiting statement holds a snapshot, and
    # CREATE INDEX CONCURRENTLY waits for older snapshots: the two would wait for ever.
    while not await guard.scalar(text(f"SELECT pg_try_advisory_lock({_LOCK})")):
        await guard.commit()
        await asyncio.sleep(_POLL_SECONDS)
    await guard.commit()


def newest_revision() -> str | None:
    """Return the revision that this version of the code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _raise_unless_locked(error: DBAPIError, attempt: int) -> None:
    cause = error.orig.__cause__ if error.orig else None
    if not isinstance(cause, asyncpg.LockNotAvailableError):
        raise cause or error
    if attempt == _TRIES:
        raise DatabaseUnavailableError("other transactions keep the memories table locked: run migrate again later")

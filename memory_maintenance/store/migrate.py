"""Bringing a store to the shape this version needs: safe to run from ten processes at once.

Import it where it is called: Alembic and SQLAlchemy take 20 MB and a quarter of a second, and few processes migrate.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from memory_maintenance.errors import DatabaseUnavailableError, StoreShapeError
from memory_maintenance.store.pool import address, connection_errors, store_errors

PRESENT: Final = """
-- database.PRESENT: the columns of what is in the schema maintenance.
SELECT c.relname AS table_name, a.attname AS column_name
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = to_regnamespace('maintenance') AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
"""

RECOVERY: Final = (
    "Restore it from a backup; or DROP SCHEMA maintenance CASCADE, then `python starter.py migrate`: memories and "
    "their bases of decay stay, what else maintenance knew (pauses, overrides, orders, runs, budgets) is lost"
)
"""What to do about a table that a migration created and somebody dropped: it is not created a second time."""

_TABLE: Final = re.compile(r"^CREATE TABLE maintenance\.(\w+) \((.*?)^\)", re.MULTILINE | re.DOTALL)
_COLUMN: Final = re.compile(r"^    ([a-z_]+) ", re.MULTILINE)

_LOCK = 7_295_118_402_318_874_113
_POLL_SECONDS = 0.2
_TRIES = 20


async def migrate(dsn: str) -> None:
    """Create what is missing in the database at *dsn*; what is there is only ever added to.

    Raises:
        DatabaseUnavailableError: Postgres does not answer, or others kept the table locked.
        DatabaseRefusedError: the user may not create the schema.
        StoreShapeError: the memories table lacks a column that maintenance needs, or a table of ours was dropped.
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
            except SQLAlchemyError as error:
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


def created_tables() -> dict[str, frozenset[str]]:
    """Return the tables of schema ``maintenance`` with their columns, as the revisions' own statements create them."""
    revisions = list(ScriptDirectory.from_config(_config()).walk_revisions())
    statements = "".join(getattr(revision.module, "CONTROL", "") for revision in reversed(revisions))
    return {name: frozenset(_COLUMN.findall(body)) for name, body in _TABLE.findall(statements)}


def lost_tables(present: Mapping[str, Collection[str]]) -> list[str]:
    """Return what of ``created_tables`` is not among *present*, which has columns by table: tables, and columns."""
    lost = []
    for table, columns in created_tables().items():
        if table not in present:
            lost.append(f"table maintenance.{table}")
        else:
            lost += [f"column maintenance.{table}.{name}" for name in sorted(columns - set(present[table]))]
    return lost


def newest_revision() -> str | None:
    """Return the revision that this version of the code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    present: dict[str, set[str]] = {}
    for row in connection.execute(text(PRESENT)):
        present.setdefault(row.table_name, set()).add(row.column_name)
    if lost := lost_tables(present):
        raise StoreShapeError(f"missing: {', '.join(lost)}. {RECOVERY}")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _raise_unless_locked(error: SQLAlchemyError, attempt: int) -> None:
    # Where a connection breaks while an index is built, SQLAlchemy puts one more error of its own around the driver's.
    said = error if isinstance(error, DBAPIError) else error.__context__
    cause = said.orig.__cause__ if isinstance(said, DBAPIError) and said.orig else None
    if not isinstance(cause, asyncpg.LockNotAvailableError):
        raise cause or error
    if attempt == _TRIES:
        raise DatabaseUnavailableError("other transactions keep the memories table locked: run migrate again later")

"""Bringing a store to the shape this version needs: safe from ten processes at once, and again after a crash.

Everything that is missing is added, in an order in which each step may be interrupted and run again: the columns of
``memories``; its indexes, built while agents go on writing; the migrations of the schema ``maintenance``, each in a
transaction. No existing table is rewritten, or locked for longer than 2 seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import structlog

from memory_maintenance.errors import DatabaseBusyError, StoreShapeError
from memory_maintenance.store.failures import address, connection_errors, store_errors
from memory_maintenance.store.schema import (
    ADDED,
    APPLIED,
    COLUMNS,
    ELSEWHERE,
    INDEX_STATE,
    INDEX_STATES,
    INDEXES,
    MEMORIES,
    OBSOLETE_INDEXES,
    PARTS,
    PARTS_INDEXES,
    PRESENT,
    RECOVERY,
    SHAPE,
    TABLE,
    is_numbered,
    lost,
    migrations,
)

logger = structlog.get_logger(__name__)

ADOPTED_FROM_ALEMBIC: Final = """
-- store.ADOPTED_FROM_ALEMBIC: takes over what Alembic recorded.
CREATE TABLE maintenance.migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
DO $$ BEGIN
    IF to_regclass('maintenance.alembic_version') IS NOT NULL THEN
        INSERT INTO maintenance.migrations (name)
        SELECT name FROM unnest('{0001_adopt,0002_schedule_orders,0003_covered_by_tenant}'::text[]) AS known (name)
        WHERE left(name, 4) <= (SELECT version_num FROM maintenance.alembic_version);
        DROP TABLE maintenance.alembic_version;
    END IF;
END $$
"""
"""Before revision 0004 Alembic did this; its table names the newest of the revisions that a store has."""

RECORDED: Final = """
-- store.RECORDED: a migration that is done, in place of an earlier state of it.
--   $1 name  text
WITH earlier AS (
    DELETE FROM maintenance.migrations WHERE split_part(name, ' ', 1) = split_part($1, ' ', 1) AND name <> $1
)
INSERT INTO maintenance.migrations (name) VALUES ($1) ON CONFLICT DO NOTHING
"""

_LOCK: Final = 7_295_118_402_318_874_113
_POLL_SECONDS: Final = 0.2
_TRIES: Final = 20
_LONGEST_WAIT_SECONDS: Final = 600
"""For another process that migrates: an index of a large table takes minutes."""


async def migrate(dsn: str) -> None:
    """Create what is missing in the database at *dsn*; what is there is only ever added to.

    Raises:
        DatabaseUnavailableError: Postgres does not answer.
        DatabaseBusyError: others kept the table locked, or another process migrates the store for ten minutes.
        DatabaseRefusedError: the user may not create the schema.
        StoreShapeError: the memories table cannot be used as it is, or a table of schema maintenance was dropped.
    """
    with store_errors(where=address(dsn)):
        async with _connected(dsn) as guard, _connected(dsn) as db, _alone(guard):
            for attempt in range(1, _TRIES + 1):
                try:
                    await _upgrade(db)
                    return
                except asyncpg.LockNotAvailableError:
                    await asyncio.sleep(_POLL_SECONDS * attempt)
            raise DatabaseBusyError("other transactions keep the memories table locked: run migrate again later")


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    with connection_errors(dsn):
        # Behind a pooler the next statement may meet another session, which has no statement that was kept.
        connection = await asyncpg.connect(dsn, timeout=10, statement_cache_size=0)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _alone(guard: asyncpg.Connection) -> AsyncIterator[None]:
    """Wait until no other process migrates the store, and keep them waiting meanwhile.

    Polled, not awaited inside Postgres: a waiting statement holds a snapshot, and CREATE INDEX CONCURRENTLY waits
    for older snapshots, so the two would wait for ever.
    """
    waits, gives_up = False, time.monotonic() + _LONGEST_WAIT_SECONDS
    while time.monotonic() < gives_up:
        async with guard.transaction():
            if await guard.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
                # A further statement, whichever, also closes the one before, which would keep its snapshot.
                await guard.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                yield
                return
        if not waits:
            logger.info("migration_waiting", explanation="another process is migrating this store")
        waits = True
        await asyncio.sleep(_POLL_SECONDS)
    raise DatabaseBusyError(
        f"another process has been migrating this store for {_LONGEST_WAIT_SECONDS / 60:.0f} minutes: "
        "run migrate again when it has ended"
    )


@asynccontextmanager
async def _transaction(db: asyncpg.Connection) -> AsyncIterator[None]:
    async with db.transaction():
        await db.execute("SET LOCAL lock_timeout = '2s'")
        yield


async def _upgrade(db: asyncpg.Connection) -> None:
    async with _transaction(db):
        await _prepare_memories(db)
    await _build_indexes(db)
    async with _transaction(db):
        if not await db.fetchval("SELECT to_regnamespace('maintenance') IS NOT NULL"):
            await db.execute("CREATE SCHEMA maintenance")
        if not await db.fetchval("SELECT to_regclass('maintenance.migrations') IS NOT NULL"):
            await db.execute(ADOPTED_FROM_ALEMBIC)
    await _apply_migrations(db)
    if missing := lost({row["name"] for row in await db.fetch(PRESENT)}):
        raise StoreShapeError(f"missing: {', '.join(missing)}. {RECOVERY}")


async def _prepare_memories(db: asyncpg.Connection) -> None:
    """Create the table or check it, and add our columns."""
    if not await db.fetchval("SELECT to_regclass('memories') IS NOT NULL"):
        # An empty table beside the one that agents write to would be maintained for ever, and that one never.
        if elsewhere := await db.fetchrow(ELSEWHERE):
            raise StoreShapeError(f"{elsewhere['here']}, and there is {elsewhere['others']}: {elsewhere['advice']}")
        await db.execute(TABLE)
    shape = await db.fetchrow(SHAPE)
    assert shape is not None  # noqa: S101  the table is there by now
    if not shape["is_table"]:
        raise StoreShapeError("memories is not a table but a view, in which nothing can be locked: name the table so")
    if shape["other_key"]:
        raise StoreShapeError(
            f"memories is partitioned by {shape['other_key']}: partition it by tenant_id alone (docs/scaling.md)"
        )
    if not shape["has_key"]:
        raise StoreShapeError("no two memories may have one id: ALTER TABLE memories ADD PRIMARY KEY (tenant_id, id)")
    types = {row["name"]: row["declared"] for row in await db.fetch(MEMORIES)}
    if missing := COLUMNS.keys() - ADDED.keys() - types.keys():
        raise StoreShapeError(f"the memories table lacks {', '.join(sorted(missing))}: add them, then migrate again")
    added = [f"ADD COLUMN {name} {kind or types['importance']}" for name, kind in ADDED.items() if name not in types]
    if added:
        await db.execute(f"ALTER TABLE memories {', '.join(added)}")


async def _build_indexes(db: asyncpg.Connection) -> None:
    parts = await db.fetch(PARTS)
    states = {row["name"].rpartition(".")[2]: (row["name"], row["valid"]) for row in await db.fetch(INDEX_STATES)}
    for name, on in {**INDEXES, **(PARTS_INDEXES if parts else {})}.items():
        if name in states and states[name][1]:
            continue
        if not parts:
            await _build_index(db, "memories", name, on)
            continue
        # Postgres builds no index of a partitioned table while others write, but takes those of its parts as its own.
        for part in parts:
            await _build_index(db, part["name"], f"{name}_{part['oid']}", on)
        async with _transaction(db):
            if name in states:
                await db.execute(f"DROP INDEX {states[name][0]}")
            await db.execute(f"CREATE INDEX {name} ON memories {on}")
    for name in OBSOLETE_INDEXES:
        if name in states:
            await db.execute(f"DROP INDEX {'' if parts else 'CONCURRENTLY '}{states[name][0]}")


async def _build_index(db: asyncpg.Connection, table: str, name: str, on: str) -> None:
    state = await db.fetchrow(INDEX_STATE, table, name)
    if state and not state["valid"]:  # left behind by a build that was interrupted
        await db.execute(f"DROP INDEX CONCURRENTLY {state['name']}")
    if not state or not state["valid"]:
        await db.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} {on}")


async def _apply_migrations(db: asyncpg.Connection) -> None:
    applied = {row["name"] for row in await db.fetch(APPLIED)}
    for name, sql in migrations().items():
        if name in applied and is_numbered(name):
            continue
        try:
            async with _transaction(db):
                await db.execute(sql)
                await db.execute(RECORDED, name)
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
            raise StoreShapeError(f"migration {name} misses a table or column that was dropped. {RECOVERY}") from None

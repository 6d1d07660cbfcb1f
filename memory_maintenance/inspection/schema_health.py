"""Whether tables, columns and indexes are what maintenance needs, and whether memories can be updated cheaply."""

from __future__ import annotations

from functools import partial
from typing import Final

from memory_maintenance.inspection.health import Check
from memory_maintenance.store.pool import Pool, fetch, fetch_row, fetch_value

NEEDED: Final = {
    "id": ("uuid",),
    "tenant_id": ("text", "uuid", "varchar"),
    "content": ("text",),
    "source": ("text", "varchar"),
    "importance": ("float4", "float8"),
    "layer": ("text", "varchar"),
    "tags": ("_text",),
    "created_at": ("timestamptz",),
    "last_accessed_at": ("timestamptz",),
    "project": ("text", "varchar"),
    "session_id": ("text", "varchar"),
    "metadata": ("jsonb",),
    "base_importance": ("float8",),
    "base_importance_at": ("timestamptz",),
    "decayed_importance": ("float4", "float8"),
}
"""Columns of memories that statements name, and the types they may have."""

INDEXES: Final = (
    "memories_maintenance_tenant_idx",
    "memories_maintenance_session_idx",
    "memories_maintenance_time_idx",
    "memories_maintenance_summaries_idx",
)

_MIGRATE: Final = "python starter.py migrate"

ENOUGH_UPDATES: Final = 1_000
"""Of fewer, the share of HOT updates says nothing."""
GOOD_SHARE: Final = 0.5

FILLFACTOR: Final = 80
"""What ``migrate`` gives a table that it creates: room on each page for the new version of a row."""

REVISION: Final = """
-- inspection.REVISION: how far the store is migrated.
SELECT version_num FROM maintenance.alembic_version
"""

COLUMNS: Final = """
-- inspection.COLUMNS: the columns of memories and their types.
SELECT a.attname AS name, t.typname AS type
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = 'memories'::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""

INDEX_STATES: Final = """
-- inspection.INDEX_STATES: indexes of memories, and whether one holds a column that decay writes.
SELECT i.indexrelid::regclass::text AS name, i.indisvalid AS valid,
       EXISTS (
           SELECT 1 FROM pg_attribute a
           WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                 AND a.attname IN ('importance', 'base_importance', 'base_importance_at', 'decayed_importance')
       ) AS on_decay
FROM pg_index i WHERE i.indrelid = 'memories'::regclass
ORDER BY 1
"""

UPDATES: Final = """
-- inspection.UPDATES: how many updates of memories stayed on their page and touched no index.
SELECT s.n_tup_upd AS updates, s.n_tup_hot_upd AS hot,
       coalesce((SELECT option_value::integer FROM pg_options_to_table(c.reloptions)
                 WHERE option_name = 'fillfactor'), 100) AS fillfactor
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
WHERE s.relid = 'memories'::regclass
"""

_store = partial(Check, "store")


async def migration(pool: Pool) -> Check:
    """Compare the store's revision with ours. A store that is ahead was migrated by a newer version."""
    from memory_maintenance.store.migrate import newest_revision  # noqa: PLC0415  its docstring says why

    at, newest = await fetch_value(pool, REVISION), newest_revision()
    if at == newest:
        return _store("migration", "ok", f"at revision {at}, the newest")
    return _store("migration", "failure", f"at revision {at}, this version needs {newest}", _MIGRATE)


async def tables(pool: Pool) -> Check:
    """Compare the tables of maintenance with those that the migrations create."""
    from memory_maintenance.store.migrate import (  # noqa: PLC0415  its docstring says why
        PRESENT,
        RECOVERY,
        lost_tables,
        newest_revision,
    )

    at, present = await fetch_value(pool, REVISION), dict[str, set[str]]()
    for row in await fetch(pool, PRESENT):
        present.setdefault(row["table_name"], set()).add(row["column_name"])
    if lost := lost_tables(present):
        return _store(
            "tables", "failure", f"missing: {', '.join(lost)}", RECOVERY if at == newest_revision() else _MIGRATE
        )
    return _store("tables", "ok", "all of the schema maintenance are there")


async def columns(pool: Pool) -> Check:
    """Compare the columns of memories, and their types, with what statements name."""
    types = {row["name"]: row["type"] for row in await fetch(pool, COLUMNS)}
    if missing := NEEDED.keys() - types.keys():
        return _store("columns", "failure", f"memories lacks {', '.join(sorted(missing))}", _MIGRATE)
    wrong = [
        f"{name} is {types[name]}, not {' or '.join(fit)}" for name, fit in NEEDED.items() if types[name] not in fit
    ]
    if types["importance"] != types["decayed_importance"]:
        wrong.append("decayed_importance is not of importance's type: no memory would count as unchanged")
    if wrong:
        return _store("columns", "failure", "; ".join(wrong), "ALTER TABLE memories ALTER COLUMN … TYPE …")
    return _store("columns", "ok", f"all {len(NEEDED)} of memories; importance is {types['importance']}")


async def indexes(pool: Pool) -> Check:
    """Look for indexes that are missing, or not valid."""
    valid = {row["name"].rpartition(".")[2]: row["valid"] for row in await fetch(pool, INDEX_STATES)}
    if broken := [name for name, is_valid in valid.items() if not is_valid]:
        advice = _MIGRATE if set(broken) <= set(INDEXES) else f"REINDEX INDEX CONCURRENTLY {broken[0]}"
        return _store("indexes", "failure", f"not valid, so never used: {', '.join(broken)}", advice)
    if missing := [name for name in INDEXES if name not in valid]:
        return _store("indexes", "failure", f"missing: {', '.join(missing)}", _MIGRATE)
    return _store("indexes", "ok", f"{len(INDEXES)} of maintenance are there and valid")


async def updates(pool: Pool) -> Check:
    """Ask how many updates of memories touched no index, and look for what makes them."""
    row = await fetch_row(pool, UPDATES)
    if row is None or row["updates"] < ENOUGH_UPDATES:
        return _store("updates", "ok", "too few updates of memories to judge by")
    share = row["hot"] / row["updates"]
    found = f"{share:.0%} of {row['updates']:,} updates stayed on their page (HOT); fillfactor {row['fillfactor']}"
    if share >= GOOD_SHARE:
        return _store("updates", "ok", found)
    if on_decay := [index["name"] for index in await fetch(pool, INDEX_STATES) if index["on_decay"]]:
        return _store("updates", "warning", found, f"every decay writes to {on_decay[0]}: drop it if no query needs it")
    if row["fillfactor"] > FILLFACTOR:
        advice = f"ALTER TABLE memories SET (fillfactor = {FILLFACTOR}), for pages written from then on"
        return _store("updates", "warning", found, advice)
    return _store("updates", "note", found, "autovacuum may be behind: see n_dead_tup in pg_stat_user_tables")

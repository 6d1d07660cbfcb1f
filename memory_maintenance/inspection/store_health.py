"""Whether the store is what maintenance needs: version, rights, shape, indexes, row security, vacuum, clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from memory_maintenance.database.pool import Pool, fetch, fetch_row, fetch_value
from memory_maintenance.inspection.findable import count_findable
from memory_maintenance.inspection.health import Check, Level, in_order
from memory_maintenance.operations.tenants import all_tenants
from memory_maintenance.settings import Settings

OLDEST: Final = 14
NEWEST: Final = 18
"""Major versions of Postgres that the tests run on lie between these two."""

SKEW_WARNING: Final = timedelta(seconds=5)
SKEW_FAILURE: Final = timedelta(minutes=5)
"""A run whose instant is further ahead of the database's clock is refused."""

ENOUGH_UPDATES: Final = 1_000
"""Of fewer, the share of HOT updates says nothing."""
GOOD_SHARE: Final = 0.5

FILLFACTOR: Final = 80
"""What ``migrate`` gives a table that it creates: room on each page for the new version of a row."""

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
    "memories_maintenance_events_idx",
)

_MIGRATE: Final = "python starter.py migrate"

RIGHTS: Final = """
-- inspection.RIGHTS: what the role lacks: on the table, on the schema, on what is in it.
SELECT current_user AS role,
       ARRAY(
           SELECT r FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS r
           WHERE NOT has_table_privilege('memories', r)
       ) AS on_memories,
       ARRAY(
           SELECT c.relname || ' ' || r
           FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS r
           WHERE c.relnamespace = to_regnamespace('maintenance') AND c.relkind IN ('r', 'p')
                 AND NOT has_table_privilege(c.oid, r)
       )::text[] AS on_maintenance,
       to_regnamespace('maintenance') IS NOT NULL AS schema_exists,
       CASE WHEN to_regnamespace('maintenance') IS NULL
           THEN has_database_privilege(current_database(), 'CREATE')
           ELSE has_schema_privilege('maintenance', 'CREATE')
       END AS may_create
"""

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

ROW_SECURITY: Final = """
-- inspection.ROW_SECURITY: whether policies hold for this role on memories.
SELECT c.relrowsecurity AS is_on, c.relforcerowsecurity AS forced, pg_has_role(c.relowner, 'USAGE') AS owner,
       r.rolsuper OR r.rolbypassrls AS bypasses, current_user AS role,
       (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)::integer AS policies
FROM pg_class c, pg_roles r
WHERE c.oid = 'memories'::regclass AND r.rolname = current_user
"""

UPDATES: Final = """
-- inspection.UPDATES: how many updates of memories stayed on their page and touched no index.
SELECT s.n_tup_upd AS updates, s.n_tup_hot_upd AS hot,
       coalesce((SELECT option_value::integer FROM pg_options_to_table(c.reloptions)
                 WHERE option_name = 'fillfactor'), 100) AS fillfactor
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
WHERE s.relid = 'memories'::regclass
"""


async def store_checks(pool: Pool, settings: Settings) -> list[Check]:
    """Return the verdicts on the store; a check that cannot be made is a failure, and the others are made."""
    steps = {
        "version": _version,
        "rights": _rights,
        "migration": _migration,
        "tables": _tables,
        "columns": _columns,
        "indexes": _indexes,
        "row security": _row_security,
        "updates": _updates,
        "clock": _clock,
        "overrides": _overrides,
    }
    of_pool = {name: partial(step, pool) for name, step in steps.items()}
    return await in_order("store", of_pool | {"vectors": partial(_vectors, pool, settings)})


_store = partial(Check, "store")


async def _version(pool: Pool) -> Check:
    major = int(await fetch_value(pool, "SHOW server_version_num")) // 10_000
    if major < OLDEST:
        return _store("version", "failure", f"Postgres {major} is too old", f"use version {OLDEST} to {NEWEST}")
    if major > NEWEST:
        return _store(
            "version", "warning", f"Postgres {major} is newer than what was tested", f"{NEWEST} is the newest"
        )
    return _store("version", "ok", f"Postgres {major}")


async def _rights(pool: Pool) -> Check:
    row = await fetch_row(pool, RIGHTS)
    assert row is not None  # noqa: S101  a SELECT of values returns its row
    if lacking := [f"{right} on memories" for right in row["on_memories"]]:
        return _store("rights", "failure", f"{row['role']} lacks {', '.join(lacking)}", f"GRANT them to {row['role']}")
    if row["on_maintenance"]:
        some = ", ".join(row["on_maintenance"][:5])
        return _store(
            "rights",
            "failure",
            f"{row['role']} lacks rights in the schema maintenance: {some}",
            f"GRANT USAGE ON SCHEMA maintenance and ALL ON ALL TABLES IN SCHEMA maintenance TO {row['role']}",
        )
    if not row["may_create"]:
        where = "in the schema maintenance" if row["schema_exists"] else "a schema"
        return _store(
            "rights",
            "warning",
            f"{row['role']} may work, and may not create {where}",
            "migrate as the owner whenever a new version asks for it",
        )
    return _store("rights", "ok", f"{row['role']} may read and write memories and create in maintenance")


async def _migration(pool: Pool) -> Check:
    """Compare the store's revision with ours. A store that is ahead was migrated by a newer version."""
    from memory_maintenance.database.migrate import newest_revision  # noqa: PLC0415  its docstring says why

    at, newest = await fetch_value(pool, REVISION), newest_revision()
    if at == newest:
        return _store("migration", "ok", f"at revision {at}, the newest")
    return _store("migration", "failure", f"at revision {at}, this version needs {newest}", _MIGRATE)


async def _tables(pool: Pool) -> Check:
    """Compare the tables of maintenance with those that the migrations create."""
    from memory_maintenance.database.migrate import (  # noqa: PLC0415  its docstring says why
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


async def _columns(pool: Pool) -> Check:
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


async def _indexes(pool: Pool) -> Check:
    valid = {row["name"].rpartition(".")[2]: row["valid"] for row in await fetch(pool, INDEX_STATES)}
    if broken := [name for name, is_valid in valid.items() if not is_valid]:
        advice = _MIGRATE if set(broken) <= set(INDEXES) else f"REINDEX INDEX CONCURRENTLY {broken[0]}"
        return _store("indexes", "failure", f"not valid, so never used: {', '.join(broken)}", advice)
    if missing := [name for name in INDEXES if name not in valid]:
        return _store("indexes", "failure", f"missing: {', '.join(missing)}", _MIGRATE)
    return _store("indexes", "ok", f"{len(INDEXES)} of maintenance are there and valid")


async def _row_security(pool: Pool) -> Check:
    row = await fetch_row(pool, ROW_SECURITY)
    if row is None or not row["is_on"]:
        return _store("row security", "ok", "off on memories")
    if row["bypasses"] or (row["owner"] and not row["forced"]):
        return _store("row security", "ok", f"on, with {row['policies']} policies; {row['role']} is exempt from them")
    return _store(
        "row security",
        "failure",
        f"on: policies hide rows from {row['role']}, and what is hidden is never maintained",
        f"ALTER ROLE {row['role']} BYPASSRLS, or a policy that lets it see every tenant",
    )


async def _updates(pool: Pool) -> Check:
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


async def _clock(pool: Pool) -> Check:
    before = datetime.now(UTC)
    theirs: datetime = await fetch_value(pool, "SELECT clock_timestamp()")
    after = datetime.now(UTC)
    return clock_check(theirs - (before + (after - before) / 2))


def clock_check(skew: timedelta) -> Check:
    """Return the verdict on Postgres' clock less this machine's."""
    apart = abs(skew)
    if apart <= SKEW_WARNING:
        return _store("clock", "ok", f"{apart.total_seconds():.1f} s from Postgres' clock")
    level: Level = "failure" if apart > SKEW_FAILURE else "warning"
    late = "behind" if skew > timedelta(0) else "ahead of"
    found = f"this machine is {apart.total_seconds():,.0f} s {late} Postgres' clock"
    return _store("clock", level, found, "set both by NTP: runs reckon from an instant")


async def _overrides(pool: Pool) -> Check:
    broken = [tenant.tenant_id for tenant in await all_tenants(pool) if tenant.unreadable]
    if broken:
        found = f"the overrides of {len(broken)} tenants cannot be read, so nothing is done for them: {broken[0]}"
        return _store("overrides", "failure", found, f"starter.py tenants unset {broken[0]} --all, then set them anew")
    return _store("overrides", "ok", "every tenant's can be read")


async def _vectors(pool: Pool, settings: Settings) -> Check:
    counts = await count_findable(pool, settings)
    if counts.table is None or counts.not_found == 0:
        return _store("vectors", "ok", "vector search misses nothing that maintenance wrote")
    found = f"vector search cannot find {counts.not_found:,} of {counts.derived:,} summaries and reflections"
    advice = "the next daily run embeds them" if counts.embeds else "set EMBEDDING_MODEL to the agents' own"
    return _store("vectors", "note" if counts.embeds else "warning", found, advice)

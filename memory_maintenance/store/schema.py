"""What this version needs of a store: ``migrate`` makes it so, ``doctor`` compares."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

TABLE: Final = """
-- store.TABLE: memories, where there are none. RAE's table has more columns; statements name those of COLUMNS.
CREATE TABLE memories (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id        text NOT NULL,
    content          text NOT NULL,
    source           varchar(255),
    importance       double precision DEFAULT 0.5,
    layer            varchar(50),
    tags             text[],
    created_at       timestamptz DEFAULT now(),
    last_accessed_at timestamptz DEFAULT now(),
    usage_count      integer DEFAULT 0,
    project          varchar(255),
    session_id       varchar(255),
    agent_id         varchar(255) NOT NULL DEFAULT 'default',
    metadata         jsonb DEFAULT '{}',
    expires_at       timestamptz
) WITH (fillfactor = 80)
"""

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("uuid",),
    "tenant_id": ("text", "uuid", "varchar"),
    "content": ("text",),
    "source": ("text", "varchar"),
    "importance": ("float4", "float8", "numeric"),
    "layer": ("text", "varchar"),
    "tags": ("_text",),
    "created_at": ("timestamptz",),
    "last_accessed_at": ("timestamptz",),
    "project": ("text", "varchar"),
    "session_id": ("text", "varchar"),
    "metadata": ("jsonb",),
    "expires_at": ("timestamptz",),
    "base_importance": ("float8",),
    "base_importance_at": ("timestamptz",),
    "decayed_importance": ("float4", "float8", "numeric"),
    "demotion": ("float8",),
}
"""Columns of memories that statements name, and the types they may have."""

ADDED: Final[Mapping[str, str | None]] = {
    "expires_at": "timestamptz",  # RAE's table has always had it
    "base_importance": "double precision",
    "base_importance_at": "timestamptz",
    "decayed_importance": None,
    "demotion": "double precision",
}
"""Columns that ``migrate`` adds, nullable and without a default: Postgres rewrites nothing for these.

None: the type of importance to the last digit, so that "did anyone set it since" is an exact comparison.
"""

INDEXES: Final[Mapping[str, str]] = {
    # Decay walks a tenant's memories by id.
    "memories_maintenance_tenant_idx": "(tenant_id, id)",
    # Summaries read one session: 0.2 ms instead of 155 ms in a tenant of 200,000 events.
    "memories_maintenance_session_idx": (
        "(tenant_id, coalesce(nullif(session_id, ''), metadata->>'session_id')) WHERE layer IN ('episodic', 'em')"
    ),
    # Which events there are, without a look into the table; dreams read the latest of them.
    "memories_maintenance_event_idx": (
        "(tenant_id, created_at) INCLUDE (id) WHERE layer IN ('episodic', 'em') "
        "AND coalesce(split_part(source, ' ', 1) NOT IN ('summarization_worker', 'reflection_engine_v2'), true) "
        "AND NOT coalesce(tags && ARRAY['session_summary', 'operational', 'non_retrievable'], false) "
        "AND coalesce(metadata->>'is_operational', '') <> 'true'"
    ),
    # Which summaries can be written better. No text of an agent's is in it: a long one could not be inserted.
    "memories_maintenance_summaries_idx": (
        "(tenant_id, (CASE WHEN metadata->>'fallback' = 'true' THEN 'fallback' "
        "WHEN metadata->>'backend' = 'extractive' THEN 'extractive' END)) "
        "WHERE layer IN ('episodic', 'em') AND 'session_summary' = ANY (tags)"
    ),
    # Which memories say the same, whatever their case and white space.
    "memories_maintenance_text_idx": (
        "(tenant_id, hashtextextended(lower(btrim(regexp_replace(content, '\\s+', ' ', 'g'))), 0))"
    ),
    # Which memories are new.
    "memories_maintenance_created_idx": "(tenant_id, created_at, id)",
    # Which memories have an end. A memory without one is not in it.
    "memories_maintenance_expires_idx": "(tenant_id, expires_at) WHERE expires_at IS NOT NULL",
}
"""Indexes of memories by name: what each is on.

Their conditions repeat what functions of schema maintenance say, word by word: an index on the functions themselves
would be dropped with the schema, and would be wrong without a sign once a function changes.
"""

PARTS_INDEXES: Final[Mapping[str, str]] = {"memories_maintenance_id_idx": "(id)"}
"""Further indexes of a partitioned memories: its key begins with the tenant, and memories are looked up by id, too."""

OBSOLETE_INDEXES: Final = ("memories_maintenance_events_idx", "memories_maintenance_time_idx")

MEMORIES: Final = """
-- store.MEMORIES: the columns of memories and their types; declared: with what is in parentheses.
SELECT a.attname AS name, t.typname AS type, format_type(a.atttypid, a.atttypmod) AS declared
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = 'memories'::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""

ELSEWHERE: Final = """
-- store.ELSEWHERE: memories that the search_path does not lead to, where it leads to none or to an empty table: those
-- there are, those with rows first, and how to name the first. Read of the catalog alone: others' rows may be hidden.
WITH found AS (
    SELECT c.oid, n.nspname AS schema, c.relname AS name, to_regclass('memories') = c.oid AS here,
           c.relkind NOT IN ('r', 'p', 'm') OR pg_relation_size(c.oid) > 0
           OR EXISTS (SELECT FROM pg_partition_tree(c.oid) AS t WHERE pg_relation_size(t.relid) > 0) AS filled
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE lower(c.relname) = 'memories' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
          AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
),
others AS (SELECT * FROM found WHERE here IS NOT TRUE),
first AS (SELECT * FROM others ORDER BY filled DESC, name <> 'memories', schema LIMIT 1)
SELECT CASE WHEN to_regclass('memories') IS NULL
           THEN format('the search_path (%s) leads to no table memories', current_setting('search_path'))
           ELSE (SELECT format('%I.memories, to which the search_path leads, is empty', schema) FROM found WHERE here)
       END AS here,
       (SELECT string_agg(format('%I.%I', schema, name), ', ' ORDER BY filled DESC, schema, name)
        FROM others) AS others,
       CASE WHEN first.name = 'memories'
           THEN format('ALTER ROLE %I IN DATABASE %I SET search_path = %I, public; or add ?search_path=%s,public to '
                       'DATABASE_URL', current_user, current_database(), schema, schema)
           ELSE format('ALTER TABLE %I.%I RENAME TO memories', schema, name)
       END AS advice
FROM first
WHERE to_regclass('memories') IS NULL OR (first.filled AND NOT (SELECT filled FROM found WHERE here))
"""

SHAPE: Final = """
-- store.SHAPE: whether memories can be decayed and derived memories stored in it. is_table: its rows can be locked;
-- other_key: by what it, or a part of it, is partitioned, if not by tenant_id alone; has_key: no id is there twice.
SELECT c.relkind IN ('r', 'p') AS is_table,
       (SELECT min(pg_get_partkeydef(p.partrelid))
        FROM pg_partition_tree(c.oid) AS t JOIN pg_partitioned_table AS p ON p.partrelid = t.relid
        WHERE p.partnatts > 1 OR NOT EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = p.partrelid AND a.attnum = p.partattrs[0] AND a.attname = 'tenant_id'
        )) AS other_key,
       c.relkind <> 'p' OR EXISTS (
           SELECT FROM pg_index AS i
           WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (
               SELECT FROM pg_attribute AS a
               WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey) AND a.attname NOT IN ('tenant_id', 'id')
           )
       ) AS has_key
FROM pg_class AS c WHERE c.oid = 'memories'::regclass
"""

PARTS: Final = """
-- store.PARTS: the tables that hold the rows of a partitioned memories; none where it is one table.
SELECT relid::regclass::text AS name, relid::oid::text AS oid
FROM pg_partition_tree('memories') WHERE isleaf AND relid <> 'memories'::regclass
ORDER BY relid
"""

INDEX_STATE: Final = """
-- store.INDEX_STATE: one index of a table, if it is there.
--   $1 table, $2 name  text
SELECT i.indexrelid::regclass::text AS name, i.indisvalid AS valid
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = $1::text::regclass AND c.relname = $2
"""

INDEX_STATES: Final = """
-- store.INDEX_STATES: indexes of memories, and whether one holds a column that decay writes.
SELECT i.indexrelid::regclass::text AS name, i.indisvalid AS valid,
       EXISTS (
           SELECT 1 FROM pg_attribute a
           WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                 AND a.attname IN ('importance', 'base_importance', 'base_importance_at', 'decayed_importance')
       ) AS on_decay
FROM pg_index i WHERE i.indrelid = 'memories'::regclass
ORDER BY 1
"""

APPLIED: Final = """
-- store.APPLIED: the migrations that this store has, in order.
SELECT name FROM maintenance.migrations ORDER BY name
"""

PRESENT: Final = """
-- store.PRESENT: what is in the schema maintenance, by name.
SELECT 'table maintenance.' || relname AS name
FROM pg_class WHERE relnamespace = to_regnamespace('maintenance') AND relkind = 'r'
UNION ALL
SELECT 'column maintenance.' || c.relname || '.' || a.attname
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = to_regnamespace('maintenance') AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'function maintenance.' || proname FROM pg_proc WHERE pronamespace = to_regnamespace('maintenance')
"""

RECOVERY: Final = (
    "Restore it from a backup; or DROP SCHEMA maintenance CASCADE, then `python starter.py migrate`: memories and "
    "their bases of decay stay, what else maintenance knew (pauses, overrides, orders, runs, budgets) is lost"
)
"""What to do about a table that a migration created and that was dropped: it is not created a second time."""

_LIBRARY: Final = Path(__file__).parent.parent


def migrations() -> dict[str, str]:
    """Return the SQL of each migration by its name, in order: the files of every folder ``migrations``.

    A number in front means once. A file without one says what is to hold from now on (functions) and may be run
    again at any time; its name here ends in a digest, so that a store knows whether it has the newest.
    """
    files = sorted(_LIBRARY.glob("*/migrations/*.sql"), key=lambda file: file.name)
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files}
    return {
        name if is_numbered(name) else f"{name} {hashlib.sha256(sql.encode()).hexdigest()[:12]}": sql
        for name, sql in texts.items()
    }


def is_numbered(migration: str) -> bool:
    """Return whether a migration is applied once and never again."""
    return migration[0].isdigit()


def expected() -> list[str]:
    """Return the names, as PRESENT gives them, of what the migrations leave in the schema maintenance."""
    names = []
    for file in sorted(_LIBRARY.glob("*/migrations/schema.toml")):
        wanted = tomllib.loads(file.read_text(encoding="utf-8"))
        for table, columns in wanted["tables"].items():
            names += [f"table maintenance.{table}", *(f"column maintenance.{table}.{column}" for column in columns)]
        names += [f"function maintenance.{name}" for name in wanted["functions"]]
    return names


def lost(present: Collection[str]) -> list[str]:
    """Return what is expected and not among the names that are *present*; of a table that is gone, no columns."""
    missing = [name for name in expected() if name not in present]
    gone = tuple(f"column {name.removeprefix('table ')}." for name in missing if name.startswith("table"))
    return [name for name in missing if not name.startswith(gone)]

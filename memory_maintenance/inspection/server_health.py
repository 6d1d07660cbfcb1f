"""Whether the server, and our role on it, are what maintenance needs: version, rights, row security, clock."""

from __future__ import annotations

from functools import partial
from typing import Final

from memory_maintenance.inspection.health import Check
from memory_maintenance.store.pool import Pool, fetch_row, fetch_value

OLDEST: Final = 14
NEWEST: Final = 18
"""Major versions of Postgres that the tests run on lie between these two."""

VERSION: Final = """
-- inspection.VERSION: the server's, as a number.
SHOW server_version_num
"""

RIGHTS: Final = """
-- inspection.RIGHTS: what the role lacks: on the table, on the schema, on what is in it.
SELECT current_user AS role,
       ARRAY(
           SELECT r || ' on ' || t.name
           FROM unnest(ARRAY['memories', 'memory_embeddings']) WITH ORDINALITY AS t (name, n),
                unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS r
           WHERE NOT has_table_privilege(to_regclass(t.name), r)
           ORDER BY t.n
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

_store = partial(Check, "store")


async def version(pool: Pool) -> Check:
    """Compare the server's version with those that the tests run on."""
    major = int(await fetch_value(pool, VERSION)) // 10_000
    if major < OLDEST:
        return _store("version", "failure", f"Postgres {major} is too old", f"use version {OLDEST} to {NEWEST}")
    if major > NEWEST:
        return _store(
            "version", "warning", f"Postgres {major} is newer than what was tested", f"{NEWEST} is the newest"
        )
    return _store("version", "ok", f"Postgres {major}")


async def rights(pool: Pool) -> Check:
    """Ask what the role may do: to memories, in the schema maintenance, and whether it may create there."""
    row = await fetch_row(pool, RIGHTS)
    assert row is not None  # noqa: S101  a SELECT of values returns its row
    if row["on_memories"]:
        found = f"{row['role']} lacks {', '.join(row['on_memories'])}"
        if all(one.startswith("DELETE") for one in row["on_memories"]):
            found = f"{found}: removing stale texts, expiry and memories forget fail without it"
        return _store("rights", "failure", found, f"GRANT them to {row['role']}")
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

"""Rows of this store's own tables as the archive keeps them: each column as Postgres writes its value, exactly.

JSON itself would lose some: a NULL and a ``null`` of jsonb would be one, and so would the forms of other types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from memory_maintenance.errors import StoreShapeError
from memory_maintenance.store.pool import Executor, execute, fetch

TABLES: Final = """
-- expiry.TABLES: memories, and the tables whose rows go with a memory: those with a foreign key that cascades, and
-- memory_embeddings in any case. columns and types: what can be written; own and others: how rows belong to memories.
WITH keys AS (
    SELECT conrelid AS relid, conkey AS own, confkey AS others, true AS cascades
    FROM pg_constraint
    WHERE contype = 'f' AND confrelid = 'memories'::regclass AND confdeltype = 'c' AND conparentid = 0
),
chosen AS (
    SELECT 'memories'::regclass::oid AS relid, NULL::smallint[] AS own, NULL::smallint[] AS others, true AS cascades
    UNION ALL
    SELECT * FROM keys
    UNION ALL
    SELECT e.attrelid, ARRAY[e.attnum], ARRAY[m.attnum], false
    FROM pg_attribute e CROSS JOIN pg_attribute m
    WHERE e.attrelid = to_regclass('memory_embeddings') AND e.attname = 'memory_id'
          AND m.attrelid = 'memories'::regclass AND m.attname = 'id'
          AND NOT EXISTS (SELECT FROM keys WHERE keys.relid = e.attrelid)
)
SELECT c.relid::regclass::text AS name, c.cascades,
       coalesce((
           SELECT array_agg(quote_ident(a.attname) ORDER BY k.n)
           FROM unnest(c.own) WITH ORDINALITY AS k (num, n)
                JOIN pg_attribute a ON a.attrelid = c.relid AND a.attnum = k.num
       ), '{}') AS own,
       coalesce((
           SELECT array_agg(quote_ident(a.attname) ORDER BY k.n)
           FROM unnest(c.others) WITH ORDINALITY AS k (num, n)
                JOIN pg_attribute a ON a.attrelid = 'memories'::regclass AND a.attnum = k.num
       ), '{}') AS others,
       columns.names, columns.types, columns.defaults
FROM chosen c CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names,
           array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS types,
           array_agg(pg_get_expr(d.adbin, d.adrelid) ORDER BY a.attnum) AS defaults
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.relid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
) AS columns
ORDER BY c.own IS NOT NULL, 1
"""

TEXT_FORMS: Final = """
-- expiry.TEXT_FORMS: for the rest of the transaction values are written in the forms that read back exactly.
SELECT set_config('datestyle', 'ISO, YMD', true), set_config('intervalstyle', 'iso_8601', true),
       set_config('extra_float_digits', '3', true), set_config('bytea_output', 'hex', true),
       set_config('timezone', 'UTC', true)
"""


@dataclass(frozen=True, slots=True)
class StoredTable:
    """``memories``, or a table whose rows go with a memory; names are quoted for SQL, those of columns are not."""

    name: str
    cascades: bool
    """Whether Postgres deletes its rows with the memory."""
    own: Sequence[str]
    """Its columns that name the memory, quoted,"""
    others: Sequence[str]
    """and what they name."""
    names: Sequence[str]
    types: Sequence[str]
    defaults: Sequence[str | None]

    def as_json(self, alias: str) -> str:
        """Return the SQL of a row, called *alias*, as a JSON object of texts."""
        keys = ", ".join(_literal(name) for name in self.names)
        values = ", ".join(f"{alias}.{_quoted(name)}::text" for name in self.names)
        return f"jsonb_object(ARRAY[{keys}]::text[], ARRAY[{values}]::text[])"

    def belongs(self) -> str:
        """Return the condition that a row, called ``c``, belongs to a memory, called ``m``."""
        return " AND ".join(f"c.{own} = m.{other}" for own, other in zip(self.own, self.others, strict=True))

    def insert(self, source: str) -> str:
        """Return the statement that stores rows which *source* gives as ``kept``; a column of later date is default."""
        columns = ", ".join(map(_quoted, self.names))
        values = ", ".join(
            f"CASE WHEN kept ? {_literal(name)} THEN (kept->>{_literal(name)})::{kind} ELSE {default or 'NULL'} END"
            for name, kind, default in zip(self.names, self.types, self.defaults, strict=True)
        )
        return (
            f"INSERT INTO {self.name} ({columns}) OVERRIDING SYSTEM VALUE\n"
            f"SELECT {values}\nFROM ({source}) AS archived\nON CONFLICT DO NOTHING"
        )


@dataclass(frozen=True, slots=True)
class StoredTables:
    """The tables that hold a memory."""

    memories: StoredTable
    attached: Sequence[StoredTable]

    async def archive(
        self, db: Executor, tenant_id: str, ids: Sequence[UUID], batch_id: int, purge_after: object
    ) -> None:
        """Copy memories that the transaction holds into the archive."""
        parts = ", ".join(
            f"{_literal(table.name)}, coalesce((SELECT jsonb_agg({table.as_json('c')}) FROM {table.name} c"  # noqa: S608
            f" WHERE {table.belongs()}), '[]')"
            for table in self.attached
        )
        statement = (
            "\n-- expiry.ARCHIVE: memories with what goes with them, as texts.\n"
            "INSERT INTO maintenance.archive (tenant_id, memory_id, batch_id, purge_after, memory, attached)\n"
            f"SELECT m.tenant_id::text, m.id, $3, $4, {self.memories.as_json('m')},\n"
            f"       jsonb_build_object({parts})\n"
            "FROM memories m WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[])"
        )
        await execute(db, statement, tenant_id, list(ids), batch_id, purge_after)

    async def delete_attached(self, db: Executor, tenant_id: str, ids: Sequence[UUID]) -> None:
        """Delete the rows that go with memories where Postgres does not do it itself."""
        for table in self.attached:
            if not table.cascades:
                statement = (
                    f"\n-- expiry.DELETE_ATTACHED: rows of memories.\nDELETE FROM {table.name} c USING memories m\n"
                    f"WHERE {table.belongs()} AND m.tenant_id = $1 AND m.id = ANY ($2::uuid[])"
                )
                await execute(db, statement, tenant_id, list(ids))

    async def restore(self, db: Executor, tenant: str, ids: Sequence[UUID], batch_ids: Sequence[int]) -> list[UUID]:
        """Store archived memories again, with what goes with them; return those that are back.

        Not back is one whose id, or another key, is taken by now.
        """
        memories = self.memories.insert(_kept("a.memory"))
        statement = f"\n-- expiry.UNARCHIVE: memories.\n{memories}\nRETURNING id"
        back = {row["id"] for row in await fetch(db, statement, tenant, list(ids), list(batch_ids))}
        pairs = [pair for pair in zip(ids, batch_ids, strict=True) if pair[0] in back]
        for table in self.attached if pairs else ():
            of_table = f"CROSS JOIN LATERAL jsonb_array_elements(a.attached->{_literal(table.name)}) AS e (kept)"
            statement = (
                f"\n-- expiry.UNARCHIVE_ATTACHED: what goes with them.\n{table.insert(_kept('e.kept', of_table))}"
            )
            await execute(db, statement, tenant, [one for one, _ in pairs], [batch for _, batch in pairs])
        return [one for one, _ in pairs]


async def stored_tables(db: Executor) -> StoredTables:
    """Look up the tables that hold a memory.

    Raises:
        StoreShapeError: deleting a memory would delete others.
    """
    memories, *attached = [StoredTable(**row) for row in await fetch(db, TABLES)]
    if any(table.name == memories.name for table in attached):
        raise StoreShapeError(
            "memories has a foreign key to itself ON DELETE CASCADE, by which one memory would take others along: "
            "drop it, or set MEMORY_EXPIRY, retention and budget to off"
        )
    return StoredTables(memories, attached)


def _kept(expression: str, of_table: str = "") -> str:
    """Return the SQL of one tenant's archived rows; $1 is the tenant, $2 the ids, $3 the batches."""
    return (
        f"SELECT {expression} AS kept FROM maintenance.archive a "  # noqa: S608  constants of this module
        f"JOIN unnest($2::uuid[], $3::bigint[]) AS named (memory_id, batch_id) USING (memory_id, batch_id) {of_table} "
        "WHERE a.tenant_id = $1"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"

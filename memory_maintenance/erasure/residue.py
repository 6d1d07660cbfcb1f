"""The search for what is left: every column of text that SQL shows, and files that the application wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from memory_maintenance.erasure.strings import Finder, found_in_all, texts_in
from memory_maintenance.store.pool import Pool, fetch, from_json, snapshot

COLUMNS: Final = """
-- erasure.COLUMNS: the columns of every table that may hold text, and whether the table says of which tenant a row is.
SELECT format('%I.%I', n.nspname, c.relname) AS name,
       array_agg(quote_ident(a.attname) ORDER BY a.attnum) FILTER (
           WHERE e.typcategory = 'S' OR e.typname IN ('json', 'jsonb', 'xml')
       ) AS columns,
       bool_or(a.attname = 'tenant_id') AS has_tenant,
       c.oid = 'memories'::regclass AS is_memories
FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     JOIN pg_type t ON t.oid = a.atttypid
     JOIN pg_type e ON e.oid = CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE t.oid END
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
      AND has_table_privilege(c.oid, 'SELECT')
      -- The order itself holds the strings until it is done.
      AND c.oid <> 'maintenance.erasure_orders'::regclass
GROUP BY n.nspname, c.relname, c.oid
ORDER BY 1
"""

DERIVED_TEXTS: Final = """
-- erasure.DERIVED_TEXTS: the texts of what maintenance wrote for a tenant.
--   $1 tenant_id  its own type
SELECT m.id, jsonb_build_array(m.content, m.tags, m.metadata)::text AS texts
FROM memories m
WHERE m.tenant_id = $1
      AND (maintenance.is_ours(m.source)
           OR EXISTS (SELECT FROM maintenance.lineage l WHERE l.tenant_id = m.tenant_id::text AND l.derived_id = m.id))
"""


@dataclass
class Residue:
    """What a search found; ``score`` is the share of the strings that something still has."""

    strings: int
    found: set[str] = field(default_factory=set)
    places: dict[str, int] = field(default_factory=dict)
    """Rows, or lines, with one of the strings, by table or file."""
    columns: int = 0
    rows: int = 0
    files: int = 0

    @property
    def score(self) -> float | None:
        """Return the score, in [0, 1]; None where nothing was known to search for."""
        return len(self.found) / self.strings if self.strings else None

    def add(self, place: str, found: set[str]) -> None:
        """Count one row or line of *place*."""
        if found:
            self.found |= found
            self.places[place] = self.places.get(place, 0) + 1


async def search(pool: Pool, strings: Sequence[str], tenants: Sequence[str], files: Sequence[Path] = ()) -> Residue:
    """Search for *strings*: in rows of *tenants*, in tables that name no tenant, and in *files*."""
    finder, residue = Finder(frozenset(strings)), Residue(len(set(strings)))
    for table in await fetch(pool, COLUMNS) if strings else []:
        if table["columns"]:
            await _search_table(pool, table, finder, tenants, residue)
    for file in files if strings else ():
        residue.files += 1
        residue.add(str(file), await asyncio.to_thread(_found_in_file, file, finder))
    return residue


async def _search_table(pool: Pool, table: Any, finder: Finder, tenants: Sequence[str], residue: Residue) -> None:
    columns = [f"to_jsonb({column})" for column in table["columns"]]
    residue.columns += len(columns)
    # The names come from the catalog, quoted by it.
    statement = f"-- erasure.SEARCH\nSELECT jsonb_build_array({', '.join(columns)})::text FROM {table['name']}"
    arguments: list[Any] = []
    if table["has_tenant"]:
        statement += " WHERE tenant_id::text = ANY ($1::text[])"
        arguments.append(list(tenants))
    async with snapshot(pool) as db:
        async for (row,) in db.cursor(statement, *arguments, prefetch=500):
            residue.rows += 1
            residue.add(table["name"], found_in_all(finder, texts_in(from_json(row))))


def _found_in_file(file: Path, finder: Finder) -> set[str]:
    with file.open(encoding="utf-8", errors="replace") as lines:
        return found_in_all(finder, lines)


async def derived_with(pool: Pool, tenant_id: str, strings: Sequence[str]) -> list[UUID]:
    """Return the derived memories of a tenant that have one of *strings*."""
    finder = Finder(frozenset(strings))
    async with snapshot(pool) as db:
        return [
            row["id"]
            async for row in db.cursor(DERIVED_TEXTS, tenant_id, prefetch=500)
            if found_in_all(finder, texts_in(from_json(row["texts"])))
        ]

"""A checksum of every row of a store: what a dry run must leave as it was."""

from memory_maintenance.store.pool import Pool, fetch, fetch_value

TABLES = """
SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
WHERE schemaname IN ('maintenance', 'public') ORDER BY 1
"""


async def everything(pool: Pool) -> dict[str, str]:
    """Return a checksum of the rows of each table, with the versions that they are stored as: a write of the same shows."""
    return {name: await _checksum(pool, name) for name in [row["name"] for row in await fetch(pool, TABLES)]}


async def _checksum(pool: Pool, table: str) -> str:
    rows = f"SELECT md5(coalesce(string_agg(t.xmin::text || t::text, '' ORDER BY t::text), '')) FROM {table} t"  # noqa: S608
    checksum: str = await fetch_value(pool, rows)
    return checksum

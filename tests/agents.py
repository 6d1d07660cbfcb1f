"""What agents write into a store, for tests: rows with only the columns that every store has."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from memory_maintenance.store.pool import Pool, fetch

AS_OF = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


async def json_codec(connection: asyncpg.Connection) -> None:
    """Write and read jsonb as Python values, as applications of agents do; the library does not need it."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


WRITE = """
INSERT INTO memories (id, tenant_id, content, source, importance, layer, tags, project, session_id, metadata, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


async def write(
    pool: Pool,
    tenant: str,
    contents: Iterable[str],
    *,
    session: str | None = None,
    project: str | None = "shop",
    start: datetime = AS_OF - timedelta(hours=5),
    importance: float | None = 0.5,
    layer: str = "episodic",
    source: str | None = "agent",
    tags: Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> list[UUID]:
    """Write one memory a second from *start* on; return their ids."""
    rows = [
        (
            uuid4(),
            tenant,
            text,
            source,
            importance,
            layer,
            tags,
            project,
            session,
            metadata or {},
            start + timedelta(seconds=n),
        )
        for n, text in enumerate(contents)
    ]
    await pool.executemany(WRITE, rows)
    return [row[0] for row in rows]


def talk(count: int, first: int = 1) -> list[str]:
    """Return *count* different events of a session."""
    return [
        f"Order {n} of customer Mara was shipped to Gent by courier number {n + 7}."
        for n in range(first, first + count)
    ]


async def derived(pool: Pool, tenant: str, source: str = "summarization_worker") -> list[dict[str, Any]]:
    """Return what maintenance wrote for a tenant, oldest first."""
    rows = await fetch(
        pool, "SELECT * FROM memories WHERE tenant_id = $1 AND source = $2 ORDER BY created_at, id", tenant, source
    )
    return [dict(row) for row in rows]


async def others(pool: Pool, tenant: str) -> str:
    """Return a checksum of everything but what maintenance wrote for *tenant*."""
    rows = await fetch(
        pool,
        "SELECT md5(coalesce(string_agg(m::text, '|' ORDER BY id), '')) AS sum FROM memories m "
        "WHERE NOT (tenant_id = $1 AND coalesce(source, '') IN ('summarization_worker', 'reflection_engine_v2'))",
        tenant,
    )
    return str(rows[0]["sum"])


async def sources_of(pool: Pool, derived_id: object) -> set[UUID]:
    """Return what lineage says that a memory was made from."""
    rows = await fetch(pool, "SELECT source_id FROM maintenance.lineage WHERE derived_id = $1", derived_id)
    return {row["source_id"] for row in rows}

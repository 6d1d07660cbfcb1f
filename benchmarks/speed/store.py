"""A large store: RAE's real table and indexes, migrated, with the ages and importances of the sample memories."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg

from benchmarks.speed.servers import command, connected, settle
from memory_maintenance.store.import_line import read_line
from memory_maintenance.store.migrate import migrate

ROOT: Final = Path(__file__).resolve().parents[2]
RAE_TABLE: Final = ROOT / "tests" / "store" / "rae_memories.sql"
SAMPLES: Final = ROOT / "samples" / "memories.jsonl"

NIGHTS: Final = 45
"""So many nights lie between the newest memory and today: decay refuses an instant that is still to come."""

DRAWN: Final = """
CREATE TEMP TABLE drawn (
    n integer PRIMARY KEY, content text, source text, importance float8, layer text, tags text[], age interval,
    since_access interval, usage_count integer, project text, metadata jsonb, agent_id text, session_id text
)
"""

INSERT: Final = """
-- Rows of all tenants lie between one another, oldest first, as agents write them.
--   $1 memories  bigint
--   $2 seed      bigint
--   $3 at        timestamptz   when the newest was written
--   $4 tenants   bigint
--   $5 large     bigint        memories of the tenant number 0; the others share the rest
--   $6 drawn     bigint        samples to draw from
INSERT INTO memories (id, tenant_id, content, source, importance, layer, tags, "timestamp", created_at,
                      last_accessed_at, usage_count, project, metadata, agent_id, session_id, content_hash)
SELECT md5($2::bigint || '-' || g)::uuid, md5('tenant-' || tenant)::uuid, content, source, importance, layer, tags,
       $3::timestamptz - since, $3::timestamptz - since,
       $3::timestamptz - least(since, since_access), usage_count, project, metadata, agent_id,
       session_id, md5('content-' || g)
FROM generate_series(1, $1::bigint) AS g
CROSS JOIN LATERAL (SELECT hashint8extended(g, $2::bigint) & 9007199254740991 AS random) AS r
JOIN drawn ON drawn.n = random % $6::bigint
CROSS JOIN LATERAL (
    SELECT age + (random / 2048 % 600) * interval '1 second' AS since,
           CASE WHEN g <= $5::bigint THEN 0 WHEN $5 = 0 THEN g % $4::bigint ELSE 1 + g % ($4 - 1) END AS tenant
) AS placed
ORDER BY since DESC
"""

INDEXES: Final = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
WHERE indrelid = 'memories'::regclass AND NOT indisprimary
"""


def night(number: int) -> datetime:
    """Return the instant of a night; number 0 is when the newest memory of a filled store was written."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=number - NIGHTS)


async def fill(url: str, tenants: int, memories_each: int, *, seed: int = 2026, at: datetime | None = None) -> None:
    """Make an empty database a settled, migrated store in which all tenants have equally many memories.

    Args:
        url: of an empty database.
        tenants: how many; their ids are those of ``tenant_id``.
        memories_each: of every tenant.
        seed: the same one, the same store but for *at*.
        at: the instant from which the ages count back; None: ``night(0)``.
    """
    await _filled(url, tenants, tenants * memories_each, 0, seed=seed, at=at)


async def fill_skewed(
    url: str, tenants: int, memories: int, *, large: int, seed: int = 2026, at: datetime | None = None
) -> None:
    """Make the same of *memories*, of which one tenant has *large* and the others share the rest."""
    await _filled(url, tenants, memories, large, seed=seed, at=at)


async def tenant_ids(url: str) -> list[str]:
    """Return the ids of all tenants of a store, in their order."""
    async with connected(url) as connection:
        rows = await connection.fetch("SELECT DISTINCT tenant_id FROM memories ORDER BY tenant_id")
    return [str(row["tenant_id"]) for row in rows]


async def _filled(url: str, tenants: int, memories: int, large: int, *, seed: int, at: datetime | None) -> None:
    await command(url, RAE_TABLE.read_text())
    await migrate(url)
    async with connected(url) as connection:
        await connection.execute("SET maintenance_work_mem = '256MB'; SET synchronous_commit = off")
        indexes = await connection.fetch(INDEXES)  # filling them row by row would take several times as long
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        drawn = await _draw(connection)
        await connection.execute(INSERT, memories, seed, at or night(0), tenants, large, drawn, timeout=3600)
        for index in indexes:
            await connection.execute(index["definition"], timeout=3600)
    await settle(url)


async def _draw(connection: asyncpg.Connection) -> int:
    rows = _samples()
    await connection.execute(DRAWN)
    await connection.copy_records_to_table("drawn", records=rows)
    return len(rows)


def _samples() -> Sequence[tuple[object, ...]]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    lines = SAMPLES.read_text(encoding="utf-8").splitlines()
    said = [read_line(line, now) for line in lines]
    rows = []
    for number, one in enumerate(said):
        age = now - (one.created_at or now)
        since_access = now - one.last_accessed_at if one.last_accessed_at else age
        what = (one.content, one.source, one.importance, one.layer, one.tags)
        where = (one.project, json.dumps(one.metadata), one.agent_id, one.session_id)
        rows.append((number, *what, age, since_access, one.usage_count, *where))
    return rows

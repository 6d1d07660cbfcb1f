"""Large stores: RAE's real table, migrated, with memories for nights of decay or with sessions for summaries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

import asyncpg

from benchmarks.speed.servers import command, connected, settle
from chaos.answers import marker
from memory_maintenance.decay.progress import allow_adoption
from memory_maintenance.store.importing import import_memories
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import open_pool

ROOT: Final = Path(__file__).resolve().parents[2]
RAE_TABLE: Final = ROOT / "tests" / "store" / "rae_memories.sql"
SAMPLES: Final = ROOT / "samples" / "memories.jsonl"

SEED: Final = 2026

NIGHTS: Final = 45
"""Nights between the newest memory and today: decay refuses an instant that is still to come."""

DRAWN: Final = """
CREATE TEMP TABLE drawn AS
SELECT (row_number() OVER (ORDER BY id) - 1)::integer AS n, $1::timestamptz - created_at AS age,
       $1::timestamptz - coalesce(last_accessed_at, created_at) AS since_access, *
FROM memories
"""

NIGHTS_STORE: Final = """
-- speed.NIGHTS_STORE: memories drawn from the samples; those of all tenants are mixed, oldest first, as agents write.
--   $1 memories  bigint
--   $2 seed      bigint
--   $3 at        timestamptz   when the newest was written
--   $4 tenants   bigint
--   $5 large     bigint        memories of tenant number 0; the others share the rest
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

PAST_DAYS: Final = 90
"""Days over which the memories of a tenant with a past are spread evenly."""

ADOPTED_DAYS: Final = 30
"""Days since the first decay of a store with a past: every session since then is looked at."""

EVENTS: Final = 20
"""Events of a session; of five such stretches of a tenant's memories, one is semantic and in no session."""

DUE_EVENTS: Final = 12
"""Events of a session that is due."""

PAST: Final = """
-- speed.PAST: memories of all tenants mixed, oldest first; their importance stays below what is dreamt about.
--   $1 tenants   bigint
--   $2 each      bigint       memories of every tenant
--   $3 newest    timestamptz
--   $4 days      float8       from the oldest to the newest
--   $5 events    bigint       of a session
INSERT INTO memories (tenant_id, content, source, importance, layer, tags, created_at, last_accessed_at, project,
                      session_id, metadata)
SELECT md5('tenant-' || g % $1::bigint)::uuid,
       format('Note %s of the week: the courier brings order %s to gate %s, and Mara signs for it.', n, g, g % 17),
       'agent', 0.2 + 0.3 * (g % 97) / 97, CASE WHEN session THEN 'episodic' ELSE 'semantic' END, '{}',
       at, at, 'shop', CASE WHEN session THEN format('session-%s', n / $5) END, '{}'
FROM generate_series(0, $1::bigint * $2::bigint - 1) AS g
     CROSS JOIN LATERAL (SELECT g / $1 AS n) AS turn
     CROSS JOIN LATERAL (
         SELECT n / $5::bigint % 5 < 4 AS session,
                $3::timestamptz - $4::float8 * (1 - (n + 1.0) / $2) * interval '1 day' AS at
     ) AS placed
"""

SUMMARIES: Final = """
-- speed.SUMMARIES: a summary of every session, as the application stores it.
INSERT INTO memories (id, tenant_id, content, source, importance, layer, tags, created_at, last_accessed_at, project,
                      session_id, metadata)
SELECT md5(tenant_id || session_id)::uuid, tenant_id, text, 'summarization_worker', 0.4, 'episodic',
       '{session_summary,auto_generated}', max(created_at), max(created_at), project, session_id,
       jsonb_build_object('backend', 'extractive', 'text_sha256', encode(sha256(text::bytea), 'hex'))
FROM memories CROSS JOIN LATERAL (SELECT 'Orders came, and Mara signed for them: ' || session_id AS text) AS written
WHERE session_id IS NOT NULL
GROUP BY tenant_id, project, session_id, text
"""

LINEAGE: Final = """
ALTER TABLE maintenance.lineage DROP CONSTRAINT lineage_pkey;
DROP INDEX maintenance.lineage_summarized_idx;
INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task, subject, source_hash)
SELECT tenant_id::text, md5(tenant_id || session_id)::uuid, id, 'summarization', session_id,
       maintenance.fingerprint(content)
FROM memories
WHERE source = 'agent' AND session_id IS NOT NULL;
ALTER TABLE maintenance.lineage ADD PRIMARY KEY (tenant_id, derived_id, source_id);
CREATE UNIQUE INDEX lineage_summarized_idx ON maintenance.lineage (tenant_id, source_id) WHERE task = 'summarization'
"""

DUE_COLUMNS: Final = (
    *("id", "tenant_id", "content", "source", "importance", "layer", "tags", "created_at", "last_accessed_at"),
    *("project", "session_id"),
)

TENANTS: Final = """
SELECT DISTINCT tenant_id FROM memories WHERE $1::text IS NULL OR session_id LIKE $1 ORDER BY tenant_id
"""

INDEXES: Final = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
WHERE indrelid = 'memories'::regclass AND NOT indisprimary
"""

IN_PARTS: Final = """
ALTER TABLE memories RENAME TO plain;
CREATE TABLE memories (LIKE plain INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (tenant_id, id))
    PARTITION BY HASH (tenant_id);
DROP TABLE plain CASCADE;
"""
PART: Final = "CREATE TABLE memories_{0} PARTITION OF memories FOR VALUES WITH (MODULUS {1}, REMAINDER {0})"


@dataclass(frozen=True, slots=True)
class Fleet:
    """How large a store is.

    Attributes:
        tenants: their ids are those of ``tenant_ids``.
        memories_each: of every tenant.
        large: of all memories, those of the first tenant, the others sharing the rest; 0: each has as many.
        busy: tenants that have sessions which are due; in a store for nights, the only sessions.
        sessions: due ones of each busy tenant.
        partitions: of the table, by hash of the tenant; 0: it is not partitioned.
    """

    tenants: int
    memories_each: int
    large: int = 0
    busy: int = 0
    sessions: int = 1
    partitions: int = 0


def night(number: int) -> datetime:
    """Return the instant of a night; number 0 is when the newest memory was written."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=number - NIGHTS)


async def fill_nights(url: str, fleet: Fleet) -> None:
    """Make an empty database a store for nights of decay, with all of RAE's indexes; the same fleet, the same store."""
    memories = fleet.tenants * fleet.memories_each
    await command(url, RAE_TABLE.read_text())
    if fleet.partitions:
        await _partition(url, fleet.partitions)
    await migrate(url)
    pool = await open_pool(url, size=1, timeout_seconds=60)
    with SAMPLES.open("rb") as lines:
        samples = (await import_memories(pool, lines, now=night(0))).added
    await allow_adoption(pool, night(0))
    await pool.close()
    async with connected(url) as connection:
        await connection.execute("SET maintenance_work_mem = '256MB'; SET synchronous_commit = off")
        await connection.execute(DRAWN, night(0))
        if fleet.busy:
            await connection.execute("UPDATE drawn SET session_id = NULL")
        await connection.execute("TRUNCATE memories CASCADE")
        indexes = await connection.fetch(INDEXES)  # filling them row by row would take several times as long
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        await connection.execute(NIGHTS_STORE, memories, SEED, night(0), fleet.tenants, fleet.large, samples)
        for index in indexes:
            await connection.execute(index["definition"].replace(" ON ONLY ", " ON "))
        for tenant in range(fleet.busy):
            await _add_due(connection, tenant, fleet.sessions, night(1) - timedelta(hours=1))
    await settle(url)


async def _partition(url: str, parts: int) -> None:
    async with connected(url) as connection:
        indexes = await connection.fetch(INDEXES)
        await connection.execute(IN_PARTS)
        for number in range(parts):
            await connection.execute(PART.format(number, parts))
        for index in indexes:
            await connection.execute(index["definition"])


async def fill_past(url: str, fleet: Fleet, *, summarized: bool = False) -> None:
    """Make an empty database a store that was adopted ``ADOPTED_DAYS`` before its newest memory, two hours ago.

    Of RAE's indexes it has the primary key only: planning and summaries read no others, and filling
    the rest takes several times as long.

    Args:
        url: of the database.
        fleet: how large.
        summarized: every session of the past is summarized, and those of the busy tenants are due.
    """
    newest = datetime.now(UTC) - timedelta(hours=2)
    await command(url, RAE_TABLE.read_text())
    async with connected(url) as connection:
        await connection.execute("SET maintenance_work_mem = '512MB'; SET synchronous_commit = off")
        for index in await connection.fetch(INDEXES):
            await connection.execute(f"DROP INDEX {index['name']}")
        await connection.execute(PAST, fleet.tenants, fleet.memories_each, newest, float(PAST_DAYS), EVENTS)
        await migrate(url)
        adopted_at = newest - timedelta(days=ADOPTED_DAYS)
        await connection.execute("UPDATE maintenance.store SET adopted_at = $1", adopted_at)
        if summarized:
            await connection.execute(SUMMARIES)
            await connection.execute(LINEAGE)
            for tenant in range(fleet.busy):
                await _add_due(connection, tenant, fleet.sessions, newest + timedelta(hours=1))
    await settle(url)


async def _add_due(connection: asyncpg.Connection, number: int, sessions: int, newest: datetime) -> None:
    tenant = await connection.fetchval("SELECT md5('tenant-' || $1::text)::uuid", str(number))
    rows: list[tuple[object, ...]] = []
    for session in range(number * sessions, (number + 1) * sessions):
        for event in range(DUE_EVENTS):
            at = newest - timedelta(minutes=DUE_EVENTS - 1 - event)
            content = f"Mara and the courier talk about the {marker(session * DUE_EVENTS + event)} at the gate."
            identity = uuid5(UUID(int=SEED), f"{session} {event}")
            rows.append((identity, tenant, content, "agent", 0.4, "episodic", [], at, at, "shop", f"due-{session}"))
    await connection.copy_records_to_table("memories", records=rows, columns=DUE_COLUMNS)


async def tenant_ids(url: str, *, due: bool = False) -> list[str]:
    """Return the ids of all tenants of a store, or of those with due sessions, in their order."""
    sessions = "due-%" if due else None
    async with connected(url) as connection:
        rows = await connection.fetch(TENANTS, sessions)
    return [str(row["tenant_id"]) for row in rows]

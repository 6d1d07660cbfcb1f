"""A store with a past: RAE's table, sessions that were summarized long ago, and some that are due.

Of RAE's indexes it has the primary key and those that ``migrate`` adds: planning and summaries read no
others, and filling the rest takes several times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

import asyncpg

from benchmarks.speed.servers import command, connected, settle
from benchmarks.speed.store import RAE_TABLE
from chaos.answers import marker
from memory_maintenance.store.migrate import migrate

PAST_DAYS: Final = 90
"""The memories of a tenant are spread evenly over so many days."""

ADOPTED_DAYS: Final = 30
"""The store's first decay was so many days ago: every later session is looked at."""

EVENTS: Final = 20
"""Events of a session; of five such stretches of a tenant's memories, one is semantic and no part of any."""

DUE_EVENTS: Final = 12
"""New events of a session that is due."""

FILLING_SECONDS: Final = 3600
"""Longest run of one statement here."""

_NAMES: Final = UUID(int=2026)

SECONDARY_INDEXES: Final = """
SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index
WHERE indrelid = 'memories'::regclass AND NOT indisprimary
"""

PAST: Final = """
-- speed.PAST: memories of all tenants between one another, oldest first, as agents write them.
--   $1 tenants   bigint
--   $2 each      bigint       memories of every tenant
--   $3 newest    timestamptz
--   $4 days      float8       from the oldest to the newest
--   $5 events    bigint       of a session; every fifth stretch of so many is semantic and in no session
-- Importance stays below what is dreamt about.
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

TOLD: Final = """
-- speed.TOLD: a summary of every session, as the application stores it.
INSERT INTO memories (id, tenant_id, content, source, importance, layer, tags, created_at, last_accessed_at, project,
                      session_id, metadata)
SELECT md5(tenant_id || session_id)::uuid, tenant_id, text, 'summarization_worker', 0.4, 'episodic',
       '{session_summary,auto_generated}', max(created_at), max(created_at), project, session_id,
       jsonb_build_object('backend', 'extractive', 'text_sha256', encode(sha256(text::bytea), 'hex'))
FROM memories CROSS JOIN LATERAL (SELECT 'Orders came, and Mara signed for them: ' || session_id AS text) AS written
WHERE session_id IS NOT NULL
GROUP BY tenant_id, project, session_id, text
"""

COVERED: Final = """
-- speed.COVERED: every event of those sessions is in its summary. Filled before there is an index, then as migrated.
ALTER TABLE maintenance.covered_events DROP CONSTRAINT covered_events_pkey;
DROP INDEX maintenance.covered_events_summary_idx;
INSERT INTO maintenance.covered_events (tenant_id, event_id, summary_id)
SELECT tenant_id::text, id, md5(tenant_id || session_id)::uuid FROM memories
WHERE source = 'agent' AND session_id IS NOT NULL;
ALTER TABLE maintenance.covered_events ADD PRIMARY KEY (tenant_id, event_id);
CREATE INDEX covered_events_summary_idx ON maintenance.covered_events (summary_id)
"""

_COLUMNS: Final = (
    *("id", "tenant_id", "content", "source", "importance", "layer", "tags", "created_at", "last_accessed_at"),
    *("project", "session_id"),
)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What a store holds.

    Attributes:
        tenants: with a past of ``memories_each``.
        memories_each: events that are summarized, and memories outside of sessions.
        busy: of the tenants, those that have sessions which are due.
        sessions: due ones of each busy tenant.
    """

    tenants: int
    memories_each: int
    busy: int = 0
    sessions: int = 1


async def fill_past(url: str, fleet: Fleet, *, newest: datetime | None = None) -> None:
    """Make an empty database a settled, migrated store of the fleet's past, none of it summarized.

    The newest event was written at *newest*, by default two hours ago, and the store adopted ``ADOPTED_DAYS`` before.
    """
    at = newest or datetime.now(UTC) - timedelta(hours=2)
    await command(url, RAE_TABLE.read_text())
    async with connected(url) as connection:
        for drop in await connection.fetch(SECONDARY_INDEXES):
            await connection.execute(drop[0])
        await connection.execute("SET synchronous_commit = off")
        past = (fleet.tenants, fleet.memories_each, at, float(PAST_DAYS), EVENTS)
        await connection.execute(PAST, *past, timeout=FILLING_SECONDS)
    await migrate(url)
    await command(url, "UPDATE maintenance.store SET adopted_at = $1", at - timedelta(days=ADOPTED_DAYS))
    await settle(url)


async def fill_sessions(url: str, fleet: Fleet, *, newest: datetime | None = None) -> None:
    """Make the same, with every session of the past summarized and those of the busy tenants due."""
    at = newest or datetime.now(UTC) - timedelta(hours=2)
    await fill_past(url, fleet, newest=at)
    async with connected(url) as connection:
        await connection.execute("SET maintenance_work_mem = '512MB'; SET synchronous_commit = off")
        await connection.execute(TOLD, timeout=FILLING_SECONDS)
        await connection.execute(COVERED, timeout=FILLING_SECONDS)
        for busy in range(fleet.busy):
            await _add_due(connection, busy, fleet, at + timedelta(hours=1))
    await settle(url)


async def _add_due(connection: asyncpg.Connection, busy: int, fleet: Fleet, newest: datetime) -> None:
    tenant = await connection.fetchval("SELECT md5('tenant-' || $1::text)::uuid", str(busy))
    sessions = range(busy * fleet.sessions, (busy + 1) * fleet.sessions)
    rows = [row for session in sessions for row in _due(tenant, session, newest)]
    await connection.copy_records_to_table("memories", records=rows, columns=_COLUMNS)


def _due(tenant: UUID, session: int, newest: datetime) -> Iterator[Sequence[object]]:
    for event in range(DUE_EVENTS):
        at = newest - timedelta(minutes=DUE_EVENTS - 1 - event)
        content = f"Mara and the courier talk about the {marker(session * DUE_EVENTS + event)} at the gate."
        identity = uuid5(_NAMES, f"{session} {event}")
        yield (identity, tenant, content, "agent", 0.4, "episodic", [], at, at, "shop", f"due-{session}")

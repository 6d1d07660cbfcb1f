"""What else a tenant's sessions speak of: the background that its key topics and themes stand out from."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import datetime
from typing import Final

from memory_maintenance.store.pool import Executor, fetch
from memory_maintenance.writers.extractive.rarity import Background, session_words

MOST_EVENTS: Final = 300
"""The latest events that are looked at: thirty sessions of ten events."""

MOST_CHARACTERS: Final = 400
"""What is read of each, from its beginning."""

LATEST_EVENTS: Final = """
-- extractive.LATEST_EVENTS: the beginnings of a tenant's latest events, of any project.
--   $1 tenant_id        its own type
--   $2 as_of            timestamptz
--   $3 but_of           text         a session whose events are left out; NULL: none is
--   $4 most_events      bigint
--   $5 most_characters  integer
-- By the index of events, backwards from as_of. Events without a session are grouped by their day.
SELECT coalesce(
           maintenance.session_of(m.session_id, m.metadata), (m.created_at AT TIME ZONE 'UTC')::date::text
       ) AS occasion,
       left(m.content, $5) AS content
FROM memories m
WHERE m.tenant_id = $1 AND maintenance.is_event(m.layer, m.source, m.tags, m.metadata)
      AND m.created_at <= $2::timestamptz AND m.created_at > '-infinity' AND maintenance.is_live(m.expires_at, $2)
      AND maintenance.session_of(m.session_id, m.metadata) IS DISTINCT FROM $3::text
ORDER BY m.created_at DESC
LIMIT $4
"""


async def tenant_background(
    db: Executor, tenant_id: str, as_of: datetime, *, without_session: str | None = None
) -> Background:
    """Return in how many of a tenant's latest sessions each word stands, without one of them.

    A sample, so that it costs the same whatever the tenant holds. Nothing of it is kept.
    """
    rows = await fetch(db, LATEST_EVENTS, tenant_id, as_of, without_session, MOST_EVENTS, MOST_CHARACTERS)
    sessions: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        sessions[row["occasion"]].append(row["content"])
    return await asyncio.to_thread(lambda: Background.of(map(session_words, sessions.values())))

"""The outbox: which events are to be sent to whom, and what became of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor, execute, fetch, fetch_value, from_json, to_json
from memory_maintenance.webhooks.event import Event, event_id

Status = Literal["waiting", "delivered", "rejected"]

ADD: Final = """
-- webhooks.ADD: events for each receiver; one that is there, or that was reported of the same subject, stays as it is.
--   $1 events     text    JSON: an array of event_id, type, subject, data
--   $2 endpoints  text[]
INSERT INTO maintenance.webhook_events (event_id, endpoint, type, subject, data)
SELECT e.event_id, endpoint, e.type, e.subject, e.data
FROM jsonb_to_recordset($1::text::jsonb) AS e (event_id uuid, type text, subject text, data jsonb)
     CROSS JOIN unnest($2::text[]) AS endpoint
ON CONFLICT DO NOTHING
"""

COUNT_WAITING: Final = """
-- webhooks.COUNT_WAITING: how many events some receivers have not taken yet.
--   $1 endpoints  text[]
SELECT count(*)::integer FROM maintenance.webhook_events WHERE status = 'waiting' AND endpoint = ANY ($1::text[])
"""

WAITING: Final = """
-- webhooks.WAITING: the oldest events that a receiver has not taken yet.
--   $1 endpoint  text
--   $2 how_many  bigint
SELECT event_id, type, subject, occurred_at, data::text AS data FROM maintenance.webhook_events
WHERE endpoint = $1 AND status = 'waiting'
ORDER BY occurred_at, event_id LIMIT $2
"""

NOTE: Final = """
-- webhooks.NOTE: what became of an attempt. What was delivered meanwhile stays delivered.
--   $1 endpoint  text
--   $2 event_id  uuid
--   $3 status    text   waiting | delivered | rejected
--   $4 reason    text   NULL: it was delivered
UPDATE maintenance.webhook_events
SET status = $3, reason = $4, attempts = attempts + 1, attempted_at = now()
WHERE endpoint = $1 AND event_id = $2 AND status = 'waiting'
"""

SEND_AGAIN: Final = """
-- webhooks.SEND_AGAIN: what receivers refused is to be sent once more.
--   $1 endpoints  text[]
UPDATE maintenance.webhook_events SET status = 'waiting' WHERE status = 'rejected' AND endpoint = ANY ($1::text[])
"""

PURGE: Final = """
-- webhooks.PURGE: events that are older than the records are kept, whatever became of them.
--   $1 retention  interval
DELETE FROM maintenance.webhook_events WHERE occurred_at < now() - $1::interval
"""

UNDELIVERED: Final = """
-- webhooks.UNDELIVERED: what receivers have not taken, or have refused, by receiver.
SELECT endpoint, status, count(*)::integer AS events, min(occurred_at) AS oldest,
       (array_agg(reason ORDER BY attempted_at DESC NULLS LAST))[1] AS reason
FROM maintenance.webhook_events
WHERE status <> 'delivered'
GROUP BY endpoint, status ORDER BY endpoint, status DESC
"""


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that a receiver has not taken yet."""

    event_id: UUID
    occurred_at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Events of one receiver that are waiting, or were rejected."""

    endpoint: str
    status: Status
    events: int
    oldest: datetime
    reason: str | None
    """Why the newest attempt failed; None: it was not attempted."""


def endpoint_of(url: str) -> str:
    """Return what the outbox calls a receiver: addresses may hold a token, and the store is to hold none."""
    return hashlib.sha256(url.encode()).hexdigest()


async def add_events(db: Executor, cycle_id: UUID, events: Sequence[Event], settings: Settings) -> None:
    """Put those *events* of a cycle that the settings ask for into the outbox. Twice is once."""
    rows = [
        {
            "event_id": str(event_id(cycle_id, event.type)),
            "type": event.type,
            "subject": event.subject,
            "data": dict(event.data),
        }
        for event in events
        if event.type in settings.webhook_events
    ]
    if rows:
        await execute(db, ADD, to_json(rows), _endpoints(settings))


async def count_waiting(db: Executor, settings: Settings) -> int:
    """Return how many events are to be sent; 0, without asking, where webhooks are off."""
    endpoints = _endpoints(settings)
    return await fetch_value(db, COUNT_WAITING, endpoints) if endpoints else 0


async def waiting_events(db: Executor, url: str, how_many: int) -> list[WaitingEvent]:
    """Return the oldest events that a receiver has not taken yet."""
    return [
        WaitingEvent(row["event_id"], row["occurred_at"], Event(row["type"], row["subject"], from_json(row["data"])))
        for row in await fetch(db, WAITING, endpoint_of(url), how_many)
    ]


async def note_attempt(db: Executor, url: str, event: WaitingEvent, status: Status, reason: str | None) -> None:
    """Record what became of an attempt."""
    await execute(db, NOTE, endpoint_of(url), event.event_id, status, reason)


async def send_again(db: Executor, settings: Settings) -> int:
    """Let what receivers refused wait again, and return how many events that are."""
    return await execute(db, SEND_AGAIN, _endpoints(settings))


async def purge_events(db: Executor, retention: timedelta) -> None:
    """Delete events that are older than *retention*."""
    await execute(db, PURGE, retention)


async def undelivered(db: Executor) -> list[Undelivered]:
    """Return what receivers have not taken, or have refused."""
    return [Undelivered(**dict(row)) for row in await fetch(db, UNDELIVERED)]


def _endpoints(settings: Settings) -> list[str]:
    return list(map(endpoint_of, settings.webhook_endpoints))

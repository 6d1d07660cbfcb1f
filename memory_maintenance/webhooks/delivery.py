"""Sending what the outbox holds: at least once, the oldest first, each event with the id that it was given."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from memory_maintenance.errors import MaintenanceError, WebhookError
from memory_maintenance.settings import Settings
from memory_maintenance.spans import span
from memory_maintenance.store.pool import Pool
from memory_maintenance.webhooks.event import Event, body, headers
from memory_maintenance.webhooks.outbox import note_attempt, purge_events, waiting_events

if TYPE_CHECKING:
    import httpx2

    from memory_maintenance.webhooks.sending import Answer

logger = structlog.get_logger(__name__)

MOST_AT_ONCE: Final = 100
"""Events of one receiver that a call sends; the rest waits for the next one."""

WAITS: Final = (1.0, 5.0)
"""Seconds before the second and the third attempt of a run without Temporal."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the events that were waiting."""

    delivered: int = 0
    rejected: int = 0


async def deliver_events(pool: Pool, settings: Settings) -> Delivery:
    """Send the events that are waiting, and purge old ones.

    Safe to repeat: a receiver that took an event without this being recorded gets it again, with the same id.

    Raises:
        WebhookError: a receiver could not take an event now; the others have got theirs.
    """
    if not settings.webhook_endpoints:
        return Delivery()
    from memory_maintenance.webhooks.sending import open_client  # noqa: PLC0415

    await purge_events(pool, settings.model_call_retention)
    done, failures = Delivery(), []
    async with open_client(settings.webhook_proxy) as client:
        for url in settings.webhook_endpoints:
            sent, failure = await _deliver_to(pool, settings, client, url)
            done = Delivery(done.delivered + sent.delivered, done.rejected + sent.rejected)
            failures += [failure] if failure else []
    if failures:
        raise failures[0]
    return done


async def deliver_at_end(pool: Pool, settings: Settings, *, waits: Sequence[float] | None = None) -> None:
    """Send what is waiting, with *waits* (``WAITS``) between attempts; the next cycle sends what is left."""
    for wait in (*(WAITS if waits is None else waits), None):
        try:
            await deliver_events(pool, settings)
        except WebhookError as error:
            if wait is not None:
                await asyncio.sleep(wait)
                continue
            logger.warning("webhooks_left_waiting", error=str(error))
        except MaintenanceError as error:
            # The store is away, or not migrated: how the cycle ended is known already.
            logger.warning("webhooks_left_waiting", error=str(error))
        return


async def _deliver_to(
    pool: Pool, settings: Settings, client: httpx2.AsyncClient, url: str
) -> tuple[Delivery, WebhookError | None]:
    """Send a receiver's events in order, up to the first that it cannot take now: it would not take the next either."""
    delivered = rejected = 0
    for waiting in await waiting_events(pool, url, MOST_AT_ONCE):
        sent = body(
            waiting.event, number=str(waiting.event_id), source=settings.webhook_source, time=waiting.occurred_at
        )
        answer = await _sent(settings, client, url, str(waiting.event_id), sent)
        await note_attempt(pool, url, waiting, answer.status, answer.reason)
        known = {"receiver": place(url), "event_id": str(waiting.event_id), "event_type": waiting.event.type}
        match answer.status:
            case "delivered":
                delivered += 1
                logger.info("webhook_delivered", **known)
            case "rejected":
                rejected += 1
                logger.warning("webhook_rejected", **known, reason=answer.reason)
            case "waiting":
                failure = WebhookError(place(url), answer.reason or "", answer.retry_after)
                return Delivery(delivered, rejected), failure
    return Delivery(delivered, rejected), None


async def ping(settings: Settings, url: str, number: str) -> Answer:
    """Send a receiver an event that is about nothing, and return what it answers."""
    from memory_maintenance.webhooks.sending import open_client  # noqa: PLC0415

    sent = body(Event("ping", "ping", {}), number=number, source=settings.webhook_source, time=datetime.now(UTC))
    async with open_client(settings.webhook_proxy) as client:
        return await _sent(settings, client, url, number, sent)


async def _sent(settings: Settings, client: httpx2.AsyncClient, url: str, number: str, sent: bytes) -> Answer:
    from memory_maintenance.webhooks.sending import post  # noqa: PLC0415

    signed = headers(number, sent, keys=settings.webhook_keys, timestamp=int(time.time()))
    with span("webhook", {"http.request.method": "POST"}):
        return await post(client, url, sent, signed)


def place(url: str) -> str:
    """Return what may be shown of a receiver's address: its host and port; paths often hold a token."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port}" if parts.port else f"{host}"

"""An event as receivers get it: a CloudEvent as JSON, signed as Standard Webhooks says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

TYPE_PREFIX: Final = "memory_maintenance."

CONTENT_TYPE: Final = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. ``data`` has ids of cycles, words from closed sets, numbers and times: never text of a memory."""

    type: str
    """Without ``TYPE_PREFIX``."""
    subject: str
    """What it is about: a cycle's id, or the UTC day of what is reported once a day."""
    data: Mapping[str, Any]


def event_id(cycle_id: UUID, event_type: str) -> UUID:
    """Return the id of a cycle's event: the same however often it is made or sent."""
    return uuid5(cycle_id, event_type)


def body(event: Event, *, number: str, source: str, time: datetime) -> bytes:
    """Return an event as structured JSON (CloudEvents 1.0); the same bytes for the same event."""
    cloud_event = {
        "specversion": "1.0",
        "id": number,
        "source": source,
        "type": TYPE_PREFIX + event.type,
        "subject": event.subject,
        "time": time.isoformat(),
        "datacontenttype": "application/json",
        "data": event.data,
    }
    return json.dumps(cloud_event, separators=(",", ":"), sort_keys=True).encode()


def headers(number: str, sent: bytes, *, keys: Sequence[bytes], timestamp: int) -> dict[str, str]:
    """Return the headers of a request with the body *sent*.

    Args:
        number: the event's id: a receiver drops what it has seen before by it.
        sent: the body.
        keys: each gives a signature; a receiver accepts any that fits.
        timestamp: of this attempt, in seconds since 1970.

    Source: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers".
    """
    signed = f"{number}.{timestamp}.".encode() + sent
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return {
        "content-type": CONTENT_TYPE,
        "user-agent": "memory-maintenance",
        "webhook-id": number,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }

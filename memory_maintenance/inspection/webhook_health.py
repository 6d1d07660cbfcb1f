"""Whether the receivers of webhooks get their events."""

from __future__ import annotations

from functools import partial

from memory_maintenance.inspection.health import Check
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.webhooks.delivery import place
from memory_maintenance.webhooks.outbox import Undelivered, endpoint_of, undelivered

_store = partial(Check, "store", "webhooks")


async def deliveries(pool: Pool, settings: Settings) -> Check:
    """Say which receivers have not taken their events, and why."""
    places = {endpoint_of(url): place(url) for url in settings.webhook_endpoints}
    if not places:
        return _store("ok", "off: WEBHOOK_URLS names no receiver")
    left = [one for one in await undelivered(pool) if one.endpoint in places]
    if not left:
        return _store("ok", f"every event was delivered to {', '.join(places.values())}")
    found = "; ".join(_in_words(one, places[one.endpoint]) for one in left)
    if any(one.status == "rejected" for one in left):
        advice = "correct the receiver, then: starter.py webhooks deliver --refused"
    else:
        advice = "the next cycle sends them; starter.py webhooks deliver does it now"
    return _store("warning", found, advice)


def _in_words(left: Undelivered, receiver: str) -> str:
    events = f"{left.events} event{'s' if left.events > 1 else ''}"
    what = "refused" if left.status == "rejected" else "not taken yet"
    why = f" ({left.reason})" if left.reason else ""
    return f"{events} {what} by {receiver}{why}, the oldest of {left.oldest:%Y-%m-%d %H:%M} UTC"

"""*Fleet*: every tenant by state and by the age of its last success."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from memory_maintenance.inspection.fleet import STATES, FleetTenant, fleet
from web.page import Filled
from web.sources import Sources

PER_PAGE: Final = 50

LEVELS: Final = {
    "unreadable": "failed",
    "failing": "failed",
    "paused": "paused",
    "no_run_yet": "muted",
    "completed": "completed",
}
"""How a state is coloured."""


async def read(sources: Sources, query: QueryParams) -> Filled:
    """Return the page: those whose id contains ``q``, in ``state``, the ``page`` of them."""
    q, state = query.get("q", "").strip(), query.get("state", "")
    everybody = await fleet(await sources.pool())
    counted = Counter(one.state for one in everybody)
    found = [one for one in everybody if q.casefold() in one.tenant_id.casefold() and state in ("", one.state)]
    last_page = max(1, -(-len(found) // PER_PAGE))
    page = min(_positive(query.get("page", "")), last_page)
    return Filled(
        "fleet.html.j2",
        {
            "title": "Fleet",
            "q": q,
            "state": state,
            "total": len(everybody),
            "states": [(name, counted[name]) for name in STATES if counted[name]],
            "found": len(found),
            "tenants": [_row(one) for one in found[(page - 1) * PER_PAGE : page * PER_PAGE]],
            "page": page,
            "last_page": last_page,
            "link": lambda number: "/fleet?" + urlencode({"q": q, "state": state, "page": number}),
        },
    )


def _positive(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:9]) == int(text) else 1


def _row(one: FleetTenant) -> dict[str, Any]:
    return {
        "tenant_id": one.tenant_id,
        "state": one.state,
        "level": LEVELS[one.state],
        "daily": one.daily,
        "hourly": one.hourly,
        "runs_since": one.runs_since,
    }

"""*Fleet*: every tenant by state and by the age of its last success."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from memory_maintenance.inspection.fleet import fleet_page
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
    q, state, page = query.get("q", "").strip(), query.get("state", ""), _positive(query.get("page", ""))
    shown = await fleet_page(await sources.pool(), part=q, state=state or None, page=page, most=PER_PAGE)
    last_page = max(1, -(-shown.found // PER_PAGE))
    return Filled(
        "fleet.html.j2",
        {
            "title": "Fleet",
            "q": q,
            "state": state,
            "total": sum(shown.states.values()),
            "states": list(shown.states.items()),
            "found": shown.found,
            "tenants": shown.tenants,
            "levels": LEVELS,
            "page": min(page, last_page),
            "last_page": last_page,
            "link": lambda number: "/fleet?" + urlencode({"q": q, "state": state, "page": number}),
        },
    )


def _positive(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:9]) == int(text) else 1

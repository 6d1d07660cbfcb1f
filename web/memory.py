"""*Memory*: how it comes to its importance, what it was made from and what was made from it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from starlette.datastructures import QueryParams

from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.inspection.cycle_words import minute
from memory_maintenance.inspection.decay import WORDS, DecayExplanation, explain_decay
from memory_maintenance.inspection.derived import dependents_of, written_memory
from web.decay_chart import decay_curve
from web.page import Filled
from web.sources import Sources

SHOWN: Final = 100
"""Sources that are listed."""


async def read(sources: Sources, query: QueryParams) -> Filled:
    """Return the page of the memory ``id``; without one, where to ask for it.

    Raises:
        InvalidRequestError: ``id`` is no UUID.
        MemoryNotFoundError: there is no such memory.
    """
    pool, text = await sources.pool(), query.get("id", "").strip()
    if not text:
        return Filled("memory.html.j2", {"title": "Memory", "why": None})
    try:
        memory_id = UUID(text)
    except ValueError:
        raise InvalidRequestError("that is not the id of a memory: give a UUID") from None
    [why] = await explain_decay(pool, sources.settings, [memory_id])
    return Filled(
        "memory.html.j2",
        {
            "title": f"Memory {memory_id}",
            "why": why,
            "verdict": WORDS[why.outcome.verdict],
            "comparison": _comparison(why),
            "curve": decay_curve(why),
            "parts_of": [_part(part) for part in why.parts],
            "reached": [(milestone, _reached(why, milestone)) for milestone in why.milestones],
            "written": await written_memory(pool, memory_id),
            "dependents": await dependents_of(pool, memory_id),
            "shown": SHOWN,
            "six": _six,
        },
    )


def _six(value: float | None) -> str:
    return "none" if value is None else f"{value:.6f}"


def _part(part: Any) -> dict[str, Any]:
    days = part.length / timedelta(days=1)
    return {"stage": part.stage, "days": days, "multiplier": float(part.multiplier), "exposure": float(part.exposure)}


def _comparison(why: DecayExplanation) -> str:
    if why.agrees:
        return "as the rule has it"
    return "the next run writes the result" if why.is_due else "no run changes it as things are"


def _reached(why: DecayExplanation, milestone: float) -> str:
    if why.importance is not None and why.importance <= milestone:
        return "it is at or below that already"
    if why.outcome.base is not None and (kept := why.outcome.base * why.rule.retained) >= milestone:
        return f"never: {kept:.3f} stays"
    at = why.reaches(milestone)
    return "not within 200 years" if at is None else minute(at)

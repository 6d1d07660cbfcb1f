"""What one summary is worth: the measures that decide about a model's answers, and what it keeps of its sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from memory_maintenance.language_model.quality import QualityFigures, faults, measure
from memory_maintenance.texts.figures import figures, supported_figures

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer: why it may not be stored, and what was measured of it.

    ``figures`` is None where it could not be read: cut off, or not in the asked shape.
    ``dates_kept`` and ``numbers_kept`` are shares in [0, 1] of those in the sources, None where there are none.
    """

    faults: tuple[str, ...]
    figures: QualityFigures | None = None
    dates_kept: float | None = None
    numbers_kept: float | None = None


def judged(summary: str, topics: Sequence[str] | None, *, sources: Sequence[str], prompt: str) -> Judged:
    """Measure a summary.

    Args:
        summary: without its topics.
        topics: None where the writer gives none.
        sources: the events, each with its date before it.
        prompt: what a model was told; a summary that repeats it is no summary.
    """
    measured = measure(summary, sources=sources, prompt=prompt, topics=topics)
    told = supported_figures([summary])
    dates = _dates(supported_figures(sources))
    numbers = {number for source in sources for number in figures(source)} - dates
    return Judged(faults(measured), measured, _kept(dates, told), _kept(numbers, told))


def _dates(found: Iterable[str]) -> set[str]:
    return {one for one in found if _DATE.fullmatch(one)}


def _kept(wanted: set[str], told: frozenset[str]) -> float | None:
    return len(wanted & told) / len(wanted) if wanted else None

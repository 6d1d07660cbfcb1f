"""What one summary is worth: the measures that decide about a model's answers, and what it keeps of its sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memory_maintenance.writers.language.dates import dates, kept_dates
from memory_maintenance.writers.language.figures import figures, supported_figures
from memory_maintenance.writers.model.quality import QualityFigures, faults, measure

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME: Final = re.compile(r"\A\d{4}-\d{2}-\d{2} ")
"""What stands before an event and is no part of it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer: why it may not be stored, and what was measured of it.

    ``figures`` is None where it could not be read: cut off, or not in the asked shape.
    ``dates_kept`` and ``numbers_kept`` are shares in [0, 1] of those that the sources name, None where they name none;
    the times of the sources themselves do not count.
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
        sources: the events, each behind its date, with the dates of what is said relative to it (``tomorrow``).
        prompt: what a model was told; a summary that repeats it is no summary.
    """
    measured = measure(summary, sources=sources, prompt=prompt, topics=topics)
    said = [_TIME.sub("", source) for source in sources]
    named = frozenset[str]().union(*map(dates, said))
    numbers = frozenset(one for text in said for one in figures(text) if not _DATE.fullmatch(one))
    return Judged(
        faults(measured),
        measured,
        dates_kept=_share(kept_dates(named, summary), named),
        numbers_kept=_share(numbers & supported_figures([summary]), numbers),
    )


def _share(kept: frozenset[str], of: frozenset[str]) -> float | None:
    return len(kept) / len(of) if of else None

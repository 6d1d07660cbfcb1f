"""What a summary is worth: the measures that decide about a model's answers, what it keeps, and where it leads to."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.ranking import Bm25
from benchmarks.sessions import SessionEvents
from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.language.dates import dates, kept_dates
from memory_maintenance.writers.language.figures import figures, supported_figures
from memory_maintenance.writers.model.quality import QualityFigures, faults, measure

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME: Final = re.compile(r"\A\d{4}-\d{2}-\d{2} ")
"""What stands before an event and is no part of it."""

FOLDS: Final = 5
"""Every event is held out once: in each fold every fifth event of every session."""

TOP: Final = 5

IMPORTANT: Final = 0.6
"""Least importance of an event that counts as important: what a dream takes, too."""


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
        prompt: what a model was sent; a summary that repeats it is no summary.
    """
    measured = measure(summary, sources=sources, prompt=prompt, topics=topics)
    said = [_TIME.sub("", source) for source in sources]
    named = frozenset[str]().union(*map(dates, said))
    numbers = frozenset(one for text in said for one in figures(text) if not _DATE.fullmatch(one))
    return Judged(
        faults(measured),
        measured,
        dates_kept=len(kept_dates(named, summary)) / len(named) if named else None,
        numbers_kept=len(numbers & supported_figures([summary])) / len(numbers) if numbers else None,
    )


def found_again(
    sessions: Sequence[SessionEvents], write: Callable[[Sequence[Memory]], str]
) -> list[tuple[Memory, bool]]:
    """Summarize each session without the events that are then asked for, and search all summaries.

    A question is the content of an event, small talk included. It finds its session where the session's summary is
    among the first five by BM25; a summary that ties with others comes after them.
    """
    answers = []
    for fold in range(FOLDS):
        told = [[event for at, event in enumerate(one.events) if at % FOLDS != fold] for one in sessions]
        index = Bm25([write(events) for events in told])
        for own, session in enumerate(sessions):
            for event in session.events[fold::FOLDS]:
                scores = index.relevance(event.content)
                answers.append((event, bool(scores[own] > 0 and (scores >= scores[own]).sum() <= TOP)))
    return answers

"""Does a summary lead to its session? Events that were held out of it are asked for, by BM25."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.ranking import Bm25, Numbers
from benchmarks.session_files import SessionEvents
from memory_maintenance.store.memory import Memory

FOLDS: Final = 5
"""Every event is held out once: in each fold every fifth event of every session."""

TOP: Final = 5

IMPORTANT: Final = 0.6
"""Least importance of an event that counts as important: what a dream takes, too."""


@dataclass(frozen=True, slots=True)
class FoundAgain:
    """Held-out events that were asked for, and those whose session's summary came among the first five."""

    asked: int
    found: int
    important_asked: int
    important_found: int


def found_again(sessions: Sequence[SessionEvents], write: Callable[[Sequence[Memory]], str]) -> FoundAgain:
    """Summarize each session without the events that are then asked for, and search all summaries.

    A question is the content of an event, small talk included; a summary that ties with others comes after them.
    """
    answers = [answer for fold in range(FOLDS) for answer in _fold(sessions, write, fold)]
    important = [found for event, found in answers if event.importance >= IMPORTANT]
    return FoundAgain(len(answers), sum(found for _, found in answers), len(important), sum(important))


def _fold(
    sessions: Sequence[SessionEvents], write: Callable[[Sequence[Memory]], str], fold: int
) -> list[tuple[Memory, bool]]:
    told = [[event for at, event in enumerate(one.events) if at % FOLDS != fold] for one in sessions]
    index = Bm25([write(events) for events in told])
    return [
        (event, _is_among_the_first(index.relevance(event.content), own))
        for own, session in enumerate(sessions)
        for event in session.events[fold::FOLDS]
    ]


def _is_among_the_first(scores: Numbers, own: int) -> bool:
    return bool(scores[own] > 0 and (scores >= scores[own]).sum() <= TOP)

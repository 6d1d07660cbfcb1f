"""A session's summary without a model: its most central memories, in the order of time, with their dates.

Grounded by construction: every word, number and date stands in an event or is
an event's own date, because nothing is written that was not read.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memory_maintenance.store.memory import Memory
from memory_maintenance.summarization.prompt import SessionSummaryResponse
from memory_maintenance.writers.extractive.centrality import centrality
from memory_maintenance.writers.extractive.gist import gist
from memory_maintenance.writers.extractive.key_terms import key_terms
from memory_maintenance.writers.extractive.salience import is_correction, salience
from memory_maintenance.writers.extractive.sentiment import mood
from memory_maintenance.writers.language.words import content_stems, word_count

LONG_SESSION: Final = 40
"""Events from which on the first fifth of a session may fill no more than a fifth of its summary."""

_FIFTHS: Final = 5
_LONGEST_PASSAGE: Final = 36
"""Words of one event that a summary may hold."""

_PER_FIFTH: Final = 60
"""Passages of a fifth that are compared with each other; the cost grows with their square."""

_MOST_CHARACTERS: Final = 3900
"""Below the 4000 of `SessionSummaryResponse`, so that the dates fit."""

_REPEAT: Final = 0.6
"""Jaccard likeness of two passages' stems, figures aside, from which on the later one replaces the earlier."""

_CORRECTED: Final = 0.25
"""Share of an earlier passage's stems that a correction must repeat to be about it."""

_FEWEST_SHARED: Final = 2
"""Stems that a correction must repeat at least."""

_FEWEST_TERMS: Final = 4
"""Content words from which on a passage can be understood without the one before it."""

_TOPICS: Final = 6


@dataclass(frozen=True, slots=True)
class Passage:
    """What one event says in at most `_LONGEST_PASSAGE` words; ``fifth`` is the part of the session, 0 to 4.

    ``subject`` are its stems without figures.
    """

    position: int
    fifth: int
    date: str
    text: str
    stems: frozenset[str]
    subject: frozenset[str]
    score: float
    words: int


def extractive_summary(events: Sequence[Memory], *, max_words: int = 150) -> SessionSummaryResponse:
    """Return a summary of *events* that is made of their own sentences. The same events give the same summary.

    Chosen for centrality (LexRank), importance and what a sentence states
    (decisions, causes, money, figures), from each fifth of the session; a later
    correction takes the place of what it corrects.

    Args:
        events: the session's memories, in any order; small talk is never chosen
            unless there is nothing else.
        max_words: the length of the summary, dates included.

    Raises:
        ValueError: *events* is empty, or *max_words* is below 1.
    """
    if not events or max_words < 1:
        raise ValueError("a summary needs at least one event and one word")
    ordered = sorted(events, key=lambda event: (event.created_at, event.id))
    contents = [event.content for event in ordered]
    chosen = _chosen(_candidates(ordered), max_words, long=len(ordered) >= LONG_SESSION)
    return SessionSummaryResponse(
        summary=_dated(chosen) or _small_talk(ordered, max_words),
        key_topics=key_terms(contents, most=_TOPICS),
        sentiment=mood(contents),
    )


def _candidates(ordered: Sequence[Memory]) -> list[Passage]:
    """Return the best passages of each fifth of the session, best first, without those that a later one replaces."""
    scored = _passages(ordered)
    scored = [passage for passage in scored if len(passage.stems) >= _FEWEST_TERMS] or scored
    best = [passage for fifth in range(_FIFTHS) for passage in _best_of(scored, fifth)]
    return sorted(_standing(best), key=lambda passage: (-passage.score, passage.position))


def _best_of(scored: Sequence[Passage], fifth: int) -> list[Passage]:
    own = [passage for passage in scored if passage.fifth == fifth]
    return heapq.nsmallest(_PER_FIFTH, own, key=lambda passage: (-passage.score, passage.position))


def _passages(ordered: Sequence[Memory]) -> list[Passage]:
    texts = [gist(event.content, most_words=_LONGEST_PASSAGE) for event in ordered]
    stems = [content_stems(text) for text in texts]
    ranks = centrality(stems)
    return [
        Passage(
            position=index,
            fifth=index * _FIFTHS // len(ordered),
            date=event.created_at.date().isoformat(),
            text=texts[index],
            stems=frozenset(stems[index]),
            subject=frozenset(stem for stem in stems[index] if not stem.isdecimal()),
            score=_score(texts[index], float(ranks[index]), len(set(stems[index])), event.importance),
            words=word_count(texts[index]),
        )
        for index, event in enumerate(ordered)
        if texts[index]
    ]


def _score(text: str, rank: float, terms: int, importance: float) -> float:
    """Return the worth of a passage: centrality, what it states, its importance, and enough words to stand alone."""
    trusted = min(1.0, max(0.0, importance)) if math.isfinite(importance) else 0.5
    return (0.5 + rank) * salience(text) * (0.4 + trusted) * min(1.0, terms / 8)


def _standing(passages: Sequence[Passage]) -> list[Passage]:
    """Leave out what a later passage repeats or corrects."""
    by_time = sorted(passages, key=lambda passage: passage.position)
    return [
        passage
        for index, passage in enumerate(by_time)
        if not any(_replaces(later, passage) for later in by_time[index + 1 :])
    ]


def _replaces(later: Passage, earlier: Passage) -> bool:
    if len(later.subject & earlier.subject) >= _REPEAT * len(later.subject | earlier.subject):
        return True
    shared = len(later.stems & earlier.stems)
    return shared >= max(_FEWEST_SHARED, _CORRECTED * len(earlier.stems)) and is_correction(later.text)


def _chosen(candidates: Sequence[Passage], max_words: int, *, long: bool) -> list[Passage]:
    """Choose the best passage of each fifth of the session, the first fifth last, and then the best of the rest."""
    spread = long and any(one.fifth > 0 for one in candidates)
    selection = _Selection(max_words, first_share=1 / _FIFTHS if spread else 1.0)
    for fifth in reversed(range(_FIFTHS)):
        selection.add_best([one for one in candidates if one.fifth == fifth])
    while selection.add_best(candidates):
        pass
    return sorted(selection.chosen, key=lambda passage: passage.position)


class _Selection:
    """Passages within a budget of words; the first fifth never has more than its share of them."""

    def __init__(self, max_words: int, first_share: float) -> None:
        self.chosen: list[Passage] = []
        self._max_words = max_words
        self._first_share = first_share
        self._told: set[str] = set()

    def add_best(self, candidates: Sequence[Passage]) -> bool:
        """Add the candidate that fits and tells most that is new; False when none fits."""
        fitting = [one for one in candidates if one not in self.chosen and self._fits(one)]
        if not fitting:
            return False
        best = max(fitting, key=lambda one: (one.score * self._novelty(one), -one.position))
        self.chosen.append(best)
        self._told |= best.stems
        return True

    def _novelty(self, passage: Passage) -> float:
        """Return the share of the passage's stems that no chosen one has, in [0, 1]."""
        return len(passage.stems - self._told) / (len(passage.stems) or 1)

    def _fits(self, passage: Passage) -> bool:
        together = [*self.chosen, passage]
        words = _length(together)
        characters = sum(len(one.text) + len(one.date) + 3 for one in together)
        first = _length([one for one in together if one.fifth == 0])
        within_share = passage.fifth > 0 or first <= self._first_share * words
        return words <= self._max_words and characters <= _MOST_CHARACTERS and within_share


def _length(passages: Sequence[Passage]) -> int:
    """Return the words of *passages* and of the dates before them."""
    return sum(one.words for one in passages) + len({one.date for one in passages})


def _dated(chosen: Sequence[Passage]) -> str:
    """Return the passages in one line, each day's date before its first."""
    days = itertools.groupby(chosen, key=lambda passage: passage.date)
    return " ".join(f"{date}: {' '.join(passage.text for passage in day)}" for date, day in days)


def _small_talk(ordered: Sequence[Memory], max_words: int) -> str:
    """Return the longest thing said when all of it is small talk, with its date; the date alone when all is blank."""
    said = [(gist(event.content, most_words=max_words - 1, small_talk=True), event) for event in ordered]
    text, event = max(said, key=lambda pair: len(pair[0]))
    return f"{event.created_at.date().isoformat()}: {text}" if text else event.created_at.date().isoformat()

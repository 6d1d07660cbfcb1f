"""A year of an agent's memories, made from a seed: what decay is measured on.

The seed, the numbers in ``StoreShape`` and the pattern below were written down before any
policy was run on the store, and have not been changed since. They are not to be tuned.

What is written. 48 subjects (customers of the agent, say), of which few are busy: Zipf with
exponent 1. Four changing facts per subject in two to five versions each, at random times; the
older memories stay. Three standing facts per subject, important and hardly ever needed. The rest
are events, mentions of facts that do not say them, and small talk, at random times. Importance is
what agents give: coarse steps, high for facts, middling for events, low for chatter, the same for
every version of a fact. No text says that it is the newer or the older one.

What is read. Recalls come at random times, a fixed mean number a day, to subjects by the same
Zipf law. Each touches up to three memories of its subject, useful or not, by chance in proportion to
importance times the sum of t^-1/2 over the days t since it was written and since each recall:
the power law of recency and frequency found by Anderson and Schooler (1991), with the exponent
that ACT-R uses. A superseded version is recalled like any other, so that older versions are
often the more recently accessed ones. Standing facts stay out of this: they are recalled about once a year.

What is asked, after the last day, in equal numbers of four kinds: ``current`` (a changing
fact, subjects by Zipf; its newest version is the evidence), ``rare`` (a standing fact),
``recent`` (an event of the last 60 days), ``past`` (an older event). Words of question
and memory differ as people's words do (``vocabulary.py``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from benchmarks import vocabulary as words
from benchmarks.store import Store, StoredMemory
from benchmarks.synthetic_draft import YEAR_DAYS, Draft, event_text, named
from benchmarks.synthetic_questions import Questions

SEED: Final = 2026
START: Final = datetime(2025, 1, 1, tzinfo=UTC)
TENANT: Final = "synthetic"

Weights = dict[float, int]

FACT_IMPORTANCE: Final[Weights] = {0.5: 1, 0.6: 2, 0.7: 3, 0.8: 3, 0.9: 1}
STANDING_IMPORTANCE: Final[Weights] = {0.7: 2, 0.8: 3, 0.9: 2}
EVENT_IMPORTANCE: Final[Weights] = {0.3: 1, 0.4: 2, 0.5: 3, 0.6: 3, 0.7: 2, 0.8: 1}
MENTION_IMPORTANCE: Final[Weights] = {0.2: 1, 0.3: 2, 0.4: 2, 0.5: 1}
CHATTER_IMPORTANCE: Final[Weights] = {0.1: 2, 0.2: 2, 0.3: 1}


@dataclass(frozen=True, slots=True)
class StoreShape:
    """How large a store is."""

    memories: int = 3000
    subjects: int = 48
    changing_facts: int = 4
    """Per subject, each in two to five versions."""
    standing_facts: int = 3
    """Per subject."""
    recalls_per_day: float = 20.0
    memories_per_recall: int = 3
    standing_recalls_per_year: float = 1.0
    """Per standing fact."""
    questions_per_kind: int = 100


def synthetic_store(seed: int = SEED, shape: StoreShape | None = None) -> Store:
    """Return the store of *seed*: the same on every machine and day."""
    shape, rng = shape or StoreShape(), random.Random(seed)
    popularity = [1 / rank for rank in range(1, shape.subjects + 1)]
    versions = [fact for subject in range(shape.subjects) for fact in _changing_facts(rng, subject, shape)]
    standing = [draft for subject in range(shape.subjects) for draft in _standing_facts(rng, subject, shape)]
    facts = [draft for fact in versions for draft in fact] + standing
    routine = list(_routine(rng, shape.memories - len(facts), popularity))
    _recall(rng, [draft for draft in facts + routine if not draft.standing], popularity, shape)
    _recall_standing(rng, standing, shape.standing_recalls_per_year)
    for draft in facts + routine:
        draft.id = UUID(int=rng.getrandbits(128), version=4)
    questions = Questions(rng, shape.questions_per_kind, popularity)
    return Store(
        tuple(map(_memory, facts + routine)),
        (*questions.of_versions(versions), *questions.of_standing(standing), *questions.of_events(routine)),
        _instant(YEAR_DAYS),
    )


def _instant(day: float) -> datetime:
    return START + timedelta(days=day)


def _memory(draft: Draft) -> StoredMemory:
    accesses = tuple(_instant(day) for day in draft.uses)
    return StoredMemory(draft.id, TENANT, draft.text, draft.importance, _instant(draft.day), accesses)


# --- what is written ---------------------------------------------------------------------------------


def _given(rng: random.Random, weights: Weights) -> float:
    return rng.choices(list(weights), list(weights.values()))[0]


def _changing_facts(rng: random.Random, subject: int, shape: StoreShape) -> Iterator[list[Draft]]:
    """Yield the versions of each changing fact, oldest first."""
    for kind in rng.sample(range(len(words.CHANGING)), shape.changing_facts):
        aspect, count = words.CHANGING[kind], rng.randint(2, 5)
        days = sorted(rng.uniform(0, YEAR_DAYS) for _ in range(count))
        yield [
            Draft(subject, (kind,), day, _fact_text(rng, subject, aspect, value), _given(rng, FACT_IMPORTANCE))
            for day, value in zip(days, rng.sample(aspect.values, count), strict=True)
        ]


def _standing_facts(rng: random.Random, subject: int, shape: StoreShape) -> Iterator[Draft]:
    for kind in rng.sample(range(len(words.STANDING)), shape.standing_facts):
        aspect = words.STANDING[kind]
        text = _fact_text(rng, subject, aspect, rng.choice(aspect.values))
        importance = _given(rng, STANDING_IMPORTANCE)
        yield Draft(subject, (kind,), rng.uniform(0, YEAR_DAYS), text, importance, standing=True)


def _fact_text(rng: random.Random, subject: int, aspect: words.Aspect, value: str) -> str:
    return rng.choice(words.FACT_SENTENCES).format(
        subject=named(rng, subject), aspect=rng.choice(aspect.names), value=value, person=rng.choice(words.PEOPLE)
    )


def _routine(rng: random.Random, count: int, popularity: Sequence[float]) -> Iterator[Draft]:
    """Yield events, mentions and chatter: of five, three, one and one."""
    for _ in range(count):
        (subject,) = rng.choices(range(len(popularity)), popularity)
        day, make = rng.uniform(0, YEAR_DAYS), rng.choice((_event, _event, _event, _mention, _chatter))
        yield make(rng, subject, day)


def _event(rng: random.Random, subject: int, day: float) -> Draft:
    topic = tuple(rng.randrange(len(names)) for names in (words.PEOPLE, words.STATES, words.OBJECTS))
    text = event_text(rng, words.EVENT_SENTENCES, subject, topic)
    return Draft(subject, topic, day, text, _given(rng, EVENT_IMPORTANCE))


def _mention(rng: random.Random, subject: int, day: float) -> Draft:
    aspect, person = rng.choice(words.CHANGING + words.STANDING), rng.choice(words.PEOPLE)
    text = rng.choice(words.MENTION_SENTENCES).format(
        subject=named(rng, subject), aspect=rng.choice(aspect.names), person=person
    )
    return Draft(subject, (), day, text, _given(rng, MENTION_IMPORTANCE))


def _chatter(rng: random.Random, subject: int, day: float) -> Draft:
    text = rng.choice(words.CHATTER_SENTENCES).format(subject=named(rng, subject), person=rng.choice(words.PEOPLE))
    return Draft(subject, (), day, text, _given(rng, CHATTER_IMPORTANCE))


# --- what is read ------------------------------------------------------------------------------------


def _times(rng: random.Random, per_day: float, start: float = 0.0) -> Iterator[float]:
    """Yield the days of a Poisson process until the end of the year."""
    day = start + rng.expovariate(per_day)
    while day < YEAR_DAYS:
        yield day
        day += rng.expovariate(per_day)


def _recall(rng: random.Random, drafts: list[Draft], popularity: Sequence[float], shape: StoreShape) -> None:
    """Let the year's recalls touch *drafts*."""
    shelves = [_Shelf([one for one in drafts if one.subject == subject]) for subject in range(len(popularity))]
    odds = list(accumulate(popularity))
    for day in _times(rng, shape.recalls_per_day):
        (shelf,) = rng.choices(shelves, cum_weights=odds)
        shelf.recall(rng, day, shape.memories_per_recall)


class _Shelf:
    """One subject's memories, and every use of them as (which, day)."""

    def __init__(self, drafts: list[Draft]) -> None:
        self._drafts = sorted(drafts, key=lambda draft: draft.day)
        self._days = np.array([draft.day for draft in self._drafts])
        self._importance = np.array([draft.importance for draft in self._drafts])
        self._used: list[int] = []
        self._used_on: list[float] = []

    def recall(self, rng: random.Random, day: float, how_many: int) -> None:
        """Touch up to *how_many* of the memories that exist on *day*."""
        there = int(np.searchsorted(self._days, day))
        if not there:
            return
        weights = self._importance[:there] * self._activation(there, day)
        for which in sorted(set(rng.choices(range(there), cum_weights=np.cumsum(weights).tolist(), k=how_many))):
            self._drafts[which].uses.append(day)
            self._used.append(which)
            self._used_on.append(day)

    def _activation(self, there: int, day: float) -> NDArray[np.float64]:
        """Return the sum of t^-1/2 over the uses of each memory; writing it is the first."""
        age = 1 / np.sqrt(day - self._days[:there])
        recalled = 1 / np.sqrt(day - np.array(self._used_on))
        return age + np.bincount(np.array(self._used, dtype=int), recalled, minlength=there)


def _recall_standing(rng: random.Random, standing: Sequence[Draft], per_year: float) -> None:
    for draft in standing:
        draft.uses.extend(_times(rng, per_year / YEAR_DAYS, draft.day))

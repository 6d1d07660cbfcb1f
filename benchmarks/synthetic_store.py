"""A year of an agent's memories, made from a seed: what decay is measured on.

``benchmarks/README.md`` says what is written, read and asked. The seed, the numbers and the
pattern were written down before any policy was run on the store, and have not been changed
since. They are not to be tuned: another store is another benchmark.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from benchmarks import vocabulary as words
from benchmarks.store import Question, Store, StoredMemory

SEED: Final = 2026
START: Final = datetime(2025, 1, 1, tzinfo=UTC)
YEAR_DAYS: Final = 365.0
RECENT_DAYS: Final = 60.0
NIL: Final = UUID(int=0)

MEMORIES: Final = 3000
SUBJECTS: Final = 48
CHANGING_FACTS: Final = 4
"""Of each subject, each in two to five versions."""
STANDING_FACTS: Final = 3
"""Of each subject."""
RECALLS_PER_DAY: Final = 20.0
MEMORIES_PER_RECALL: Final = 3
STANDING_RECALLS_PER_YEAR: Final = 1.0
"""Of each standing fact."""
QUESTIONS_PER_KIND: Final = 100

POPULARITY: Final = [1 / rank for rank in range(1, SUBJECTS + 1)]
"""Zipf: of the subjects few are busy."""

Weights = dict[float, int]

FACT_IMPORTANCE: Final[Weights] = {0.5: 1, 0.6: 2, 0.7: 3, 0.8: 3, 0.9: 1}
STANDING_IMPORTANCE: Final[Weights] = {0.7: 2, 0.8: 3, 0.9: 2}
EVENT_IMPORTANCE: Final[Weights] = {0.3: 1, 0.4: 2, 0.5: 3, 0.6: 3, 0.7: 2, 0.8: 1}
MENTION_IMPORTANCE: Final[Weights] = {0.2: 1, 0.3: 2, 0.4: 2, 0.5: 1}
CHATTER_IMPORTANCE: Final[Weights] = {0.1: 2, 0.2: 2, 0.3: 1}


@dataclass(slots=True)
class Draft:
    """A memory in the making; ``day`` counts from the start."""

    subject: int
    topic: tuple[int, ...]
    """What it is about, as places in the vocabulary; empty for mentions and chatter."""
    day: float
    text: str
    importance: float
    standing: bool = False
    uses: list[float] = field(default_factory=list)
    id: UUID = NIL


def synthetic_store(seed: int = SEED) -> Store:
    """Return the store of *seed*: the same on every machine and day."""
    rng = random.Random(seed)
    versions = [fact for subject in range(SUBJECTS) for fact in _changing_facts(rng, subject)]
    standing = [draft for subject in range(SUBJECTS) for draft in _standing_facts(rng, subject)]
    facts = [draft for fact in versions for draft in fact] + standing
    routine = list(_routine(rng, MEMORIES - len(facts)))
    _recall(rng, [draft for draft in facts + routine if not draft.standing])
    for draft in standing:
        draft.uses.extend(_times(rng, STANDING_RECALLS_PER_YEAR / YEAR_DAYS, draft.day))
    for draft in facts + routine:
        draft.id = UUID(int=rng.getrandbits(128), version=4)
    questions = _questions(rng, versions, standing, routine)
    return Store(tuple(map(_memory, facts + routine)), tuple(questions), _instant(YEAR_DAYS))


def _instant(day: float) -> datetime:
    return START + timedelta(days=day)


def _memory(draft: Draft) -> StoredMemory:
    accesses = tuple(_instant(day) for day in draft.uses)
    return StoredMemory(draft.id, "synthetic", draft.text, draft.importance, _instant(draft.day), accesses)


# --- what is written ---------------------------------------------------------------------------------


def _given(rng: random.Random, weights: Weights) -> float:
    return rng.choices(list(weights), list(weights.values()))[0]


def _named(rng: random.Random, subject: int) -> str:
    """Return the subject's name in full or, as often, its first word."""
    name = words.SUBJECTS[subject]
    return rng.choice((name, name.split()[0]))


def _fact_text(rng: random.Random, subject: int, aspect: words.Aspect, value: str) -> str:
    return rng.choice(words.FACT_SENTENCES).format(
        subject=_named(rng, subject), aspect=rng.choice(aspect.names), value=value, person=rng.choice(words.PEOPLE)
    )


def _event_text(rng: random.Random, sentences: Sequence[str], subject: int, topic: tuple[int, ...]) -> str:
    """Return one of *sentences* about an event, in one of the ways to name its parts."""
    person, state, thing = topic
    return rng.choice(sentences).format(
        subject=_named(rng, subject),
        person=words.PEOPLE[person],
        state=rng.choice(words.STATES[state]),
        thing=rng.choice(words.OBJECTS[thing]),
        ending=rng.choice(words.EVENT_ENDINGS),
    )


def _changing_facts(rng: random.Random, subject: int) -> Iterator[list[Draft]]:
    """Yield the versions of each changing fact, oldest first."""
    for kind in rng.sample(range(len(words.CHANGING)), CHANGING_FACTS):
        aspect, count = words.CHANGING[kind], rng.randint(2, 5)
        days = sorted(rng.uniform(0, YEAR_DAYS) for _ in range(count))
        yield [
            Draft(subject, (kind,), day, _fact_text(rng, subject, aspect, value), _given(rng, FACT_IMPORTANCE))
            for day, value in zip(days, rng.sample(aspect.values, count), strict=True)
        ]


def _standing_facts(rng: random.Random, subject: int) -> Iterator[Draft]:
    for kind in rng.sample(range(len(words.STANDING)), STANDING_FACTS):
        aspect = words.STANDING[kind]
        text = _fact_text(rng, subject, aspect, rng.choice(aspect.values))
        importance = _given(rng, STANDING_IMPORTANCE)
        yield Draft(subject, (kind,), rng.uniform(0, YEAR_DAYS), text, importance, standing=True)


def _routine(rng: random.Random, count: int) -> Iterator[Draft]:
    """Yield events, mentions of facts that do not say them, and chatter: of five, three, one and one."""
    for _ in range(count):
        (subject,) = rng.choices(range(SUBJECTS), POPULARITY)
        day, make = rng.uniform(0, YEAR_DAYS), rng.choice((_event, _event, _event, _mention, _chatter))
        yield make(rng, subject, day)


def _event(rng: random.Random, subject: int, day: float) -> Draft:
    topic = tuple(rng.randrange(len(names)) for names in (words.PEOPLE, words.STATES, words.OBJECTS))
    text = _event_text(rng, words.EVENT_SENTENCES, subject, topic)
    return Draft(subject, topic, day, text, _given(rng, EVENT_IMPORTANCE))


def _mention(rng: random.Random, subject: int, day: float) -> Draft:
    aspect, person = rng.choice(words.CHANGING + words.STANDING), rng.choice(words.PEOPLE)
    text = rng.choice(words.MENTION_SENTENCES).format(
        subject=_named(rng, subject), aspect=rng.choice(aspect.names), person=person
    )
    return Draft(subject, (), day, text, _given(rng, MENTION_IMPORTANCE))


def _chatter(rng: random.Random, subject: int, day: float) -> Draft:
    text = rng.choice(words.CHATTER_SENTENCES).format(subject=_named(rng, subject), person=rng.choice(words.PEOPLE))
    return Draft(subject, (), day, text, _given(rng, CHATTER_IMPORTANCE))


# --- what is read ------------------------------------------------------------------------------------


def _times(rng: random.Random, per_day: float, start: float = 0.0) -> Iterator[float]:
    """Yield the days of a Poisson process until the end of the year."""
    day = start + rng.expovariate(per_day)
    while day < YEAR_DAYS:
        yield day
        day += rng.expovariate(per_day)


def _recall(rng: random.Random, drafts: list[Draft]) -> None:
    """Let the year's recalls touch *drafts*."""
    shelves = [_Shelf([one for one in drafts if one.subject == subject]) for subject in range(SUBJECTS)]
    odds = list(accumulate(POPULARITY))
    for day in _times(rng, RECALLS_PER_DAY):
        (shelf,) = rng.choices(shelves, cum_weights=odds)
        shelf.recall(rng, day)


class _Shelf:
    """One subject's memories, and every use of them as (which, day)."""

    def __init__(self, drafts: list[Draft]) -> None:
        self._drafts = sorted(drafts, key=lambda draft: draft.day)
        self._days = np.array([draft.day for draft in self._drafts])
        self._importance = np.array([draft.importance for draft in self._drafts])
        self._used: list[int] = []
        self._used_on: list[float] = []

    def recall(self, rng: random.Random, day: float) -> None:
        """Touch up to ``MEMORIES_PER_RECALL`` of the memories that exist on *day*."""
        if there := int(np.searchsorted(self._days, day)):
            weights = self._importance[:there] * self._activation(there, day)
            odds = np.cumsum(weights).tolist()
            for which in sorted(set(rng.choices(range(there), cum_weights=odds, k=MEMORIES_PER_RECALL))):
                self._drafts[which].uses.append(day)
                self._used.append(which)
                self._used_on.append(day)

    def _activation(self, there: int, day: float) -> NDArray[np.float64]:
        """Return the sum of t^-1/2 over the uses of each memory (Anderson and Schooler); writing it is the first."""
        age = 1 / np.sqrt(day - self._days[:there])
        recalled = 1 / np.sqrt(day - np.array(self._used_on))
        return age + np.bincount(np.array(self._used, dtype=int), recalled, minlength=there)


# --- what is asked -----------------------------------------------------------------------------------


def _questions(
    rng: random.Random, versions: Sequence[list[Draft]], standing: Sequence[Draft], routine: Sequence[Draft]
) -> Iterator[Question]:
    """Yield ``QUESTIONS_PER_KIND`` of each kind.

    The newest version of a changing fact, busy subjects first; a standing fact; a recent event, then a past one.
    """

    def about(draft: Draft, aspects: Sequence[words.Aspect]) -> str:
        aspect = rng.choice(aspects[draft.topic[0]].names)
        return rng.choice(words.FACT_QUESTIONS).format(subject=_named(rng, draft.subject), aspect=aspect)

    # The smallest of -log(u)/weight: a weighted sample without replacement.
    odds = [rng.expovariate(POPULARITY[fact[0].subject]) for fact in versions]
    for which in sorted(range(len(versions)), key=odds.__getitem__)[:QUESTIONS_PER_KIND]:
        ids = tuple(draft.id for draft in versions[which])
        text = about(versions[which][0], words.CHANGING)
        yield Question(question=text, evidence=frozenset(ids[-1:]), kind="current", versions=ids)
    for draft in rng.sample(standing, QUESTIONS_PER_KIND):
        yield Question(question=about(draft, words.STANDING), evidence=frozenset({draft.id}), kind="rare")
    events = [draft for draft in routine if draft.topic]
    recent = [event for event in events if event.day >= YEAR_DAYS - RECENT_DAYS]
    past = [event for event in events if event.day < YEAR_DAYS - RECENT_DAYS]
    for kind, asked in (("recent", recent), ("past", past)):
        for draft in rng.sample(asked, QUESTIONS_PER_KIND):
            same = frozenset(one.id for one in events if (one.subject, one.topic) == (draft.subject, draft.topic))
            text = _event_text(rng, words.EVENT_QUESTIONS, draft.subject, draft.topic)
            yield Question(question=text, evidence=same, kind=kind)

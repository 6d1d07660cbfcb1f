"""A memory of the synthetic store in the making, and the sentences that say what it is about."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from benchmarks import vocabulary as words

YEAR_DAYS: Final = 365.0

Topic = tuple[int, ...]
"""What a memory is about, as places in the vocabulary; empty for mentions and chatter."""

NIL: Final = UUID(int=0)


@dataclass(slots=True)
class Draft:
    """A memory in the making; ``day`` counts from the start, ``topic`` says what it is about."""

    subject: int
    topic: Topic
    day: float
    text: str
    importance: float
    standing: bool = False
    uses: list[float] = field(default_factory=list)
    id: UUID = NIL


def named(rng: random.Random, subject: int) -> str:
    """Return the subject's name in full or, as often, its first word."""
    name = words.SUBJECTS[subject]
    return rng.choice((name, name.split()[0]))


def event_text(rng: random.Random, sentences: Sequence[str], subject: int, topic: Topic) -> str:
    """Return one of *sentences* about an event, in one of the ways to name its parts."""
    person, state, thing = topic
    return rng.choice(sentences).format(
        subject=named(rng, subject),
        person=words.PEOPLE[person],
        state=rng.choice(words.STATES[state]),
        thing=rng.choice(words.OBJECTS[thing]),
        ending=rng.choice(words.EVENT_ENDINGS),
    )

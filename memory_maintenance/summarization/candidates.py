"""The sentences of a session that its summary may hold, with their speakers, their dates and what each is worth."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memory_maintenance.store.memory import Memory
from memory_maintenance.summarization.said import Said, said_in
from memory_maintenance.summarization.weighing import Chat, weight
from memory_maintenance.writers.extractive.facts import Fact, fact_of
from memory_maintenance.writers.extractive.facts import replaces as takes_the_place_of
from memory_maintenance.writers.extractive.gist import gist, shortened
from memory_maintenance.writers.extractive.rarity import Background
from memory_maintenance.writers.extractive.transcript import Role, Transcript
from memory_maintenance.writers.language.languages import Language
from memory_maintenance.writers.language.words import content_stems, ngrams, word_count

FIFTHS: Final = 5
_LONGEST_SENTENCE: Final = 36
"""Words of one sentence that a summary may hold."""

_CUT: Final = 0.4
"""Worth of a sentence that is too long to be held whole."""

_PER_FIFTH: Final = 60
"""Sentences of a fifth that are compared with each other; the cost grows with their square."""

_FEW: Final = 2
_RUN: Final = 4
"""Successive content words that two sentences share where one says again what the other says."""


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """One sentence. ``fifth`` is its part of the session, 0 to 4; ``turn`` is that of its speaker.

    ``answered_by``: who has the last word in it where that is somebody else, behind his label. ``runs``: its content
    words in order, four at a time, but for names. ``decides``: somebody other than an assistant decides something.
    ``opens``: a user begins the session with it. ``least``: its least worth beside the best one.
    In a chat with an assistant that only talks, a user ``requests`` and an assistant ``answers``,
    ``lists`` or ``solves``.
    """

    position: int
    turn: int
    fifth: int
    date: str
    speaker: str | None
    role: Role
    text: str
    stems: frozenset[str]
    fact: Fact
    score: float
    words: int
    runs: frozenset[tuple[str, ...]] = frozenset()
    decides: bool = False
    opens: bool = False
    least: float = 0.0
    requests: bool = False
    answers: bool = False
    lists: bool = False
    solves: bool = False
    answered_by: str | None = None


def candidates(
    ordered: Sequence[Memory], transcript: Transcript, language: Language | None, background: Background
) -> list[Sentence]:
    """Return the best sentences of each fifth, in order, without those that a later one replaces."""
    said = said_in(ordered, transcript, language)
    if not said:
        return []
    chat = Chat.of(said, {turn.role for message in transcript.messages for turn in message})
    scored = [(weight(one, chat, background) * (0.4 + _trusted(ordered[one.event])), one) for one in said]
    if sum(one.stands_alone for one in said) > _FEW:
        scored = [each for each in scored if each[1].stands_alone]
    by_fifth: defaultdict[int, list[tuple[float, int, Said]]] = defaultdict(list)
    for position, (score, one) in enumerate(scored):
        by_fifth[one.event * FIFTHS // len(ordered)].append((-score, position, one))
    best = sorted(
        (position, -negative, fifth, one)
        for fifth, own in by_fifth.items()
        for negative, position, one in sorted(own, key=lambda each: each[:2])[:_PER_FIFTH]
    )
    return _standing([_sentence(ordered, chat, *each) for each in best])


def _trusted(event: Memory) -> float:
    return min(1.0, max(0.0, event.importance)) if math.isfinite(event.importance) else 0.5


def _sentence(ordered: Sequence[Memory], chat: Chat, position: int, score: float, fifth: int, one: Said) -> Sentence:
    text = shortened(one.text, 2 * _LONGEST_SENTENCE if one.answered_by else _LONGEST_SENTENCE)
    fact = fact_of(one.text, one.speaker)
    plain = [word for word in one.stems if word not in fact.names]
    return Sentence(
        position=position,
        turn=one.turn,
        fifth=fifth,
        date=ordered[one.event].created_at.date().isoformat(),
        speaker=one.speaker,
        role=one.role,
        text=text,
        stems=frozenset(one.stems if text == one.text else content_stems(text)),
        fact=fact,
        score=score if text == one.text else _CUT * score,
        words=word_count(text),
        # That two sentences name one date says nothing.
        runs=frozenset(run for run in ngrams(plain, _RUN) if sum(map(str.isdigit, run)) <= 1),
        decides=one.decides or (chat.advises and one.solves),
        solves=one.solves,
        opens=chat.opens(one),
        least=0.0 if one.role == "tool" else chat.least,
        requests=chat.advises and one.role == "user" and (one.asks or one.requests),
        answers=chat.advises and one.role == "assistant",
        lists=one.kind in ("list", "advice"),
        answered_by=one.answered_by,
    )


def _standing(by_time: Sequence[Sentence]) -> list[Sentence]:
    """Leave out what a later sentence repeats, brings up to date or corrects.

    Only sentences that share words or have all but one in common are compared.
    """
    holding: defaultdict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(by_time):
        for key in one.fact.subject | one.fact.names:
            holding[key].append(index)
    gone: set[int] = set()
    for index, later in enumerate(by_time):
        near = Counter(
            other for key in later.fact.subject | later.fact.names for other in holding[key] if other < index
        )
        fewest = 1 if later.fact.correction else max(1, len(later.fact.subject | later.fact.names) // 2)
        gone.update(
            other
            for other, shared in near.items()
            if shared >= fewest and takes_the_place_of(later.fact, by_time[other].fact)
        )
    return [one for index, one in enumerate(by_time) if index not in gone]


def plain_talk(ordered: Sequence[Memory], max_words: int) -> str:
    """Return the longest thing said when all of it is small talk, with its date; the date alone when all is blank."""
    said = [(gist(event.content, most_words=max_words - 1, small_talk=True), event) for event in ordered]
    text, event = max(said, key=lambda pair: len(pair[0]))
    return f"{event.created_at.date().isoformat()}: {text}" if text else event.created_at.date().isoformat()

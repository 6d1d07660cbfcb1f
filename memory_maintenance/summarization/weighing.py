"""What each sentence of a session is worth to who reads its summary later."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from memory_maintenance.summarization.said import Said
from memory_maintenance.writers.extractive.antecedents import points_back
from memory_maintenance.writers.extractive.cues import ENDS_BACK, INTENDS, LEANS_ON, THESE
from memory_maintenance.writers.extractive.rarity import Background
from memory_maintenance.writers.extractive.salience import is_general
from memory_maintenance.writers.extractive.transcript import Role

_ANSWERS: Final = 0.2
"""Worth of what an assistant says beside what its user does: advice can be asked for again, a user's life cannot."""

_BRIEF_ANSWERS: Final = 0.35
_FINDINGS: Final = 0.7
"""Worth of an answer of a few sentences: it says what is, a long one explains at length."""

_LISTS: Final = MappingProxyType({"list": 0.5, "advice": 0.25})
"""Worth of the names of an assistant's list together: they are the answer in short."""

_ENTRY: Final = 0.5
"""Worth of an entry of an assistant's list beside its other sentences: it needs its list."""

_DECIDED: Final = 1.0
"""How much more an answer is worth that speaks of all that its user decided on."""

_ASKED: Final = 1.0
"""How much more an answer is worth that has all words of what is asked."""

_SOLVES: Final = 1.8
"""Worth of what an assistant recommends, or says to do about a problem."""

_GENERAL: Final = 0.5
"""Worth of advice without a name or a figure beside such with one."""

_PEP: Final = 0.6
"""Worth of what an assistant says with an exclamation mark."""

_LOST: Final = 0.15
"""Worth of a sentence that points at one that is not there; of a person's "it" and "that" ``_LEANS``."""

_EMPTY: Final = 0.04
"""Worth of a sentence of few words that ends with such a pointer: "I've heard great things about it."."""

_FEW: Final = 3
_LEANS: Final = 0.75
_OPENING: Final = 3.0
"""Worth of what a user says first: it is what the chat with an assistant is about."""

_SUBJECT: Final = 2.5
"""Worth of what a user asks where the talk turns to it; of other requests ``_REQUEST``."""

_REQUEST: Final = 0.5
_DECISION: Final = 1.8
"""Worth of what a user decides or intends."""

_LEAST: Final = 0.05
_LEAST_AT_WORK: Final = 0.08
_VAGUE: Final = 0.2
"""Worth of what a user says of "these apps": the answer named them."""

_PASTED: Final = 0.35
"""Worth of a text that a user hands over."""


@dataclass(frozen=True, slots=True)
class Chat:
    """What is to be known of a session to weigh its sentences.

    ``answered``: an assistant answers a user. ``works``: there are tools. ``opening``: the turn in which the user says
    first what he wants. ``users`` are the stems of all his words, ``decided`` those of each of his decisions, ``asked``
    those of what he asks in each turn,
    ``frequency`` those of all sentences.
    """

    answered: bool
    works: bool
    opening: int
    users: frozenset[str]
    decided: tuple[frozenset[str], ...]
    asked: Mapping[int, frozenset[str]]
    frequency: Counter[str]
    sentences: int

    @classmethod
    def of(cls, said: Sequence[Said], roles: Collection[Role]) -> Self:
        """Read a session once."""
        answered = {"user", "assistant"} <= {*roles}
        users = [one for one in said if one.role == "user"]
        frequency = Counter(stem for one in said for stem in set(one.stems))
        asked = defaultdict[int, frozenset[str]](frozenset)
        for one in users:
            if one.asks or one.requests:
                asked[one.turn] |= one.terms
        return cls(
            answered=answered,
            works="tool" in roles,
            opening=min((one.turn for one in users), default=0) if answered else 0,
            users=frozenset[str]().union(*(one.terms for one in users)),
            decided=tuple(one.terms for one in users if one.decides and one.terms),
            asked=asked,
            frequency=frequency,
            sentences=len(said),
        )

    @property
    def advises(self) -> bool:
        """Whether its assistant only talks."""
        return self.answered and not self.works

    @property
    def least(self) -> float:
        """Return the worth beside its best sentence from which on another one is no padding."""
        return (_LEAST_AT_WORK if self.works else _LEAST) if self.answered else 0.0

    def rarity(self, stems: Collection[str]) -> float:
        """Return how rare *stems* are in the session, all together."""
        return math.fsum(math.log1p(self.sentences / max(1, self.frequency[stem])) for stem in stems)

    def opens(self, one: Said) -> bool:
        """Whether a user begins the chat with *one*."""
        return one.role == "user" and one.turn == self.opening and one.opens


def weight(one: Said, chat: Chat, background: Background) -> float:
    """Return the worth of a sentence: what it states, how much of the session speaks of it, how rare its words are."""
    terms = one.terms
    if not terms:
        return 0.01
    # Whatever the order: that of a set of strings differs from process to process.
    central = math.fsum(math.log1p(chat.frequency[stem]) for stem in terms) / len(terms) / math.log1p(chat.sentences)
    rare = math.fsum(background.rarity(stem) for stem in terms) / len(terms)
    alone = 1.0 if one.stands_alone else 0.35 * len(terms)
    size = min(1.0, 0.4 + len(terms) / 12)
    return (0.6 + central) * one.worth * rare * alone * size * _leaning(one) * _share(one, chat)


def _leaning(one: Said) -> float:
    if points_back(one.text) and (one.role == "assistant" or (one.role == "user" and THESE.search(one.text))):
        return _LOST
    if len(one.terms) <= _FEW and ENDS_BACK.search(one.text) and is_general(one.text):
        return _EMPTY
    return _LEANS if one.text.split(maxsplit=1)[0].casefold().strip(",.'’") in LEANS_ON else 1.0


def _share(one: Said, chat: Chat) -> float:
    """Return what a sentence counts for beside others: a user's life before his requests, both before an answer."""
    if one.role == "assistant":
        return _share_of_answer(one, chat) if chat.answered else 1.0
    if one.role != "user":
        return 1.0
    if chat.opens(one):
        return _OPENING
    if one.pasted:
        return _PASTED
    if THESE.search(one.text) and is_general(one.text):
        return _VAGUE
    if one.decides or INTENDS.search(one.text.lower()):
        return _DECISION
    if one.opens_subject:
        return _SUBJECT
    return _REQUEST if one.requests else 1.0


def _share_of_answer(one: Said, chat: Chat) -> float:
    """Return more for what speaks of the user's words, and of what he decided on, and less for general advice."""
    if one.decides:
        return _DECISION
    stems = set(one.stems)
    plain = _ANSWERS if not one.brief else _FINDINGS if chat.works else _BRIEF_ANSWERS
    share = _LISTS.get(one.kind or "", plain)
    share *= 1 + len(chat.users & stems) / len(stems)
    share *= 1 + _DECIDED * max((chat.rarity(own & stems) / chat.rarity(own) for own in chat.decided), default=0.0)
    if asked := chat.asked.get(one.turn - 1):
        share *= 1 + _ASKED * chat.rarity(asked & stems) / chat.rarity(asked)
    share *= _SOLVES if one.solves else 1.0
    pep = one.text.endswith("!") and not chat.works
    share *= _PEP if pep else _GENERAL if is_general(one.text) and one.kind in (None, "entry") else 1.0
    return share * (_ENTRY if one.kind == "entry" else 1.0)

"""The sentences of a session that its summary may hold, with their speakers, their dates and what each is worth."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.extractive.antecedents import with_antecedents
from memory_maintenance.writers.extractive.cues import DECIDES, LEANS_ON, REQUEST, YES_OR_NO
from memory_maintenance.writers.extractive.examples import is_entry, without_examples, without_templates
from memory_maintenance.writers.extractive.facts import Fact, fact_of
from memory_maintenance.writers.extractive.facts import replaces as takes_the_place_of
from memory_maintenance.writers.extractive.gist import gist, shortened
from memory_maintenance.writers.extractive.plain_text import without_opening
from memory_maintenance.writers.extractive.rarity import Background
from memory_maintenance.writers.extractive.salience import is_padding, is_small_talk, salience
from memory_maintenance.writers.extractive.transcript import BRIEF, Role, Transcript, Utterance
from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS, Language
from memory_maintenance.writers.language.relative_dates import with_dates
from memory_maintenance.writers.language.words import content_stems, ngrams, word_count

FIFTHS: Final = 5
_LONGEST_SENTENCE: Final = 36
"""Words of one sentence that a summary may hold."""

_PER_MESSAGE: Final = 12
"""Sentences of one message that are looked at: its most telling ones."""

_LISTS_PER_MESSAGE: Final = 2
_PER_FIFTH: Final = 60
"""Sentences of a fifth that are compared with each other; the cost grows with their square."""

_FEWEST_TERMS: Final = 3
"""Content words from which on a sentence can be understood without the one before it."""

_FEW: Final = 2
_TELLING: Final = 1.5
"""Salience from which on a short sentence stands alone: "The travel budget was rejected."."""

_ANSWERS: Final = 0.2
"""Worth of what an assistant says beside what its user does: advice can be asked for again, a user's life cannot."""

_BRIEF_ANSWERS: Final = 0.35
_FINDINGS: Final = 0.7
"""Worth of an answer of a few sentences: it says what is, a long one explains at length."""

_LISTS: Final = MappingProxyType({"list": 0.5, "advice": 0.3})
"""Worth of the names of an assistant's list together: they are the answer in short."""

_ENTRY: Final = 0.5
"""Worth of an entry of an assistant's list beside its whole sentences: one that does not end needs its list."""

_REQUEST: Final = 0.5
"""Worth of a request to an assistant, relative to a statement of the same user."""

_OPENING: Final = 3.0
"""Worth of what a user says first: it is what the chat with an assistant is about."""

_SHORT_ANSWER: Final = 6
_STATED: Final = 0.65
"""Share of the words of a question from which on a sentence that has them states what it asks about."""

_RUN: Final = 4
"""Successive content words that two sentences share where one says again what the other says."""

_MOST_SENTENCES: Final = 1500


Kind = Literal["list", "advice", "entry"]
"""A list of an assistant, of names or of advice, and one of its entries."""


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """One sentence. ``fifth`` is its part of the session, 0 to 4; ``turn`` is that of its speaker.

    ``answered_by``: who has the last word in it where that is somebody else, behind his label. ``runs``: its content
    words in order, four at a time, but for names. ``decides``: somebody other than an assistant decides something.
    """

    position: int
    turn: int
    fifth: int
    date: str
    speaker: str | None
    text: str
    stems: frozenset[str]
    fact: Fact
    score: float
    words: int
    runs: frozenset[tuple[str, ...]] = frozenset()
    decides: bool = False
    answered_by: str | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    event: int
    turn: int
    speaker: str | None
    role: Role
    text: str
    stems: tuple[str, ...]
    worth: float
    brief: bool = True
    answered_by: str | None = None
    kind: Kind | None = None

    @property
    def stands_alone(self) -> bool:
        """Whether a reader understands it without the sentence before it."""
        terms = {stem for stem in self.stems if stem not in ALL_FUNCTION_WORDS}
        return len(terms) >= _FEWEST_TERMS or self.worth >= _TELLING or any(map(str.isdigit, self.text))


def candidates(
    ordered: Sequence[Memory], transcript: Transcript, language: Language | None, background: Background
) -> list[Sentence]:
    """Return the best sentences of each fifth, in order, without those that a later one replaces."""
    said = _said(ordered, transcript, language)
    if not said:
        return []
    roles = {turn.role for message in transcript.messages for turn in message}
    answered = roles >= {"user", "assistant"}
    users = frozenset(stem for one in said if one.role == "user" for stem in one.stems) - ALL_FUNCTION_WORDS
    opening = min((one.turn for one in said if one.role == "user"), default=0) if answered else 0
    said = _without_asked_twice(said)
    frequency = Counter(stem for one in said for stem in set(one.stems))
    scored = [
        (
            _score(one, frequency, len(said), background)
            * _share_in_chat(one, users, answered=answered, works="tool" in roles, opening=opening)
            * (0.4 + _trusted(ordered[one.event])),
            one,
        )
        for one in said
    ]
    if sum(one.stands_alone for one in said) > _FEW:
        scored = [each for each in scored if each[1].stands_alone]
    by_fifth: defaultdict[int, list[tuple[float, int, _Said]]] = defaultdict(list)
    for position, (score, one) in enumerate(scored):
        by_fifth[one.event * FIFTHS // len(ordered)].append((-score, position, one))
    best = sorted(
        (position, -negative, fifth, one)
        for fifth, own in by_fifth.items()
        for negative, position, one in sorted(own, key=lambda each: each[:2])[:_PER_FIFTH]
    )
    return _standing([_sentence(ordered, *each) for each in best])


def _said(ordered: Sequence[Memory], transcript: Transcript, language: Language | None) -> list[_Said]:
    found: list[_Said] = []
    turn = 0
    for index, message in enumerate(transcript.messages):
        for utterance in message:
            turn += 1
            found.extend(_said_in_turn(utterance, index, turn))
    found = _answered(found)
    step = max(1, math.ceil(len(found) / _MOST_SENTENCES))
    return [_dated(one, ordered[one.event], language) for one in found[::step]]


def _said_in_turn(said: Utterance, event: int, turn: int) -> list[_Said]:
    """Return the lists of a turn, each as one sentence, and its most telling sentences in order."""
    assistant, brief = said.role == "assistant", len(said.sentences) <= BRIEF

    def of(text: str, kind: Kind | None = None) -> _Said:
        stems = tuple(content_stems(text))
        return _Said(event, turn, said.speaker, said.role, text, stems, salience(text), brief, kind=kind)

    lists = [of(one.text, "list" if one.holds_names else "advice") for one in said.lists[:_LISTS_PER_MESSAGE]]
    names = tuple(name for own in said.lists for name in own.names)
    told = list((without_examples if assistant else without_templates)(said.sentences)) or said.sentences
    own = [
        of(text, "entry" if assistant and (is_entry(text) or text.startswith(names)) else None)
        for text in with_antecedents(list(_telling(map(without_opening, told))))
    ]
    best = sorted(own, key=lambda one: -one.worth)[:_PER_MESSAGE]
    return [*lists, *(one for one in own if one in best)]


def _without_asked_twice(said: Sequence[_Said]) -> list[_Said]:
    """Leave out each question whose words another sentence states."""
    stating = defaultdict[str, set[int]](set)
    for index, one in enumerate(said):
        if not _asks(one):
            for stem in one.stems:
                stating[stem].add(index)
    left = []
    for one in said:
        stems = {stem for stem in one.stems if stem not in ALL_FUNCTION_WORDS} if _asks(one) else set()
        stated = Counter(index for stem in stems for index in stating[stem])
        if len(stems) < _FEW or max(stated.values(), default=0) < _STATED * len(stems):
            left.append(one)
    return left


def _asks(one: _Said) -> bool:
    return one.text.rstrip().endswith(("?", "？")) and one.answered_by is None


def _dated(one: _Said, event: Memory, language: Language | None) -> _Said:
    text = with_dates(one.text, event.created_at, language)
    return one if text == one.text else replace(one, text=text, worth=max(one.worth, salience(text)))


def _answered(found: Sequence[_Said]) -> list[_Said]:
    """Return the sentences with each question between people that has a short answer joined to it.

    "Only an upright." says nothing without "Does the hall have a grand piano?".
    """
    joined: list[_Said] = []
    for one in found:
        asked = joined[-1] if joined else None
        if asked is None or not _answers(asked, one):
            joined.append(one)
            continue
        text = f"{asked.text} {one.speaker}: {one.text}"
        joined[-1] = replace(
            asked,
            text=text,
            turn=one.turn,
            stems=(*asked.stems, *one.stems),
            worth=max(one.worth, 1.0),
            answered_by=one.speaker,
        )
    return joined


def _answers(asked: _Said, one: _Said) -> bool:
    people = (asked.role, one.role) in (("other", "other"), ("assistant", "user"))
    if (
        not people
        or not asked.speaker
        or asked.speaker == one.speaker
        or asked.answered_by
        or one.turn != asked.turn + 1
        or not asked.text.rstrip().endswith(("?", "？"))
    ):
        return False
    first = one.text.split(maxsplit=1)[0].lower().strip(".,!…")
    return not one.stands_alone or first in YES_OR_NO or word_count(one.text) <= _SHORT_ANSWER


def _telling(sentences: Iterable[str]) -> Iterator[str]:
    for sentence in sentences:
        if not (is_small_talk(sentence) or is_padding(sentence)):
            yield sentence


def _score(one: _Said, frequency: Counter[str], total: int, background: Background) -> float:
    """Return the worth of a sentence: what it states, how much of the session speaks of it, how rare its words are."""
    terms = {stem for stem in one.stems if stem not in ALL_FUNCTION_WORDS}
    if not terms:
        return 0.01
    central = sum(math.log1p(frequency[stem]) for stem in terms) / len(terms) / math.log1p(total)
    rare = sum(background.rarity(stem) for stem in terms) / len(terms)
    alone = 1.0 if one.stands_alone else 0.35 * len(terms)
    first = one.text.split(maxsplit=1)[0].casefold().strip(",.'’")
    leans = 0.75 if first in LEANS_ON else 1.0
    size = min(1.0, 0.4 + len(terms) / 12)
    return (0.6 + central) * one.worth * rare * alone * leans * size


def _share_in_chat(one: _Said, users: frozenset[str], *, answered: bool, works: bool, opening: int) -> float:
    """Return what a sentence counts for in a chat: a user's life before his requests, both before an answer.

    Of answers, those count most that are about what the user speaks of; *users* are the stems of his words.
    An assistant that *works* with tools states in brief what it found.
    """
    if one.role == "assistant":
        about = len(users.intersection(one.stems)) / max(1, len(set(one.stems)))
        plain = (_FINDINGS if works else _BRIEF_ANSWERS) if one.brief else _ANSWERS
        worth = _LISTS.get(one.kind or "", plain)
        answer = worth * (1 + about) if answered else 1.0
        return answer * (_ENTRY if one.kind == "entry" else 1.0)
    if one.role == "user" and one.turn == opening:
        return _OPENING
    return _REQUEST if one.role == "user" and REQUEST.search(one.text.lower()) else 1.0


def _trusted(event: Memory) -> float:
    return min(1.0, max(0.0, event.importance)) if math.isfinite(event.importance) else 0.5


def _sentence(ordered: Sequence[Memory], position: int, score: float, fifth: int, one: _Said) -> Sentence:
    text = shortened(one.text, 2 * _LONGEST_SENTENCE if one.answered_by else _LONGEST_SENTENCE)
    fact = fact_of(one.text, one.speaker)
    plain = [word for word in one.stems if word not in fact.names]
    return Sentence(
        position=position,
        turn=one.turn,
        fifth=fifth,
        date=ordered[one.event].created_at.date().isoformat(),
        speaker=one.speaker,
        text=text,
        stems=frozenset(one.stems),
        fact=fact,
        score=score,
        words=word_count(text),
        # That two sentences name one date says nothing.
        runs=frozenset(run for run in ngrams(plain, _RUN) if sum(map(str.isdigit, run)) <= 1),
        decides=one.role != "assistant" and DECIDES.search(one.text.lower()) is not None,
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

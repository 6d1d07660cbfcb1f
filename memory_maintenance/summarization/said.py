"""What is said in a session, sentence by sentence: who says it, whether it answers, asks, decides or only passes on."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.extractive.antecedents import with_antecedents, without_beginnings_cut_off
from memory_maintenance.writers.extractive.cues import DECIDES, REQUEST, SOLVES, YES_OR_NO
from memory_maintenance.writers.extractive.examples import is_entry, is_field, without_examples, without_templates
from memory_maintenance.writers.extractive.plain_text import without_opening, without_own_label
from memory_maintenance.writers.extractive.salience import is_padding, is_small_talk, salience
from memory_maintenance.writers.extractive.transcript import BRIEF, Role, Transcript, Utterance
from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS, Language
from memory_maintenance.writers.language.relative_dates import with_dates
from memory_maintenance.writers.language.words import content_stems, word_count

_PER_MESSAGE: Final = 12
"""Sentences of one message that are looked at: its most telling ones."""

_WHOLE: Final = 15
"""Words from which on an entry of a list says something without it."""

_LISTS_PER_MESSAGE: Final = 2
_FEWEST_TERMS: Final = 3
"""Content words from which on a sentence can be understood without the one before it."""

_FEW: Final = 2
_TELLING: Final = 1.5
"""Salience from which on a short sentence stands alone: "The travel budget was rejected."."""

_OPENING_SENTENCES: Final = 4
"""Sentences of what a user says first that open the session."""

_MATERIAL: Final = 150
"""Words of a user's message from which on it is a text that he hands over, but for its beginning and its end."""

_TAKEN_UP: Final = 2
"""Turns after the first that speak of a subject."""

_SHORT_ANSWER: Final = 6
_ASKED: Final = re.compile(r"[?？]\s")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])\s+")
_STATED: Final = 0.65
"""Share of the words of a question from which on a sentence that has them states what it asks about."""

_MOST_SENTENCES: Final = 1500

Kind = Literal["list", "advice", "entry"]
"""A list of an assistant, of names or of advice, and one of its entries."""


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence as it is said in a session.

    ``brief``: its turn has few sentences. ``answered_by``: who has the last word in it where that is somebody else.
    ``opens``: it is among the first of its turn, or asks something of a text that a user hands over, ``pasted``: it is
    of such a text.
    ``opens_subject``: a user asks for something that the talk goes on about.
    """

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
    pasted: bool = False
    opens: bool = False
    opens_subject: bool = False

    @property
    def decides(self) -> bool:
        """Whether somebody other than an assistant decides something, or takes up what an assistant offers."""
        if self.role == "assistant":
            return self.answered_by is not None and not _ASKED.search(self.text)
        return DECIDES.search(self.text.lower()) is not None

    @property
    def solves(self) -> bool:
        """Whether an assistant recommends something, or says what to do about a problem."""
        return self.role == "assistant" and SOLVES.search(self.text.lower()) is not None

    @property
    def terms(self) -> frozenset[str]:
        """The stems of its content words."""
        return frozenset(self.stems) - ALL_FUNCTION_WORDS

    @property
    def asks(self) -> bool:
        """Whether it is a question without its answer."""
        return self.answered_by is None and self.text.rstrip().endswith(("?", "？"))

    @property
    def requests(self) -> bool:
        """Whether it asks for something."""
        return REQUEST.search(self.text.lower()) is not None

    @property
    def stands_alone(self) -> bool:
        """Whether a reader understands it without the sentence before it."""
        if len(self.terms) >= _FEWEST_TERMS or self.worth >= _TELLING:
            return True
        return any(map(str.isdigit, self.text)) and not self.text.endswith(("...", "…"))


def said_in(ordered: Sequence[Memory], transcript: Transcript, language: Language | None) -> list[Said]:
    """Return the telling sentences of a session, relative dates resolved, without questions that a sentence answers."""
    found: list[Said] = []
    turn = 0
    asked: Said | None = None
    for index, message in enumerate(transcript.messages):
        for utterance in message:
            turn += 1
            said = _said_in_turn(utterance, index, turn)
            if asked and said and not (found and found[-1].turn == asked.turn) and _answers(asked, said[0]):
                found.append(asked)
            found.extend(said)
            asked = _said(utterance, index, turn, utterance.sentences[-1])
    found = _answered(found)
    step = max(1, math.ceil(len(found) / _MOST_SENTENCES))
    dated = [_dated(one, ordered[one.event], language) for one in found[::step]]
    return _opening_subjects(_without_asked_twice(dated))


def _said(said: Utterance, event: int, turn: int, text: str, kind: Kind | None = None) -> Said:
    brief = len(said.sentences) <= BRIEF
    return Said(
        event, turn, said.speaker, said.role, text, tuple(content_stems(text)), salience(text), brief, kind=kind
    )


def _said_in_turn(said: Utterance, event: int, turn: int) -> list[Said]:
    """Return the lists of a turn, each as one sentence, and its most telling sentences in order."""
    assistant = said.role == "assistant"

    def of(text: str, kind: Kind | None = None) -> Said:
        return _said(said, event, turn, text, kind)

    lists = [of(one.text, "list" if one.holds_names else "advice") for one in said.lists[:_LISTS_PER_MESSAGE]]
    entries = tuple(map(without_own_label, said.entries))
    names = tuple(name for own in said.lists for name in own.names)
    telling = list(_telling(said.sentences))
    if said.role in ("user", "other") and telling and len(telling) < len(said.sentences) and _is_short(said.sentences):
        return [replace(of(" ".join(telling)), text=" ".join(said.sentences))]  # "Fabric! Yes please."
    without_samples = list((without_examples if assistant else without_templates)(said.sentences)) or said.sentences
    whole = [*without_samples[:1], *without_beginnings_cut_off(without_samples[1:])]
    texts = with_antecedents(
        list(_telling(map(without_opening, map(without_own_label, whole) if assistant else whole)))
    )

    def is_step(text: str) -> bool:
        listed = text.startswith(entries) and (word_count(text) < _WHOLE or ": " in text or text.startswith(names))
        return assistant and (listed or is_entry(text))

    own = [of(text, "entry" if is_step(text) else None) for text in texts]
    own = [one for one in own if not (one.kind and is_field(one.text))] or own
    pasted = said.role == "user" and sum(map(word_count, said.sentences)) > _MATERIAL
    first = 1 if pasted else _OPENING_SENTENCES
    last = len(own) - 1
    own = [
        replace(one, opens=place < first or (pasted and place == last), pasted=pasted and place < last)
        for place, one in enumerate(own)
    ]
    best = sorted(own, key=lambda one: (not one.opens, -one.worth))[:_PER_MESSAGE]
    return [*lists, *(one for one in own if one in best)]


def _without_asked_twice(said: Sequence[Said]) -> list[Said]:
    """Leave out each question whose words another sentence states.

    What a user asks an assistant that only talks stays: it leads to the answer.
    """
    works = any(one.role == "tool" for one in said)
    stating = defaultdict[str, set[int]](set)
    for index, one in enumerate(said):
        if not one.asks:
            for stem in one.stems:
                stating[stem].add(index)
    left = []
    for one in said:
        stems = one.terms if one.asks and (works or one.role != "user") else frozenset[str]()
        stated = Counter(index for stem in stems for index in stating[stem])
        if len(stems) < _FEW or max(stated.values(), default=0) < _STATED * len(stems):
            left.append(one)
    return left


def _opening_subjects(said: Sequence[Said]) -> list[Said]:
    """Return *said* with each request of a user marked whose words are new and are taken up from then on."""
    turns = defaultdict[str, set[int]](set)
    for one in said:
        for stem in one.stems:
            turns[stem].add(one.turn)

    def opens(one: Said) -> bool:
        new = (turns[stem] for stem in one.terms)
        return sum(min(at) == one.turn and len(at) > _TAKEN_UP for at in new) >= _FEW

    asked = (one.role == "user" and (one.asks or one.requests) for one in said)
    return [replace(one, opens_subject=asks and opens(one)) for one, asks in zip(said, asked, strict=True)]


def _dated(one: Said, event: Memory, language: Language | None) -> Said:
    text = with_dates(one.text, event.created_at, language)
    return one if text == one.text else replace(one, text=text, worth=max(one.worth, salience(text)))


def _answered(found: Sequence[Said]) -> list[Said]:
    """Return the sentences with each question between people that has a short answer joined to it.

    "Only an upright." says nothing without "Does the hall have a grand piano?".
    """
    joined: list[Said] = []
    for one in found:
        asked = joined[-1] if joined else None
        if asked is None or not _answers(asked, one):
            joined.append(one)
            continue
        text = f"{asked.text}\n{one.speaker}: {one.text}"
        joined[-1] = replace(
            asked,
            text=text,
            turn=one.turn,
            stems=(*asked.stems, *one.stems),
            worth=max(one.worth, 1.0),
            answered_by=one.speaker,
        )
    return joined


def _answers(asked: Said, one: Said) -> bool:
    people = (asked.role, one.role) in (("other", "other"), ("assistant", "user"))
    if (
        not people
        or not asked.speaker
        or asked.speaker == one.speaker
        or asked.answered_by
        or one.turn != asked.turn + 1
    ):
        return False
    if not asked.text.rstrip().endswith(("?", "？")):
        # "On fabric it costs 38 euro." and "Fabric, please."
        return asked.role == "assistant" and not one.stands_alone and bool({*one.stems} & {*asked.stems})
    first = one.text.split(maxsplit=1)[0].lower().strip(".,!…")
    begins = _SENTENCE_END.split(one.text, maxsplit=1)[0]  # "On 9 December. He practises every Sunday."
    return not one.stands_alone or first in YES_OR_NO or word_count(begins) <= _SHORT_ANSWER


def _is_short(sentences: Iterable[str]) -> bool:
    return sum(map(word_count, sentences)) <= _SHORT_ANSWER


def _telling(sentences: Iterable[str]) -> Iterator[str]:
    for sentence in sentences:
        if not (is_small_talk(sentence) or is_padding(sentence)):
            yield sentence

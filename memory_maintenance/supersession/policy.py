"""When a later memory says the same thing otherwise: the rule, without clock or database.

It prefers an outdated memory that stays to one that is demoted wrongly: both are one sentence about the same subject,
and the later one is neither a question nor a plan.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, Literal
from uuid import UUID

from memory_maintenance.changes.candidates import Needed, needed, plain_form
from memory_maintenance.supersession.cues import (
    AUXILIARIES,
    CHANGE_WORDS,
    FROM_TO,
    HEDGES,
    INDEFINITE,
    INSTEAD,
    NEGATIONS,
    NO_LONGER,
    NOW,
    OCCUPATIONS,
    ONE_OF_MANY,
    ORIGINS,
    PASSING,
    PERSONS,
    STATES,
    WEEKDAY_NAMES,
)
from memory_maintenance.writers.extractive.cues import UNITS
from memory_maintenance.writers.extractive.facts import Fact, fact_of
from memory_maintenance.writers.extractive.salience import speaker
from memory_maintenance.writers.language.dates import MONTH_NAMES
from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS
from memory_maintenance.writers.language.words import sentences

Reason = Literal["new_value", "no_longer", "old_value_quoted"]

LONGEST: Final = 300
"""Characters; a longer text says more than one thing."""

FEWEST_WORDS: Final = 3

_TOKEN: Final = re.compile(r"[^\W_]+(?:[.:,'/-][^\W_]+)*")
_DAY: Final = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d\d-\d\d")
_CLOCK_WORDS: Final = frozenset(("am", "pm", "h", "uhr"))
_QUESTION: Final = re.compile("[?？؟]")
_MAY: Final = re.compile(r"\bmay\b")
"""The verb; the month has a capital."""

_FEWEST_ABOUT: Final = 2
"""Words that tell what a value is of: "the meeting" may be any one."""

_NEAR: Final = 4
"""Words between a verb of state and the value that it gives."""

_ELIDED: Final = re.compile(r"^(?:[ldnsj]|qu)'")


@dataclass(frozen=True)
class Statement:
    """A memory as it is compared; ``scope`` is its project, class and role, across which nothing is superseded."""

    id: UUID
    text: str
    scope: tuple[str, ...]
    created_at: datetime
    fingerprint: bytes
    session: str | None = None
    protected: bool = False

    @cached_property
    def plain(self) -> str:
        """Return the text with one kind of digits, apostrophes and blanks."""
        return plain_form(self.text)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Return the words in order, casefolded, without what is elided before them."""
        return _words(self.plain)

    @cached_property
    def fact(self) -> Fact:
        """Return it taken apart."""
        return fact_of(self.text)

    @cached_property
    def is_comparable(self) -> bool:
        """Whether it is one sentence that states something that may hold for a while."""
        return (
            len(self.text) <= LONGEST
            and len(self.words) >= FEWEST_WORDS
            and _QUESTION.search(self.text) is None
            and not PASSING & set(self.words)
            and len(sentences(self.text)) == 1
        )

    @cached_property
    def is_of_its_session(self) -> bool:
        """Whether only its session tells of whom it speaks: "I", "she", "your"."""
        return bool(PERSONS & set(self.words)) or speaker(self.text) is not None

    @cached_property
    def current(self) -> tuple[str, ...]:
        """Return the words without those that only say that it holds now."""
        return tuple(word for word in self.words if word not in NOW)

    @cached_property
    def ended(self) -> tuple[str, ...] | None:
        """Return the words of what holds no longer, where it says so and nothing else."""
        for cue, rest in NO_LONGER:
            if cue.search(self.plain.lower()):
                return _words(cue.sub(rest, self.plain.lower()))
        return None

    @cached_property
    def telling(self) -> frozenset[str]:
        """Return the words that may be a value or say of what it is one: names, figures, days."""
        return frozenset(word for word in self.words if word in self.fact.names or _has_digit(word) or _is_day(word))


@dataclass(frozen=True, slots=True)
class Supersession:
    """What replaces what, and by which rule."""

    earlier: Statement
    later: Statement
    reason: Reason


def supersedes(later: Statement, earlier: Statement) -> Reason | None:
    """Say by which rule *later* takes the place of *earlier*; None: it does not, or not surely enough."""
    if not _may_meet(later, earlier):
        return None
    if later.ended is not None:
        return "no_longer" if later.ended == earlier.words and not NEGATIONS & set(earlier.words) else None
    if _quotes(later, earlier):
        return "old_value_quoted"
    return "new_value" if _updates(later, earlier) else None


def supersessions(statements: Sequence[Statement], new: Set[UUID]) -> list[Supersession]:
    """Return what the *new* ones of *statements* replace, by time; each is replaced once, by the first that does."""
    found = dict[UUID, Supersession]()
    known = defaultdict[tuple[object, ...], list[Statement]](list)
    quotes = any(one.id in new and one.is_comparable and _quoted(one) for one in statements)
    for later in sorted(statements, key=lambda one: (one.created_at, one.id)):
        if not later.is_comparable:
            continue
        if later.id in new:
            for earlier in _candidates(later, known):
                if earlier.id not in found and (reason := supersedes(later, earlier)):
                    found[earlier.id] = Supersession(earlier, later, reason)
        for key in _keys(later, quotable=quotes):
            known[key].append(later)
    return sorted(found.values(), key=lambda one: (one.later.created_at, one.later.id))


def words_needed(later: Statement) -> set[Needed]:
    """Return what an earlier statement holds that *later* may replace, of each kind the words; empty: none may."""
    if not _may_replace(later):
        return set()
    if later.ended is not None:
        return {needed(later.ended)}
    if _quoted(later):
        return {(word,) for word in later.telling}
    return {needed(later.current[:at] + later.current[at + 1 :]) for at in _values(later)}


def _keys(one: Statement, *, quotable: bool) -> Iterator[tuple[object, ...]]:
    """Yield what an earlier statement is found by: its words, its words but one, each word that may be quoted."""
    yield (one.scope, one.words)
    for at in _values(one):
        yield (one.scope, at, one.current[:at], one.current[at + 1 :])
    if quotable:  # to find names and figures takes longer than all else
        for word in one.telling:
            yield (one.scope, word)


def _candidates(later: Statement, known: dict[tuple[object, ...], list[Statement]]) -> Iterable[Statement]:
    keys: Iterable[tuple[object, ...]]
    if later.ended is not None:
        keys = [(later.scope, later.ended)]
    elif _quoted(later):
        keys = [(later.scope, word) for word in later.telling]
    else:
        keys = [(later.scope, at, later.current[:at], later.current[at + 1 :]) for at in _values(later)]
    return {one.id: one for key in keys for one in known.get(key, ())}.values()


def _may_meet(later: Statement, earlier: Statement) -> bool:
    return (
        later.scope == earlier.scope
        and later.created_at > earlier.created_at
        and not earlier.protected
        and _may_replace(later)
        and earlier.is_comparable
        and (not (later.is_of_its_session or earlier.is_of_its_session) or _one_session(later, earlier))
    )


def _may_replace(later: Statement) -> bool:
    """Whether it states something, and plans, supposes or quotes nothing."""
    return later.is_comparable and not HEDGES & set(later.words) and _MAY.search(later.plain) is None


def _one_session(later: Statement, earlier: Statement) -> bool:
    said_by = speaker(later.text), speaker(earlier.text)
    return later.session is not None and later.session == earlier.session and said_by[0] == said_by[1]


def _values(one: Statement) -> list[int]:
    """Return the places of the words that a verb of state gives a value for."""
    words = one.current
    places = [at for at, word in enumerate(words) if word in STATES]
    return [
        at
        for place in places
        for at in range(place + 1, min(place + _NEAR, len(words)))
        if all(between in ALL_FUNCTION_WORDS for between in words[place + 1 : at]) and words[at] not in STATES
    ]


def _updates(later: Statement, earlier: Statement) -> bool:
    """Whether both say the same but for one value: a figure or day, or any word where the later one says "now"."""
    old, new = earlier.current, later.current
    differ = [at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]]
    if len(old) != len(new) or len(differ) != 1 or differ[0] not in _values(earlier) or ONE_OF_MANY & {*old, *new}:
        return False
    about = earlier.fact.subject | earlier.fact.names
    if NEGATIONS & {*old, *new} or old[0] in INDEFINITE or len(about) < _FEWEST_ABOUT:
        return False
    gone, come = old[differ[0]], new[differ[0]]
    if later.current != later.words:
        says_what_it_is = old[differ[0] - 1] in AUXILIARIES and not (gone in earlier.telling and come in later.telling)
        return not says_what_it_is and not {gone, come} & ALL_FUNCTION_WORDS
    return _is_value(gone, earlier.fact) and _is_value(come, later.fact)


def _is_value(word: str, fact: Fact) -> bool:
    """Whether a word says how much or when; else it says which: ``order 4412``."""
    return _DAY.fullmatch(word) is not None or (word in fact.values and word not in fact.names)


def _quoted(later: Statement) -> tuple[str, ...] | None:
    """Return the words from the old value on, where *later* quotes one: "moved from X", "instead of X"."""
    for cue in (*FROM_TO, *INSTEAD):
        if found := cue.search(later.plain):
            after = _words(found["old"])
            start = next((at for at, word in enumerate(after) if not _is_function(word)), len(after))
            return after[start:]
    return None


def _quotes(later: Statement, earlier: Statement) -> bool:
    """Whether *later* quotes a value of *earlier*, gives one new value for it, and speaks of nothing else."""
    after = _quoted(later)
    if not after or NEGATIONS & set(later.words) or NEGATIONS & set(earlier.words):
        return False
    old = _longest_start_in(after, earlier.words)
    if not set(old) & later.telling & earlier.telling or not _of_one_verb(later, earlier, old):
        return False
    rest = Counter(later.words) - Counter(old)
    come = [at for at, word in enumerate(later.words) if word in later.telling and word not in earlier.words]
    kept = {word for word in Counter(earlier.words) - Counter(old) if _says(word, earlier) and word not in STATES}
    new = {later.words[at] for at in come}
    aside = {word for word in rest if _says(word, later)} - new - set(earlier.words) - STATES - CHANGE_WORDS - NOW
    return bool(kept) and kept <= set(rest) and not aside - _CLOCK_WORDS and _in_one_run(come, later.words)


def _of_one_verb(later: Statement, earlier: Statement, old: Sequence[str]) -> bool:
    """Whether both say the same of the value: "opens at" and "closes at" do not, nor "is from" and "moved from"."""
    said, before = STATES & set(later.words), STATES & set(earlier.words)
    preceding = earlier.words[: _place_of(old, earlier.words)][-1:]
    return said - AUXILIARIES <= before and OCCUPATIONS & before <= said and not ORIGINS & set(preceding)


def _says(word: str, statement: Statement) -> bool:
    return word in statement.telling or not _is_function(word)


def _longest_start_in(start: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
    """Return the longest beginning of *start* that *words* has as it is."""
    for size in range(len(start), 0, -1):
        if _place_of(start[:size], words) is not None:
            return tuple(start[:size])
    return ()


def _place_of(part: Sequence[str], words: Sequence[str]) -> int | None:
    return next((at for at in range(len(words)) if tuple(words[at : at + len(part)]) == tuple(part)), None)


def _in_one_run(places: Sequence[int], words: Sequence[str]) -> bool:
    """Whether the new words stand together: one new value, and no other subject."""
    if not places:
        return False
    between = set(range(places[0], places[-1])) - set(places)
    return all(words[at] in UNITS or words[at] in _CLOCK_WORDS for at in between)


def _words(text: str) -> tuple[str, ...]:
    return tuple(_ELIDED.sub("", token.casefold().removesuffix("'s")) for token in _TOKEN.findall(text))


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _is_day(word: str) -> bool:
    return word in WEEKDAY_NAMES or word in MONTH_NAMES


def _is_function(word: str) -> bool:
    return word in ALL_FUNCTION_WORDS and not _is_day(word)

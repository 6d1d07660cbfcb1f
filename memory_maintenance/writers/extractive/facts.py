"""When two sentences say the same, when the later one replaces the earlier, and when they are facts of one kind.

"Ana's flight leaves at 10" and "Ben's flight leaves at 14" are two facts. "The export runs at 02:00" and, later,
"The export runs at 04:00" are one fact that changed. What is not certain is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from memory_maintenance.writers.extractive.cues import TITLES, UNITS, VALUE_AFTER
from memory_maintenance.writers.extractive.salience import is_correction
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.dates import MONTH_NAMES
from memory_maintenance.writers.language.figures import figures, plain_digits
from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS
from memory_maintenance.writers.language.stop_words import STOP_WORDS, TOPIC_LABELS
from memory_maintenance.writers.language.words import stem

_TOKEN: Final = re.compile(r"[^\W_]+(?:[.:,'’/-][^\W_]+)*")
_ADDED: Final = re.compile(r" \[[\d, toar-]+\]")
_RESOLVED: Final = re.compile(r"\[(\d{4}[^\]]*)\]")
_GROUP: Final = re.compile(r"(?<=\d) (?=\d{3}\b)")
_SIGN: Final = re.compile("[$%€£¥]")
_VALUE: Final = re.compile(r"\d{1,2}:\d{2}|\d+[.,]\d+")
_SAME_KIND: Final = 0.6
_ABOUT: Final = 0.5
_ABOUT_WITHOUT_CASE: Final = 0.6
_ABOUT_A_QUOTED_VALUE: Final = 0.25
_FEWEST_SHARED: Final = 2


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence taken apart for comparison.

    ``words`` are its tokens in order, ``names`` what may say whom or what it is about (names, single letters,
    identifiers), ``lead`` the first of them, ``subject`` the stems of the rest.
    """

    words: tuple[str, ...]
    values: frozenset[str]
    names: frozenset[str]
    lead: str | None
    subject: frozenset[str]
    cased: bool
    correction: bool
    speaker: str | None = None


def fact_of(sentence: str, speaker: str | None = None) -> Fact:
    """Return *sentence* taken apart; dates that were added in brackets do not count as its words."""
    text = _GROUP.sub("", plain_digits(clean(_ADDED.sub("", sentence))))
    tokens = _TOKEN.findall(text)
    values, names, subject = set[str](), list[str](), set[str]()
    for index, token in enumerate(tokens):
        word = token.casefold().removesuffix("'s").removesuffix("’s")
        if any(map(str.isdigit, word)):
            (values.add(word) if _is_value(tokens, index, text) else names.append(word))
        elif _is_name(token, word, first=index == 0):
            names.append(word)
        elif word not in STOP_WORDS and word not in ALL_FUNCTION_WORDS and word not in TITLES and len(word) > 1:
            subject.add(stem(word))
    return Fact(
        words=tuple(token.casefold() for token in tokens),
        values=frozenset(values) | frozenset(figures(text)) | frozenset(_RESOLVED.findall(sentence)),
        names=frozenset(names),
        lead=names[0] if names else None,
        subject=frozenset(subject),
        cased=any(letter.isupper() or letter.islower() for letter in text),
        correction=is_correction(sentence),
        speaker=speaker,
    )


def _is_value(tokens: list[str], index: int, text: str) -> bool:
    """Whether a number says how much or when; else it says which (``order 4412``, ``Room 12``)."""
    token = tokens[index]
    if any(map(str.isalpha, token)):
        return False
    before = tokens[index - 1].casefold() if index else ""
    after = tokens[index + 1].casefold() if index + 1 < len(tokens) else ""
    # Most texts have no such sign: a pattern for each of their figures would take a tenth of a summary's time.
    money = _SIGN.search(text) and re.search(rf"[$€£¥]\s?{re.escape(token)}|{re.escape(token)}\s?[%€£¥]", text)
    in_day = before in MONTH_NAMES or after in MONTH_NAMES or re.fullmatch(r"\d{4}-\d\d-\d\d", token) is not None
    told = after in UNITS or before in VALUE_AFTER or f": {token}" in text
    return bool(_VALUE.fullmatch(token) or money or in_day or told)


def _is_name(token: str, word: str, *, first: bool) -> bool:
    if word in TITLES:
        return False
    if word in STOP_WORDS or word in ALL_FUNCTION_WORDS or word in MONTH_NAMES or word in TOPIC_LABELS:
        return len(token) == 1 and token.isupper() and not first and word != "i"
    return len(token) == 1 or (token[0].isupper() and (not first or not token[1:].islower() or len(word) < 8))  # noqa: PLR2004


def repeats(later: Fact, earlier: Fact) -> bool:
    """Whether both say the same in the same words."""
    return Counter(later.words) == Counter(earlier.words) and later.values == earlier.values


def of_one_kind(one: Fact, other: Fact) -> bool:
    """Whether both say the same of different people, things or times."""
    told, others = one.names | one.values, other.names | other.values
    if not told or not others or told == others:
        return False
    union = one.subject | other.subject
    return bool(union) and len(one.subject & other.subject) >= max(2, _SAME_KIND * len(union))


def replaces(later: Fact, earlier: Fact) -> bool:
    """Whether *later* takes the place of *earlier*: a repeat, one changed value, or a correction of that very thing."""
    if repeats(later, earlier):
        return True
    return _corrects(later, earlier) if later.correction else _updates(later, earlier)


def _updates(later: Fact, earlier: Fact) -> bool:
    """Whether the two differ in one value and in nothing else, with the same speaker or without one."""
    gone, come = Counter(earlier.words) - Counter(later.words), Counter(later.words) - Counter(earlier.words)
    if gone.total() != 1 or come.total() != 1 or later.speaker != earlier.speaker:
        return False
    (old,), (new,) = gone, come
    return old in earlier.values and new in later.values and old not in earlier.names and len(earlier.subject) > 1


def _corrects(later: Fact, earlier: Fact) -> bool:
    """Whether *later* corrects *earlier*: the old value is quoted or the same name leads, and no other one does."""
    if later.cased and earlier.lead and earlier.lead not in later.names and later.names - earlier.names:
        return False
    if {name for name in earlier.names if _is_identifier(name)} - later.names - later.values:
        return False
    shared = len(later.subject & earlier.subject)
    quoted = bool(earlier.values & later.values) or bool(_quoted_names(later, earlier))
    if not later.cased:
        return quoted and shared >= max(_FEWEST_SHARED, _ABOUT_WITHOUT_CASE * len(earlier.subject))
    if quoted and shared >= max(_FEWEST_SHARED, _ABOUT_A_QUOTED_VALUE * len(earlier.subject)):
        return True
    same_lead = earlier.lead is not None and earlier.lead == later.lead
    same_without_names = not earlier.names and not later.names and bool(earlier.values) and bool(later.values)
    return (same_lead or same_without_names) and shared >= max(1, _ABOUT * len(earlier.subject))


def _quoted_names(later: Fact, earlier: Fact) -> frozenset[str]:
    """Return the old names, beside the one that leads, that a correction says again: "Munich instead of Berlin"."""
    return (earlier.names & later.names) - {earlier.lead}


def _is_identifier(name: str) -> bool:
    return len(name) == 1 or any(map(str.isdigit, name))

"""Which strings identify what was forgotten, and where a text still has one: exactly or normalized.

Normalized means: case, width and white space do not count, nor do signs between words or digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from memory_maintenance.writers.language.dates import MONTH_NAMES

_FIGURE: Final = re.compile(r"(?<!\w)\+?\d[\d\s\-/().]{3,}\d(?!\w)")
_DATE: Final = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_UUID: Final = re.compile(r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
"""Ids of memories, as metadata has them of what a memory was folded into: they identify no person, and are kept."""

_ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|https?://[^\s\"'<>]+")
_NAME: Final = re.compile(r"[^\W\d_a-z][\w'’-]+(?:\s+(?:[^\W\d_a-z][\w'’-]+|\d+\w?))+")
_CAPITAL: Final = re.compile(r"(?<=[\w,;:]\s)[^\W\d_a-z]\w{3,}")
_UNCASED: Final = re.compile(r"[^\W\d_A-Za-z]{4,20}")
_FEWEST_DIGITS: Final = 5
_PART_OF_A_FIGURE: Final = 7
"""Digits from which on a figure is also found inside a longer one."""

_OWN_WORDS: Final = frozenset({"key topics", "mixed", "negative", "neutral", "positive", "sentiment", "summary"})
"""What every summary may say, whomever it is about."""

MOST_STRINGS: Final = 5_000
"""Identifying strings of one order that are searched for."""


def words_of(text: str) -> list[str]:
    """Return the words and numbers of *text*, normalized."""
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def figures_of(text: str) -> set[str]:
    """Return the figures of five digits or more, as ASCII digits alone; dates and UUIDs are not figures."""
    plain = "".join(
        str(unicodedata.decimal(one)) if one.isdecimal() else one for one in unicodedata.normalize("NFKC", text)
    )
    found = (re.sub(r"\D", "", one) for one in _FIGURE.findall(_DATE.sub(" ", _UUID.sub(" ", plain))))
    return {digits for digits in found if len(digits) >= _FEWEST_DIGITS}


def identifying_strings(text: str) -> set[str]:
    """Return what in *text* may identify somebody, normalized: names, addresses, figures, words without case.

    A figure is its digits; all else are words with one space between them.
    """
    names = [*_ADDRESS.findall(text), *_NAME.findall(text), *_CAPITAL.findall(text)]
    names += [one for one in _UNCASED.findall(text) if one.upper() == one.lower()]
    return ({" ".join(words_of(one)) for one in names} - MONTH_NAMES - _OWN_WORDS) | figures_of(text)


@dataclass
class Finder:
    """Finds strings of a set in texts, in time that does not grow with the set."""

    strings: frozenset[str]
    _by_first: dict[str, list[list[str]]] = field(default_factory=lambda: defaultdict(list), init=False)
    _figures: set[str] = field(default_factory=set, init=False)
    _unspaced: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """Sort the strings by how they are looked for."""
        for one in self.strings:
            if one.isdigit() and len(one) >= _FEWEST_DIGITS:
                self._figures.add(one)
            elif one.isascii() or one.upper() != one.lower():
                self._by_first[one.split(" ", 1)[0]].append(one.split(" "))
            else:
                self._unspaced.append(one)

    def found_in(self, text: str) -> set[str]:
        """Return the strings that *text* has."""
        words = words_of(text)
        found = set(self._found_words(words))
        if self._unspaced:
            whole = " ".join(words)
            found.update(one for one in self._unspaced if one in whole)
        if self._figures:
            runs = figures_of(text)
            found.update(runs & self._figures)
            long = [run for run in runs if len(run) > _PART_OF_A_FIGURE]
            found.update(one for run in long for one in self._figures if len(one) >= _PART_OF_A_FIGURE and one in run)
        return found

    def _found_words(self, words: list[str]) -> Iterator[str]:
        for place, word in enumerate(words):
            for wanted in self._by_first.get(word, ()):
                if words[place : place + len(wanted)] == wanted:
                    yield " ".join(wanted)


def texts_in(value: object) -> Iterator[str]:
    """Yield the texts of a value of JSON: those of its lists and objects, without names of keys, and whole numbers."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)


def found_in_all(finder: Finder, texts: Iterable[str]) -> set[str]:
    """Return the strings that any of *texts* has."""
    return set[str]().union(*map(finder.found_in, texts))

"""Numbers and dates of a text, in a form that can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from memory_maintenance.writers.language.cleaning import clean

_DATE: Final = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_ROUND: Final = re.compile(r"\d+\.00")

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = rf"({'|'.join(_MONTHS)})[a-z]*\.?"
_DAY_FIRST: Final = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH},? (\d{{4}})\b")
_MONTH_FIRST: Final = re.compile(rf"\b{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b")

_WORDS: Final = "one two three four five six seven eight nine ten eleven twelve"
_IN_WORDS: Final = {word: str(number) for number, word in enumerate(_WORDS.split(), start=1)}


def figures(text: str) -> frozenset[str]:
    """Return the numbers, times and ISO dates of *text* as digits.

    ``4,200`` is 4200 and ``89.00`` is 89; a range or a date that is not ISO
    falls into its parts.
    """
    cleaned = clean(text)
    dates = {found.group() for found in _DATE.finditer(cleaned)}
    return frozenset(dates | {_plain(number) for number in _NUMBER.findall(_DATE.sub(" ", cleaned))})


def supported_figures(sources: Iterable[str]) -> frozenset[str]:
    """Return every figure that an honest text about *sources* may hold.

    Their own, the parts of their dates and times, the ISO form of their dates
    in words, and the digits of their numbers in words up to twelve.
    """
    return frozenset(figure for source in sources for figure in _supported(clean(source).lower()))


def _supported(source: str) -> Iterator[str]:
    own = figures(source) | set(_written_dates(source))
    yield from own
    for figure in own:
        yield from _parts(figure)
    yield from (digits for word, digits in _IN_WORDS.items() if re.search(rf"\b{word}\b", source))


def _parts(figure: str) -> Iterator[str]:
    """Yield the parts of a date or time, with and without leading zeros."""
    parts = re.split("[-:]", figure)
    if len(parts) > 1:
        yield from parts
        yield from (part.lstrip("0") or "0" for part in parts)


def _written_dates(source: str) -> Iterator[str]:
    for day, month, year in _DAY_FIRST.findall(source):
        yield f"{year}-{_MONTHS.index(month) + 1:02d}-{int(day):02d}"
    for month, day, year in _MONTH_FIRST.findall(source):
        yield f"{year}-{_MONTHS.index(month) + 1:02d}-{int(day):02d}"


def _plain(number: str) -> str:
    if _GROUPED.fullmatch(number):
        number = number.replace(",", "")
    return number[:-3] if _ROUND.fullmatch(number) else number

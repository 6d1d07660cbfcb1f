"""The days that a text names, in whatever of a dozen languages, and which of them another text keeps.

A day is ``2026-03-12``, or ``--03-12`` where no year is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

_MONTHS: Final = tuple(
    # en, de, fr, es, pl, it, pt, nl, ru, uk, cs, sv: whole words or beginnings that end in a dot or at an ending.
    names.split()
    for names in (
        "january jan januar jänner janvier janv enero ene stycznia styczeń stycznią gennaio genn janeiro januari января январь січня ledna leden",
        "february feb februar février févr fevrier febrero lutego luty febbraio febbr fevereiro februari февраля февраль лютого února únor",
        "march mar märz maerz mrz mars marzo marca marzec março maart марта март березня března březen",
        "april apr avril avr abril abr kwietnia kwiecień aprile апреля апрель квітня dubna duben",
        "may mai mayo maja maj maggio magg maio mei мая май травня května květen",
        "june jun juni juin junio czerwca czerwiec giugno junho июня июнь червня června červen",
        "july jul juli juillet juil julio lipca lipiec luglio julho июля июль липня července červenec",
        "august aug août aout agosto ago sierpnia sierpień augusti augustus августа август серпня srpna srpen",
        "september sep sept septembre septiembre setiembre września wrzesień settembre setembro сентября сентябрь вересня září",
        "october oct oktober okt octobre octubre października październik ottobre outubro октября октябрь жовтня října říjen",
        "november nov novembre noviembre listopada listopad novembro ноября ноябрь листопада listopadu",
        "december dec dezember dez décembre déc decembre diciembre dic grudnia grudzień dicembre dezembro декабря декабрь грудня prosince prosinec",
    )
)  # fmt: skip
_NUMBER_OF: Final = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names}
MONTH_NAMES: Final = frozenset(_NUMBER_OF)
_MONTH: Final = rf"(?P<month>{'|'.join(sorted(map(re.escape, _NUMBER_OF), key=len, reverse=True))})\b(?:(?:(?<=\b\w{{3}})|(?<=\b\w{{4}}))\.)?"
"""With the full stop of an abbreviation only: that of "until January. 4 rooms" ends a sentence."""
_WORDS_TOO: Final = frozenset({"may", "mar", "march", "jan", "dec", "sep", "ago"})
"""Months that in lower case are words or units: "she may 5 times", "2 ago"."""

_LONGEST_MONTH: Final = 31
_WHOLE_YEAR: Final = 4
_NO_YEAR: Final = "-"
_DIGIT: Final = re.compile(r"\d")

_PATTERNS: Final = tuple(
    # Before the names of the months a cheap look ahead: most words are none, and there are 150 names.
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})(?!\d)",
        r"(?<!\d)(?P<year>\d{4})[/.](?P<number>\d{1,2})[/.](?P<day>\d{1,2})(?![\d.])",
        r"(?<!\d)(?:(?P<year>\d{4}) ?[年년] ?)?(?P<number>\d{1,2}) ?[月월] ?(?P<day>\d{1,2}) ?[日号號일]",
        rf"(?<![\d.,:])(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º|ª|\.)?(?: of| de| d')? ?(?=[^\W\d_]{{3}}){_MONTH}(?:,? (?:de |del |roku )?(?P<year>\d{{4}}))?(?!\d)",
        rf"\b(?=\w{{3,}}\.? \d){_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>\d{{4}}))?(?![\w:])",
    )
)  # fmt: skip
_EAST_ASIAN: Final = _PATTERNS[2]
_NUMERIC: Final = re.compile(r"(?<![\d.,/:-])(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?![\d]|[./-]\d)")
_DAY_AND_MONTH: Final = re.compile(
    r"(?:\b(?=\w{1,4} \d)(?:am|vom|bis|zum|ab|dem|den|der|do|od|dnia|le|du|au|el|il|на|до|с|от|к|по) )(\d{1,2})\.(\d{1,2})\.(?!\d)",
    re.IGNORECASE,
)
"""``am 24.11.``: without such a word it may be a version at the end of a sentence."""


@dataclass(frozen=True, slots=True)
class NamedDay:
    """One place where a text names a day; ``others`` are further readings of it (``03/04/2026``)."""

    day: str
    start: int
    end: int
    others: tuple[str, ...] = ()


def named_days(text: str) -> Iterator[NamedDay]:
    """Yield every place of *text* that names a day, its digits being those of ASCII."""
    if _DIGIT.search(text) is None:
        return
    for pattern in _PATTERNS:
        if pattern is _EAST_ASIAN and text.isascii():
            continue
        for found in pattern.finditer(text):
            parts = found.groupdict()
            if parts.get("month") in _WORDS_TOO:
                continue
            month = int(parts["number"]) if "number" in parts else _NUMBER_OF[parts["month"].lower()]
            if day := _day(parts["year"], month, int(parts["day"])):
                yield NamedDay(day, found.start(), found.end())
    yield from _in_figures(text)


def _in_figures(text: str) -> Iterator[NamedDay]:
    for found in _NUMERIC.finditer(text):
        first, sign, second, year = int(found[1]), found[2], int(found[3]), found[4]
        whole = year if len(year) == _WHOLE_YEAR else f"20{year}"
        readings = [_day(whole, second, first), _day(whole, first, second)]
        if sign != "/" and readings[0]:  # only slashes are written month first
            readings = readings[:1]
        if known := list(dict.fromkeys(filter(None, readings))):
            yield NamedDay(known[0], found.start(), found.end(), tuple(known[1:]))
    for found in _DAY_AND_MONTH.finditer(text):
        if day := _day(None, int(found[2]), int(found[1])):
            yield NamedDay(day, found.start(1), found.end())


def dates(text: str) -> frozenset[str]:
    """Return the days that *text* names; one that is named with and without its year is one.

    Reads ISO 8601, ``24.11.2026``, ``24/11/2026``, ``11月24日`` and dates with a month's name
    in a dozen languages. Of ``03/04/2026`` the day comes first.
    """
    named = frozenset(one.day for one in named_days(text))
    return named - {_NO_YEAR + one[4:] for one in named if not one.startswith(_NO_YEAR)}


def kept_dates(named: frozenset[str], text: str) -> frozenset[str]:
    """Return which of the dates *named* are also in *text*; a year that one side leaves out does not differ."""
    told = frozenset(day for one in named_days(text) for day in (one.day, *one.others))
    days = {one[-5:] for one in told}
    without_year = {one[-5:] for one in told if one.startswith(_NO_YEAR)}
    return frozenset(
        one for one in named if one in told or one[-5:] in (days if one.startswith(_NO_YEAR) else without_year)
    )


def _day(year: str | None, month: int, day: int) -> str | None:
    if not (1 <= month <= len(_MONTHS) and 1 <= day <= _LONGEST_MONTH):
        return None
    if year is not None:
        try:
            date(int(year) or 1, month, day)
        except ValueError:
            return None
    return f"{year or _NO_YEAR}-{month:02d}-{day:02d}"

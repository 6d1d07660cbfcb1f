"""The dates that a text names, and which of them another text keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MONTH: Final = rf"(?:{'|'.join(_MONTHS)}|(?:{'|'.join(month[:3] for month in _MONTHS)}|Sept)\b\.?)"
_ISO: Final = re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})(?!\d)")
_DAY_FIRST: Final = re.compile(
    rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH})(?:,? (?P<year>\d{{4}}))?\b"
)
_MONTH_FIRST: Final = re.compile(
    rf"\b(?P<month>{_MONTH}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>\d{{4}}))?(?![\w:])"
)
_LONGEST_MONTH: Final = 31
_NO_YEAR: Final = "-"


def dates(text: str) -> frozenset[str]:
    """Return the days that *text* names: ``2026-03-12``, or ``--03-12`` where it says no year.

    Reads ISO 8601 and English dates with a month's name; a day that is named with and
    without its year is one.
    """
    named = frozenset(_named(text))
    return named - {_NO_YEAR + one[4:] for one in named if not one.startswith(_NO_YEAR)}


def kept_dates(named: frozenset[str], text: str) -> frozenset[str]:
    """Return which of the dates *named* also stand in *text*; a year that one side leaves out does not differ."""
    told = frozenset(_named(text))
    days = {one[-5:] for one in told}
    without_year = {one[-5:] for one in told if one.startswith(_NO_YEAR)}
    return frozenset(
        one for one in named if one in told or one[-5:] in (days if one.startswith(_NO_YEAR) else without_year)
    )


def _named(text: str) -> Iterator[str]:
    for pattern in (_ISO, _DAY_FIRST, _MONTH_FIRST):
        for found in pattern.finditer(text):
            parts = found.groupdict()
            month = int(parts["number"]) if "number" in parts else _number(parts["month"])
            day = int(parts["day"])
            if 1 <= month <= len(_MONTHS) and 1 <= day <= _LONGEST_MONTH:
                yield f"{parts['year'] or _NO_YEAR}-{month:02d}-{day:02d}"


def _number(month: str) -> int:
    return next(number for number, name in enumerate(_MONTHS, start=1) if name.startswith(month[:3]))

"""Dates that are said relative to now, resolved: ``tomorrow`` becomes ``tomorrow [2026-11-21]``.

In English, German, French, Spanish and Polish (a few words of Russian, Chinese and Japanese besides), and only
what is certain: a bare ``Friday`` may lie ahead or behind and stays as it is, and where people differ (``next
Friday``, said on a Monday) both dates are given. A table of our own, because a date that is wrong is worse than
none: of the two libraries there are, one takes "may", "sat" and "we" for dates and reads "the day after tomorrow"
as tomorrow, and the other has had no release since 2020.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

from memory_maintenance.writers.language.dates import named_days
from memory_maintenance.writers.language.languages import Language, language_of
from memory_maintenance.writers.language.nowadays import means_nowadays
from memory_maintenance.writers.language.relative_words import (
    COUNTED,
    COUNTS,
    NEXT,
    UNITS,
    WEEKDAYS,
    Which,
    expressions,
)

_DECEMBER: Final = 12
_HALF_A_WEEK: Final = 3
_NEAR: Final = 400
"""Characters on each side of an expression that are looked at."""

_SENTENCE_END: Final = re.compile(r"[!?;\n]|(?<!\b\d)(?<!\b\d\d)\.(?=\s+[^\W\d_])")
_ADDED: Final = re.compile(r" \[\d{4}[^\]\n]*\]")

Resolve = Callable[[re.Match[str], date], str | None]
Row = tuple[re.Pattern[str], Resolve]


def with_dates(text: str, at: datetime, language: Language | None = None) -> str:
    """Return *text*, said at *at*, with the dates of its relative expressions behind them in square brackets.

    Days are those of *at*'s own time zone. An expression that has its date behind it already is
    left as it is, so twice is once. *language* is that of the whole conversation; None: the text's own.
    """
    for pattern, resolve in _tables(language or language_of(text)):
        text = pattern.sub(lambda found, resolve=resolve: _resolved(found, resolve, at.date()), text)  # type: ignore[misc]
    return text


def _resolved(found: re.Match[str], resolve: Resolve, today: date) -> str:
    before, after = _sentence_around(found)
    # Beside a day that is named it is not certain which day an expression counts from.
    if any(True for _ in named_days(_ADDED.sub("", f"{before}{found.group()}{after}"))):
        return found.group()
    try:
        day = resolve(found, today)
    except (OverflowError, ValueError):  # before the year 1, after 9999: Postgres has an "infinity"
        day = None
    return f"{found.group()} [{day}]" if day else found.group()


def _sentence_around(found: re.Match[str]) -> tuple[str, str]:
    """Return what stands before and after an expression in its sentence."""
    before = _SENTENCE_END.split(found.string[max(0, found.start() - _NEAR) : found.start()] + found.group())[-1]
    after = _SENTENCE_END.split(found.group() + found.string[found.end() : found.end() + _NEAR])[0]
    return before.removesuffix(found.group()), after.removeprefix(found.group())


def _is_nowadays(found: re.Match[str]) -> bool:
    before, after = _sentence_around(found)
    return means_nowadays(before, found.group(), after)


@cache
def _tables(language: Language | None) -> tuple[Row, ...]:
    """Return the rows for a text in *language*; words that no other language has are read in any."""
    if language is not None and language in WEEKDAYS:
        return tuple(_rows(language))
    return tuple(_rows("en") if language is None else ()) + tuple(_rows("any"))


def _rows(language: str) -> Iterator[Row]:
    for which, expression in expressions(language):
        yield _row(expression, _resolver(which, language), spaced=language != "any" or which.spaced)


def _row(expression: str, resolve: Resolve, *, spaced: bool) -> Row:
    # Atomic: else "tomorrow morning [2026-11-21]" would be taken for an undated "tomorrow".
    dated_already = r"(?! ?[\[(]\d)"
    edges = (r"(?<![\w-])", r"(?:['’]s)?+(?![\w-])") if spaced else ("", "")
    return re.compile(rf"{edges[0]}(?>{expression}){edges[1]}{dated_already}", re.IGNORECASE), resolve


def _resolver(which: Which, language: str) -> Resolve:
    match which.kind:
        case "today":
            return lambda found, today: None if _is_nowadays(found) else today.isoformat()
        case "days":
            return lambda _, today: (today + timedelta(days=which.number)).isoformat()
        case "distance":
            return lambda found, today: (
                None
                if which.number > 0 and COUNTED.search(found.string, 0, found.start())
                else _distance(found, which, language, today)
            )
        case "period":
            return lambda found, today: _period(_unit(found["unit"], language), _sign(found, language, which), today)
        case "next":
            return lambda found, today: _next(_ahead(found["weekday"], language, today), today)
        case "last":
            return lambda found, today: _last(-_ahead(found["weekday"], language, today) % 7, today)
        case _:  # On that very day it is not certain which is meant.
            return lambda found, today: (
                (today + timedelta(days=ahead)).isoformat()
                if (ahead := _ahead(found["weekday"], language, today))
                else None
            )


def _count(word: str, language: str) -> int:
    return int(word) if word.isdigit() else COUNTS[language][word.lower()]


def _unit(word: str, language: str) -> str:
    lower = word.lower()
    return next(unit for unit, forms in UNITS[language].items() if re.fullmatch(forms, lower))


def _sign(found: re.Match[str], language: str, which: Which) -> int:
    said = found.groupdict().get("which")
    return which.number if said is None else NEXT[language][said.lower()]


def _ahead(weekday: str, language: str, today: date) -> int:
    """Return the days from *today* to the coming *weekday*, 0 on that day itself."""
    lower = weekday.lower()
    index = next(at for at, forms in enumerate(WEEKDAYS[language]) if re.fullmatch(forms, lower))
    return (index - today.weekday()) % 7


def _moved(today: date, unit: str, number: int) -> str:
    """Return the day that is *number* units away, or the month or year where that is all that was said."""
    match unit:
        case "day":
            return (today + timedelta(days=number)).isoformat()
        case "week":
            return (today + timedelta(weeks=number)).isoformat()
        case "month":
            months = today.year * _DECEMBER + today.month - 1 + number
            return date(months // _DECEMBER, months % _DECEMBER + 1, 1).isoformat()[:7]
    return f"{date(today.year + number, 1, 1).year:04}"


def _distance(found: re.Match[str], which: Which, language: str, today: date) -> str | None:
    """Return the day that is so far away; a weekday behind it says which day of its week."""
    unit = _unit(found["unit"], language)
    moved = _moved(today, unit, which.number * _count(found["count"], language))
    forms, other = "|".join(WEEKDAYS[language]), "|".join(NEXT[language])
    named = re.match(
        rf",? (?!(?:{other})\b)(?:[^\W\d]+ ){{0,2}}({forms})\b(?! (?:{other})\b)",
        _sentence_around(found)[1],
        re.IGNORECASE,
    )
    if named is None or unit not in ("day", "week"):
        return moved
    day = date.fromisoformat(moved)
    ahead = _ahead(named[1], language, day)
    if unit == "day":
        return None if ahead else moved
    return (day + timedelta(days=ahead if ahead <= _HALF_A_WEEK else ahead - 7)).isoformat()


def _period(unit: str, number: int, today: date) -> str:
    if unit != "week":
        return _moved(today, unit, number)
    monday = today + timedelta(weeks=number, days=-today.weekday())
    return f"{monday.isoformat()} to {(monday + timedelta(days=6)).isoformat()}"


def _next(until: int, today: date) -> str:
    """Return the coming one; from earlier in its week also the one a week later, which others mean."""
    ahead = until or 7
    later = (today + timedelta(days=ahead + 7)).isoformat()
    coming = (today + timedelta(days=ahead)).isoformat()
    return f"{coming} or {later}" if today.weekday() + ahead < 7 else coming  # noqa: PLR2004


def _last(since: int, today: date) -> str:
    """Return the latest one; from later in its week also the one a week earlier, which others mean."""
    behind = since or 7
    earlier = (today - timedelta(days=behind + 7)).isoformat()
    latest = (today - timedelta(days=behind)).isoformat()
    return f"{latest} or {earlier}" if behind <= today.weekday() else latest

"""Dates that are said relative to now, resolved: ``tomorrow`` becomes ``tomorrow [2026-11-21]``.

English, and only what is certain: a bare ``Friday`` may lie ahead or behind and stays as it is,
and where people differ (``next Friday``, said on a Monday) both dates are given. A table of our
own, because a date that is wrong is worse than none: of the two libraries there are, one takes
"may", "sat" and "we" for dates and reads "the day after tomorrow" as tomorrow, and the other
has had no release since 2020.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS: Final = {
    name: value
    for value, names in enumerate(
        ("a an one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
    for name in names.split()
}
_DECEMBER: Final = 12

_COUNT: Final = rf"(\d{{1,3}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_UNIT: Final = r"(day|week|month|year)s?"
_WEEKDAY: Final = f"({'|'.join(_WEEKDAYS)})"
_PART: Final = "(?: (?:morning|afternoon|evening|night))?"

Resolve = Callable[[re.Match[str], date], str | None]


def with_dates(text: str, at: datetime) -> str:
    """Return *text*, said at *at*, with the dates of its relative expressions behind them in square brackets.

    Days are those of *at*'s own time zone. An expression that has its date behind it already is
    left as it is, so twice is once.
    """
    for pattern, resolve in _TABLE:
        text = pattern.sub(lambda found, resolve=resolve: _resolved(found, resolve, at.date()), text)  # type: ignore[misc]
    return text


def _resolved(found: re.Match[str], resolve: Resolve, today: date) -> str:
    try:
        told = resolve(found, today)
    except (OverflowError, ValueError):  # before the year 1, after 9999: Postgres has an "infinity"
        told = None
    return f"{found.group()} [{told}]" if told else found.group()


def _days(number: int) -> Resolve:
    return lambda _, today: (today + timedelta(days=number)).isoformat()


def _distance(sign: int) -> Resolve:
    def resolve(found: re.Match[str], today: date) -> str:
        count, unit = found[1].lower(), found[2].lower()
        return _moved(today, unit, sign * (_NUMBERS.get(count) or int(count)))

    return resolve


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


def _period(found: re.Match[str], today: date) -> str:
    number = {"last": -1, "this": 0, "next": 1}[found[1].lower()]
    unit = found[2].lower()
    if unit != "week":
        return _moved(today, unit, number)
    monday = today + timedelta(weeks=number, days=-today.weekday())
    return f"{monday.isoformat()} to {(monday + timedelta(days=6)).isoformat()}"


def _next(found: re.Match[str], today: date) -> str:
    """Return the coming one; from earlier in its week also the one a week later, which others mean."""
    ahead = _until(found[1], today) or 7
    later = (today + timedelta(days=ahead + 7)).isoformat()
    coming = (today + timedelta(days=ahead)).isoformat()
    return f"{coming} or {later}" if today.weekday() + ahead < len(_WEEKDAYS) else coming


def _last(found: re.Match[str], today: date) -> str:
    """Return the latest one; from later in its week also the one a week earlier, which others mean."""
    behind = -_until(found[1], today) % 7 or 7
    earlier = (today - timedelta(days=behind + 7)).isoformat()
    latest = (today - timedelta(days=behind)).isoformat()
    return f"{latest} or {earlier}" if behind <= today.weekday() else latest


def _coming(found: re.Match[str], today: date) -> str | None:
    """Return the coming one; on that very day it is not certain which is meant."""
    ahead = _until(found[1], today)
    return (today + timedelta(days=ahead)).isoformat() if ahead else None


def _until(weekday: str, today: date) -> int:
    return (_WEEKDAYS.index(weekday.lower()) - today.weekday()) % 7


def _row(expression: str, resolve: Resolve) -> tuple[re.Pattern[str], Resolve]:
    # Atomic: else "tomorrow morning [2026-11-21]" would be taken for an undated "tomorrow".
    dated_already = r"(?! ?[\[(]\d)"
    return re.compile(rf"(?<![\w-])(?>{expression})(?:['’]s)?+(?![\w-]){dated_already}", re.IGNORECASE), resolve


_TABLE: Final[tuple[tuple[re.Pattern[str], Resolve], ...]] = (
    _row("day after tomorrow", _days(2)),
    _row("day before yesterday", _days(-2)),
    _row(f"tomorrow{_PART}", _days(1)),
    _row(f"yesterday{_PART}|last night", _days(-1)),
    _row("today|tonight|this (?:morning|afternoon|evening)", _days(0)),
    _row(f"{_COUNT} {_UNIT} ago", _distance(-1)),
    _row(f"{_COUNT} {_UNIT} from now", _distance(1)),
    # "It was finished in two days" tells how long something took.
    _row(rf"(?<!ed )(?<!twice )(?<!once )in {_COUNT} {_UNIT}(?! (?:of|or)\b)", _distance(1)),
    # "The last week", "every next month" count from something else.
    _row("(?<!the )(?<!each )(?<!every )(last|this|next) (week|month|year)", _period),
    _row(f"next {_WEEKDAY}", _next),
    _row(f"last {_WEEKDAY}", _last),
    _row(f"(?:this|coming|by|until|till|before) {_WEEKDAY}", _coming),
)

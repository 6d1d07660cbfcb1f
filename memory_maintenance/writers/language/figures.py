"""Numbers, times and dates of a text, in a form that can be compared whatever coat they wear.

``24.11.2026``, "24 November 2026" and ``2026-11-24`` are one date; ``1 248 500``, ``1,248,500`` and
``1.248.500`` one number; "3 pm" and ``15:00`` one time; "twenty" and 20, ``40k`` and ``40,000`` too, in the
digits of any script.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Set
from typing import Final

from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.dates import named_days
from memory_maintenance.writers.language.number_words import numbers_in_words

Readings = frozenset[str]
"""What one figure may mean: ``1.248`` is 1248 or 1.248."""

_SEPARATORS: Final = str.maketrans("٫٬．，：／−\u00a0\u202f\u2009", ".,.,:/-   ")
_FOREIGN_SEPARATOR: Final = re.compile(f"[{''.join(map(chr, _SEPARATORS))}]")
_FOREIGN_DIGIT: Final = re.compile(r"[^\D0-9]")

_CLOCK: Final = re.compile(
    r"(?<![\d.,:])(\d{1,2})(?:[:.h](\d{2}))?(?::\d{2})? ?(?:(a|p)\.?m\b\.?|(?:uhr|o'clock|o’clock|godz)\b)",
    re.IGNORECASE,
)
_HOURS: Final = re.compile(
    r"(?<![\d.,:])(\d{1,2}) ?(?:h|[点點時时시])(?: ?(\d{2})(?: ?[分분])?)?(?![\w])"
    r"|(?<![\d.,:])(\d{1,2})[点點時时] ?(\d{1,2})?分?"
)
_PLAIN_TIME: Final = re.compile(r"(?<![\d:])(\d{1,2}):(\d{2})(?::(\d{2}))?(?![\d:])")
_SCALE: Final = {
    **dict.fromkeys(("k", "thousand", "thousands", "tausend", "mille", "mil", "tsd", "tys", "тыс", "千"), 3),
    **dict.fromkeys(
        ("m", "mio", "mln", "million", "millions", "millionen", "millones", "milhões", "milioni", "млн"), 6
    ),
    **dict.fromkeys(("bn", "billion", "milliarde", "milliarden", "mld", "mrd", "млрд"), 9),
    **dict.fromkeys(("万", "萬", "만"), 4),
    **dict.fromkeys(("亿", "億", "억"), 8),
}
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_SCALED: Final = re.compile(
    rf"(\d+(?:[.,]\d+)*) ?({'|'.join(sorted(_SCALE, key=len, reverse=True))})(?![^\W\d_{_UNSPACED}])\.?"
    r"|(\d+(?:[.,]\d+)*) ?([千万萬亿億만억])",
    re.IGNORECASE,
)
_SPACED: Final = re.compile(r"(?<![\d.,:])\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d{1,2})?(?![\d])")
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_DIGITS: Final = re.compile(r"\d+(?:[.,]\d+)*")
_GROUPED: Final = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*|\d{1,2}(?:,\d{2})+,\d{3}")
_FRACTION: Final = re.compile(r"(\d{1,3}(?:([.,])\d{3})+|\d+)([.,])(\d+)")
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d")
_DIGIT: Final = re.compile(r"\d")
_NOON: Final = 12
_DAY_HOURS: Final = 24
_SHORTEST_GROUP: Final = 3


def plain_digits(text: str) -> str:
    """Return *text* with the digits and separators of every script as those of ASCII."""
    if text.isascii():
        return text
    if _FOREIGN_SEPARATOR.search(text):
        text = text.translate(_SEPARATORS)
    return _FOREIGN_DIGIT.sub(_ascii, text)


def _ascii(found: re.Match[str]) -> str:
    return str(unicodedata.decimal(found.group()))


def figures(text: str) -> frozenset[str]:
    """Return the numbers, times and dates of *text* in one form each.

    ``4,200`` is 4200 and ``89.00`` is 89, ``3 pm`` is ``15:00``, ``12 March`` is ``--03-12``; a range falls into
    its parts.
    """
    return frozenset(first for first, _ in _figures(plain_digits(clean(text))))


def in_one_form(text: str) -> str:
    """Return *text* with each day and time in one form: ``12 March`` as ``--03-12``, ``3 pm`` as ``15:00``.

    What has a second reading (``03/04/2026``) stays as it is written.
    """
    text = plain_digits(clean(text))
    if _DIGIT.search(text) is None:
        return text
    written = list(text)
    for day in named_days(text):
        if not day.others and "".join(written[day.start : day.end]) == text[day.start : day.end]:
            written[day.start : day.end] = [day.day, *[""] * (day.end - day.start - 1)]
    return _PLAIN_TIME.sub(_time_in_one_form, _CLOCK.sub(_time_in_one_form, "".join(written)))


def _time_in_one_form(found: re.Match[str]) -> str:
    read = _clock if found.re is _CLOCK else _plain_time
    to_the_second = found.group().count(":") > 1
    return found.group() if to_the_second else next(iter(read(found)), found.group())


def supported_figures(sources: Iterable[str]) -> frozenset[str]:
    """Return every figure that an honest text about *sources* may hold.

    Every reading of their own, the parts of their dates and times, and their numbers in words as digits.
    """
    return frozenset(figure for source in sources for figure in _supported(plain_digits(clean(source))))


def unsupported_figures(text: str, sources: Iterable[str]) -> frozenset[str]:
    """Return the figures of *text* no reading of which is in *sources*."""
    left, supported = list(_figures(plain_digits(clean(text)))), set[str]()
    for source in sources:
        if not left:
            break
        supported.update(_supported(plain_digits(clean(source))))
        left = [own for own in left if not any(_is_in(one, supported) for one in own[1])]
    return frozenset(first for first, _ in left)


def _is_in(figure: str, supported: Set[str]) -> bool:
    if figure in supported:
        return True
    # A year may stand apart from its day: "in 2026 … on 12 March".
    return bool(_ISO.fullmatch(figure)) and f"-{figure[4:]}" in supported and figure[:4] in supported


def _figures(text: str) -> Iterator[tuple[str, Readings]]:
    """Yield each figure's foremost reading, and all of them."""
    if _DIGIT.search(text) is None:
        return
    taken = list(text)

    def take(start: int, end: int) -> None:
        taken[start:end] = " " * (end - start)

    for day in named_days(text):
        if "".join(taken[day.start : day.end]) == text[day.start : day.end]:
            take(day.start, day.end)
            yield day.day, frozenset({day.day, *day.others})
    left = "".join(taken)
    for pattern, read in _READERS:
        for found in pattern.finditer(left):
            if readings := read(found):
                take(*found.span())
                yield readings[0], frozenset(readings)
        left = "".join(taken)
        if _DIGIT.search(left) is None:
            return


def _time(hour: int, minute: int) -> tuple[str, ...]:
    return (f"{hour}:{minute:02d}",) if hour <= _DAY_HOURS and minute < 60 else ()  # noqa: PLR2004


def _clock(found: re.Match[str]) -> tuple[str, ...]:
    hour, half = int(found[1]), (found[3] or "").lower()
    if half and 1 <= hour <= _NOON:
        hour = hour % _NOON + (_NOON if half == "p" else 0)
    return _time(hour, int(found[2] or 0))


def _hours(found: re.Match[str]) -> tuple[str, ...]:
    hour, minute = found[1] or found[3], found[2] or found[4]
    # "6 h" may be how long it took; so the number alone is a reading, too.
    times = _time(int(hour), int(minute or 0))
    return (*times, hour) if minute is None else times


def _plain_time(found: re.Match[str]) -> tuple[str, ...]:
    if found[3]:
        return (f"{int(found[1])}:{found[2]}:{found[3]}",)
    return _time(int(found[1]), int(found[2])) or (found.group(),)


def _scaled(found: re.Match[str]) -> tuple[str, ...]:
    number, unit = (found[1] or found[3]).replace(",", "."), (found[2] or found[4]).lower()
    if number.count(".") > 1:
        return ()
    whole, _, part = number.partition(".")
    zeros = _SCALE[unit]
    if len(part) > zeros:
        return ()
    value = (whole + part + "0" * (zeros - len(part))).lstrip("0") or "0"
    # "5 m" is five metres as well as five millions.
    return (number, value) if unit == "m" else (value, number)


def _spaced(found: re.Match[str]) -> tuple[str, ...]:
    joined = re.sub(r"[ '’]", "", found.group())
    return tuple(_readings(joined))


def _number(found: re.Match[str]) -> tuple[str, ...]:
    return tuple(_readings(found.group()))


def _readings(number: str) -> list[str]:
    """Return what a number may mean, the likeliest first."""
    readings = []
    if _GROUPED.fullmatch(number) and not number.startswith("0"):
        readings.append(re.sub("[.,]", "", number))
    if fraction := _FRACTION.fullmatch(number):
        whole, group, sign, part = fraction.groups()
        if group != sign:
            decimal = part.rstrip("0") if len(part) < _SHORTEST_GROUP else part
            whole = re.sub("[.,]", "", whole)
            readings.append(f"{whole}.{decimal}" if decimal else whole)
    return readings or [number.lstrip("0") or "0" if number.isdigit() else number]


def _supported(source: str) -> Iterator[str]:
    for _, readings in _figures(source):
        yield from readings
        for reading in readings:
            yield from _parts(reading)
    # What was read as a date, a time or one spaced number may also be read as its digits; not "3:00 pm" as 3:00.
    for number in _DIGITS.findall(source):
        yield from _readings(number)
    yield from numbers_in_words(source.casefold())


def _parts(figure: str) -> Iterator[str]:
    """Yield the parts of a date or a time, without leading zeros, and a date without its year."""
    if _ISO.fullmatch(figure):
        yield f"-{figure[4:]}"
    parts = [part for part in re.split("[-:]", figure) if part]
    if len(parts) > 1:
        yield from parts
        yield from (part.lstrip("0") or "0" for part in parts)


_READERS: Final = (
    (_CLOCK, _clock),
    (_HOURS, _hours),
    (_PLAIN_TIME, _plain_time),
    (_SCALED, _scaled),
    (_SPACED, _spaced),
    (_NUMBER, _number),
)
"""What is looked for, in this order; what one has read the next ones do not see."""

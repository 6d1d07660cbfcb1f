"""The rule of decay in a second hand: what is left of an importance, from the documented rule alone.

Nothing here is taken from the application. The rule (RAE's, per day): half speed within 7 days of the
last access, full speed until 30 days, then 1 + days/30; time before the last access counts as protected;
of what decays, (1 - rate) to the power of the days so weighted is left, and never less than 0.01 in all.
A store that decays for the first time keeps 0.7 of the base for good (MEMORY_DECAY_RETAINED).
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Final

FLOOR: Final = 0.01
RETAINED: Final = 0.7
PROTECTED_DAYS: Final = 7
REGULAR_DAYS: Final = 30
ADOPTED_AGE: Final = timedelta(days=1)

_DAY: Final = timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)


def left(
    base: float, base_at: datetime, access: datetime, as_of: datetime, rate: float, retained: float = RETAINED
) -> float:
    """Return what is left at *as_of* of an importance *base* that was said at *base_at*."""
    if as_of <= base_at:
        return base
    kept = math.pow(1.0 - rate, float(weighted_days(base_at, access, as_of)))
    return min(base, max(FLOOR, base * (retained + (1 - retained) * kept)))


def weighted_days(start: datetime, access: datetime, stop: datetime) -> Fraction:
    """Return the weighted days from *start* to *stop*.

    By the mid-point of every stretch between two edges: exact, for the speed is linear in each.
    """
    edges = {start, stop, access + PROTECTED_DAYS * _DAY, access + REGULAR_DAYS * _DAY}
    inside = sorted(edge for edge in edges if start <= edge <= stop)
    return sum((_stretch(_days(a - access), _days(b - access)) for a, b in pairwise(inside)), Fraction(0))


def _stretch(first: Fraction, last: Fraction) -> Fraction:
    middle = (first + last) / 2
    if middle < PROTECTED_DAYS:
        speed = Fraction(1, 2)
    else:
        speed = Fraction(1) if middle <= REGULAR_DAYS else 1 + middle / REGULAR_DAYS
    return (last - first) * speed


def _days(span: timedelta) -> Fraction:
    return Fraction(span // _MICROSECOND, _DAY // _MICROSECOND)

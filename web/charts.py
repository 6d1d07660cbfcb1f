"""Geometry of the report's charts: values in, rectangles out; the template draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 420.0
"""Units of a chart's width: twelve of them are a letter's height that is read on a phone and on a laptop."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a chart, in units from the top left."""

    x: float
    y: float
    width: float
    height: float
    value: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the scale and what it stands for."""

    y: float
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns above a base line at ``bottom``."""

    width: float
    height: float
    left: float
    bottom: float
    columns: tuple[tuple[Column, ...], ...]
    """By series."""
    ticks: tuple[Tick, ...]


def column_chart(
    series: Sequence[Sequence[float]], *, height: float = 220, left: float = 52, below: float = 34, slots: int = 0
) -> Chart:
    """Return a chart of one or more series of equal length; each place holds a column of every series, side by side.

    Args:
        series: values of at least 0.
        height: of the whole, in units.
        left: room for the scale.
        below: room for the labels.
        slots: places at least, so that few columns do not become walls.
    """
    top, bottom = 12.0, height - below
    places = max(slots, *(len(values) for values in series))
    scale = ticks(max((max(values, default=0) for values in series), default=0))
    most = scale[-1] or 1
    place = (WIDTH - left) / places
    width = place * 0.84 / len(series)

    def column(number: int, at: int, value: float) -> Column:
        tall = (bottom - top) * value / most
        # A value that is not nothing is seen, however small.
        tall = max(tall, 1.0) if value > 0 else 0.0
        return Column(left + place * (at + 0.08) + width * number, bottom - tall, width, tall, value)

    columns = tuple(
        tuple(column(number, at, value) for at, value in enumerate(values)) for number, values in enumerate(series)
    )
    lines = tuple(Tick(bottom - (bottom - top) * value / most, value) for value in scale)
    return Chart(WIDTH, height, left, bottom, columns, lines)


def ticks(most: float, wanted: int = 4) -> list[float]:
    """Return round values from 0 to at least *most*, some *wanted* steps apart: 1, 2 or 5 times a power of ten."""
    if most <= 0:
        return [0.0]
    raw = most / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    return [step * number for number in range(math.ceil(most / step - 1e-9) + 1)]

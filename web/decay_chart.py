"""Geometry of a memory's decay curve: instants and importances in, lines and marks out; the template draws them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from memory_maintenance.decay.policy import PROTECTED_FOR, STALE_AFTER
from memory_maintenance.inspection.decay import DecayExplanation
from web.charts import ticks

WIDTH: Final = 640
HEIGHT: Final = 280
LEFT: Final = 48
RIGHT: Final = 628
TOP: Final = 12
BOTTOM: Final = 246

POINTS: Final = 60
"""Of each of the two lines."""

LEAST_AHEAD: Final = timedelta(days=60)
MOST_AHEAD: Final = timedelta(days=3 * 365)


@dataclass(frozen=True, slots=True)
class Mark:
    """One instant on the curve, and what it is."""

    kind: str
    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time at one stage."""

    stage: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Label:
    """A date below the curve; ``anchor`` keeps it inside the drawing."""

    x: float
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Level:
    """A line of the scale and what it stands for."""

    y: float
    value: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The drawing: ``past`` and ``future`` are paths of SVG that meet at the instant of the explanation."""

    past: str
    future: str
    marks: tuple[Mark, ...]
    bands: tuple[Band, ...]
    dates: tuple[Label, ...]
    ticks: tuple[Level, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = BOTTOM

    @property
    def stages(self) -> list[str]:
        """Return the stages that are drawn, in order."""
        return list(dict.fromkeys(band.stage for band in self.bands))


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime
    end: datetime
    most: float

    def x(self, at: datetime) -> float:
        return LEFT + (RIGHT - LEFT) * ((at - self.start) / (self.end - self.start))

    def y(self, importance: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * importance / self.most


def decay_curve(why: DecayExplanation) -> Curve | None:
    """Return the curve from the memory's base to some time from now; None where decay leaves the memory alone."""
    o = why.outcome
    if o.base is None or o.base_at is None or o.last_access is None or o.importance is None:
        return None
    start = min(o.base_at, why.as_of)
    ahead = min(max(LEAST_AHEAD, (why.as_of - start) * 0.6), MOST_AHEAD)
    levels = ticks(o.base, 4)
    scale = _Scale(start, why.as_of + ahead, levels[-1])
    marks = [Mark("base", scale.x(start), scale.y(why.left_at(start)), f"base {o.base:.3f}, {start:%Y-%m-%d}")]
    if start <= o.last_access <= why.as_of and why.row.last_accessed_at:
        at = o.last_access
        marks.append(Mark("access", scale.x(at), scale.y(why.left_at(at)), f"last access {at:%Y-%m-%d}"))
    now = f"by the rule now {o.importance:.3f}"
    marks.append(Mark("now", scale.x(why.as_of), scale.y(o.importance), now))
    return Curve(
        past=_path(why, scale, start, why.as_of),
        future=_path(why, scale, why.as_of, scale.end),
        marks=tuple(marks),
        bands=tuple(_bands(why, scale)),
        dates=tuple(_dates(scale)),
        ticks=tuple(Level(scale.y(value), value) for value in levels),
    )


def _path(why: DecayExplanation, scale: _Scale, start: datetime, end: datetime) -> str:
    steps = [start + (end - start) * (step / POINTS) for step in range(POINTS + 1)]
    return "M" + " ".join(f"{scale.x(at):.1f},{scale.y(why.left_at(at)):.1f}" for at in steps)


def _bands(why: DecayExplanation, scale: _Scale) -> list[Band]:
    """Return the stages as the rule cuts the time: by how long ago the last access was."""
    access = why.outcome.last_access
    if access is None or not why.rule.use_access:
        return []
    if why.rule.policy == "bounded":
        edges = [("protected", access), ("regular", scale.end)]
    else:
        edges = [("protected", access + PROTECTED_FOR), ("regular", access + STALE_AFTER), ("stale", scale.end)]
    bands, start = [], scale.start
    for stage, until in edges:
        end = min(max(until, start), scale.end)
        if end > start:
            bands.append(Band(stage, scale.x(start), scale.x(end) - scale.x(start)))
        start = end
    return bands


def _dates(scale: _Scale) -> list[Label]:
    anchors = ("start", "middle", "end")
    at = (scale.start, scale.start + (scale.end - scale.start) / 2, scale.end)
    return [Label(scale.x(when), anchor, f"{when:%Y-%m-%d}") for when, anchor in zip(at, anchors, strict=True)]

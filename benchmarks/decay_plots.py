"""The pictures of docs/decay.md, drawn from the rules themselves: python -m benchmarks.decay_plots [FOLDER]."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final
from xml.sax.saxutils import escape

import numpy as np

from benchmarks.rae import rae_run
from memory_maintenance.decay.policy import DecayRule, decayed

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs" / "pictures"

BASE: Final = 0.9
WRITTEN: Final = datetime(2025, 1, 1, tzinfo=UTC)
RECALLED: Final = 60.0
"""Day of the recall in the pictures that have one."""

Points = list[tuple[float, float]]
"""Days since the memory was written, and its importance then."""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve with its name in the legend."""

    name: str
    colour: str
    points: Points
    dashes: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes: days to the right, importance upwards."""

    title: str
    days: int
    every: int
    """Days from one tick to the next."""
    lines: Sequence[Line]


def by_rule(rule: DecayRule, days: int, recalled: float | None = None) -> Points:
    """Return what *rule* leaves of the base, day by day."""
    return [(day, _left(rule, day, recalled)) for day in _moments(days, recalled)]


def _left(rule: DecayRule, day: float, recalled: float | None) -> float:
    access = recalled if recalled is not None and recalled <= day else 0.0
    return decayed(BASE, WRITTEN, WRITTEN + timedelta(days=access), WRITTEN + timedelta(days=day), rule)


def _moments(days: int, recalled: float | None) -> list[float]:
    just_before = [] if recalled is None else [recalled - 1e-3]
    return sorted([float(day) for day in range(days + 1)] + just_before)


def by_rae(rate: float, runs_per_day: int, days: int, recalled: float | None = None) -> Points:
    """Return what RAE's rule leaves of the base after each of its runs; over more than 60 days, once a day."""
    left, points = np.array([BASE]), [(0.0, BASE)]
    for run in range(1, days * runs_per_day + 1):
        day = run / runs_per_day
        since = day - recalled if recalled is not None and recalled <= day else day
        left = rae_run(left, np.array([since]), rate)
        if days <= 60 or run % runs_per_day == 0:
            points.append((day, float(left[0])))
    return points


def policies(recalled: float | None = None) -> list[Line]:
    """Return every policy over a year."""
    slow, fast, bounded = DecayRule(rate=0.001), DecayRule(rate=0.01), DecayRule(policy="bounded")
    return [
        Line("bounded", "#0072b2", by_rule(bounded, 365, recalled)),
        Line("staged, 0.001 a day (default)", "#d55e00", by_rule(slow, 365, recalled)),
        Line("staged, 0.01 a day (maximum)", "#cc79a7", by_rule(fast, 365, recalled)),
        Line("RAE's rule, 0.001, 1 run a day", "#666666", by_rae(0.001, 1, 365, recalled), "6 3"),
        Line("RAE's rule, 0.001, 24 runs a day", "#009e73", by_rae(0.001, 24, 365, recalled), "2 3"),
    ]


def policies_picture() -> str:
    """Return the picture of every policy over a year, untouched and recalled once."""
    recalled = f"importance, recalled on day {RECALLED:.0f}"
    return svg([Panel("importance, untouched", 365, 60, policies()), Panel(recalled, 365, 60, policies(RECALLED))])


def schedules_picture() -> str:
    """Return the picture of one month at three schedules, under RAE's rule and under ours."""
    looks = {
        1: ("1 run a day", "#0072b2", ""),
        2: ("2 runs a day", "#d55e00", "6 3"),
        24: ("24 runs a day", "#009e73", "2 3"),
    }
    theirs = [Line(*looks[runs][:2], by_rae(0.01, runs, 30), looks[runs][2]) for runs in looks]
    ours = [Line(*looks[runs][:2], _seen_by_runs(runs, 30), looks[runs][2]) for runs in looks]
    return svg(
        [Panel("importance, RAE's rule, 0.01", 30, 5, theirs), Panel("importance, staged, 0.01 a day", 30, 5, ours)]
    )


def _seen_by_runs(runs_per_day: int, days: int) -> Points:
    moments = [run / runs_per_day for run in range(days * runs_per_day + 1)]
    return [(day, _left(DecayRule(rate=0.01), day, None)) for day in moments]


# --- SVG ---------------------------------------------------------------------------------------------

_LEFT, _TOP, _WIDTH, _HEIGHT, _GAP, _LEGEND = 44, 34, 360, 220, 60, 20
_KEYS_IN_A_ROW = 3


def svg(panels: Sequence[Panel]) -> str:
    """Return *panels* side by side over the legend of the first."""
    names = panels[0].lines
    width = _LEFT + len(panels) * (_WIDTH + _GAP)
    height = _TOP + _HEIGHT + 56 + _LEGEND * -(-len(names) // _KEYS_IN_A_ROW)
    parts = [part for at, panel in enumerate(panels) for part in _panel(panel, _LEFT + at * (_WIDTH + _GAP))]
    parts += [part for at, line in enumerate(names) for part in _key(line, at)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    style = 'font-family="sans-serif" font-size="12" fill="#222">'
    ground = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([f"{head} {style}", ground, *parts, "</svg>", ""])


def _panel(panel: Panel, left: float) -> Iterator[str]:
    yield _text(left + _WIDTH / 2, _TOP - 12, panel.title, "middle")
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        yield f'<path d="M{left} {y}h{_WIDTH}" stroke="#ddd"/>'
        yield _text(left - 6, y + 4, f"{tenth / 10:.1f}", "end")
    for day in range(0, panel.days + 1, panel.every):
        yield _text(_x(day, panel, left), _TOP + _HEIGHT + 16, str(day), "middle")
    yield _text(left + _WIDTH / 2, _TOP + _HEIGHT + 34, "days since it was written", "middle")
    for line in panel.lines:
        places = " ".join(f"{_x(day, panel, left)},{_y(value)}" for day, value in line.points)
        yield f'<polyline points="{places}" {_stroke(line)}/>'


def _key(line: Line, at: int) -> Iterator[str]:
    row, column = divmod(at, _KEYS_IN_A_ROW)
    x, y = _LEFT + column * 276, _TOP + _HEIGHT + 58 + row * _LEGEND
    yield f'<path d="M{x} {y - 4}h28" {_stroke(line)}/>'
    yield _text(x + 36, y, line.name, "start")


def _stroke(line: Line) -> str:
    dashes = f' stroke-dasharray="{line.dashes}"' if line.dashes else ""
    return f'fill="none" stroke="{line.colour}" stroke-width="2"{dashes}'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'


def _x(day: float, panel: Panel, left: float) -> float:
    return round(left + _WIDTH * day / panel.days, 1)


def _y(value: float) -> float:
    return round(_TOP + _HEIGHT * (1 - value), 1)


PICTURES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {"decay-policies.svg": policies_picture, "decay-schedules.svg": schedules_picture}
)


def main(folder: Path = FOLDER) -> None:
    """Draw every picture into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        (folder / name).write_text(draw(), encoding="utf-8")
        print(folder / name)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))

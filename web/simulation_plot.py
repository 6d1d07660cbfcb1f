"""The picture of ``simulate --plot``: the histogram of both days, and the course between them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from memory_maintenance.inspection.distribution import BINS
from memory_maintenance.inspection.scenario import Simulation
from web.charts import WIDTH, column_chart, ticks
from web.rendering import rendered

FORMATS: Final = (".svg", ".html")

HEIGHT: Final = 300.0
LEFT: Final = 52.0
TOP: Final = 12.0
BELOW: Final = 34.0


def save_plot(found: Simulation, path: Path, *, title: str) -> None:
    """Draw *found* into *path*; its suffix, one of ``FORMATS``, decides how.

    Raises:
        OSError: the file cannot be written.
    """
    suffix = path.suffix.lower()
    picture = rendered(f"simulation{suffix}.j2", **_context(found), title=title, is_alone=suffix == ".svg")
    path.write_text(picture, encoding="utf-8")


def _context(found: Simulation) -> dict[str, Any]:
    """Return what the templates are filled with: three series of columns, two lines with their bands."""
    spreads = (found.today, found.later, found.later_by_present_rule)
    levels = ticks(max((one or 0 for stop in found.course for one in (*stop.present, *stop.tried)), default=0))
    courses = ("present", [stop.present for stop in found.course]), ("tried", [stop.tried for stop in found.course])
    return {
        "found": found,
        "columns": column_chart([spread.histogram for spread in spreads], height=HEIGHT, left=LEFT, below=BELOW),
        "names": ["today", f"day {found.days}, the rule that is tried", f"day {found.days}, the present rule"],
        "bins": [number / (BINS - 1) for number in range(BINS)],
        "levels": [(_y(level, levels[-1]), level) for level in levels],
        "days": [(_x(day, found.days), day) for day in ticks(found.days, 4) if day <= found.days],
        "courses": [(name, *_course(found, quantiles, levels[-1])) for name, quantiles in courses],
        "left": LEFT,
        "width": WIDTH,
        "height": HEIGHT,
    }


def _course(found: Simulation, quantiles: Sequence[Sequence[float | None]], most: float) -> tuple[str, str]:
    """Return the points of the band between the lower and the upper quantile, and those of the median."""
    at = [_x(stop.day, found.days) for stop in found.course]
    low, middle, high = (
        [f"{x:.1f},{_y(value or 0, most):.1f}" for x, value in zip(at, values, strict=True)]
        for values in zip(*quantiles, strict=True)
    )
    return " ".join((*low, *reversed(high))), " ".join(middle)


def _x(day: float, days: int) -> float:
    return LEFT + (WIDTH - 2 - LEFT) * day / days


def _y(importance: float, most: float) -> float:
    return HEIGHT - BELOW - (HEIGHT - BELOW - TOP) * importance / (most or 1)

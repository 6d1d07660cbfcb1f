"""The growth curves: sizes and seconds on logarithmic axes, memory from zero on. docs/pictures/speed-growth.svg."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Final, Literal

from benchmarks.speed.results import Measurement, Results

Axis = Literal["memories", "tenants", "sessions"]
Points = list[tuple[int, float]]

PICTURE: Final = "speed-growth.svg"

_NAME: Final = re.compile(r"Growth: ([\d,]+) (memories|tenants|sessions), (\d) workers?: (.+)")
_LABELS: Final[dict[str, str]] = {
    "memories": "memories of one tenant",
    "tenants": "tenants of 10 memories",
    "sessions": "due sessions, no model",
}


def name_of(axis: Axis, size: int, workers: int, what: str) -> str:
    """Return a point's name in the results, from which the picture is drawn."""
    return f"Growth: {size:,} {axis}, {workers} worker{'s' if workers > 1 else ''}: {what}"


def curves(measurements: list[Measurement]) -> dict[tuple[str, str, int], Points]:
    """Return the medians by what was measured, what grows and the number of workers, in the order of sizes."""
    found: defaultdict[tuple[str, str, int], Points] = defaultdict(list)
    for one in measurements:
        if named := _NAME.fullmatch(one.name):
            size, axis, workers, what = named.groups()
            found[f"{what}, {one.unit}", axis, int(workers)].append((int(size.replace(",", "")), one.median))
    return {key: sorted(points) for key, points in found.items()}


def draw_growth(results: Results, folder: Path) -> None:
    """Draw the curves that *results* have, if any, into *folder*."""
    found = curves(results.measurements)
    if not found:
        return
    import matplotlib as mpl  # noqa: PLC0415  it takes a second, and only a full run draws
    from matplotlib.figure import Figure  # noqa: PLC0415

    mpl.rcParams["svg.hashsalt"] = "speed"  # the same figures, the same file
    whats = list(dict.fromkeys(what for what, _, _ in found))
    axes_shown = list(dict.fromkeys(axis for _, axis, _ in found))
    figure = Figure(figsize=(3.2 * len(axes_shown), 2.6 * len(whats)), layout="constrained")
    panels = figure.subplots(len(whats), len(axes_shown), squeeze=False)
    for row, what in enumerate(whats):
        for column, axis in enumerate(axes_shown):
            lines = {workers: points for (w, a, workers), points in found.items() if (w, a) == (what, axis)}
            _panel(panels[row][column], lines, what, _LABELS[axis])
    figure.savefig(folder / PICTURE, metadata={"Date": None})


def _panel(panel: Any, lines: dict[int, Points], what: str, label: str) -> None:
    for workers, points in sorted(lines.items()):
        colour = "#4477aa" if workers == 1 else "#ee6677"
        name = f"{workers} worker{'s' if workers > 1 else ''}"
        panel.plot(*zip(*points, strict=True), marker="o", markersize=3, color=colour, label=name)
    panel.set(xscale="log", xlabel=label, ylabel=what)
    if what.endswith(", s"):
        panel.set_yscale("log")
    else:
        panel.set_ylim(bottom=0)
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(visible=True, which="major", color="#eeeeee")
    panel.legend(frameon=False, fontsize="small")

"""The pictures of what was measured, as SVG."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.speed.decay import NIGHT
from benchmarks.speed.results import FOLDER, Bench

PICTURES: Final = FOLDER.parent / "docs" / "pictures"

LABELS: Final = {
    "memories": "memories of one tenant",
    "tenants": "tenants of 10 memories",
    "sessions": "due sessions, no model",
}


GROWN: Final = re.compile(r"Growth: ([\d,]+) (\w+), (\d) workers?: (.+)")
"""``scaling.GROWTH``, read back: the size, what grows, the number of workers, and what was measured."""


def draw(parts: Iterable[Bench], folder: Path) -> None:
    """Draw a night of decay as bars, and how time and memory grow as curves; the same figures give the same files.

    A picture of which nothing was measured is left as it is.
    """
    bars, curves = dict[str, list[float]](), dict[tuple[str, str, int], dict[int, list[float]]]()
    for name, one in (named for bench in parts for named in bench.measurements.items()):
        if name.startswith(NIGHT):
            bars[name.removeprefix(NIGHT)] = one.values
        if found := GROWN.fullmatch(name):
            size, axis, workers, what = found.groups()
            curve = curves.setdefault((f"{what}, {one.unit}", axis, int(workers)), {})
            curve[int(size.replace(",", ""))] = one.values
    with mpl.rc_context({"svg.hashsalt": "speed", "svg.fonttype": "none"}):
        if bars:
            _nights(bars).savefig(folder / "speed-decay.svg", metadata={"Date": None})
        if curves:
            _growth(curves).savefig(folder / "speed-growth.svg", metadata={"Date": None})


def _nights(bars: Mapping[str, list[float]]) -> Figure:
    """Draw medians as bars with a whisker from the least to the most."""
    figure = Figure(figsize=(8, 0.6 + 0.45 * len(bars)), layout="constrained")
    axes = figure.subplots()
    medians = [median(values) for values in bars.values()]
    below = [median(values) - min(values) for values in bars.values()]
    above = [max(values) - median(values) for values in bars.values()]
    drawn = axes.barh(list(bars), medians, xerr=[below, above], color="#4477aa", ecolor="#555555")
    axes.bar_label(drawn, fmt=" %.3g", padding=4)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set(title="One night of decay", xlabel="s")
    return figure


def _growth(curves: Mapping[tuple[str, str, int], Mapping[int, list[float]]]) -> Figure:
    """Draw a row of panels for what was measured and a column for what grows."""
    whats = list(dict.fromkeys(what for what, _, _ in curves))
    grows = list(dict.fromkeys(axis for _, axis, _ in curves))
    figure = Figure(figsize=(3.2 * len(grows), 2.6 * len(whats)), layout="constrained")
    panels = figure.subplots(len(whats), len(grows), squeeze=False)
    for row, what in enumerate(whats):
        for column, axis in enumerate(grows):
            panel: Any = panels[row][column]
            for workers, colour in ((1, "#4477aa"), (2, "#ee6677")):
                if curve := curves.get((what, axis, workers)):
                    medians = [median(values) for values in curve.values()]
                    label = f"{workers} worker{'s' if workers > 1 else ''}"
                    panel.plot(list(curve), medians, marker="o", markersize=3, color=colour, label=label)
            panel.set(xscale="log", xlabel=LABELS[axis], ylabel=what)
            if what.endswith(", s"):
                panel.set_yscale("log")
            else:
                panel.set_ylim(bottom=0)
            panel.spines[["top", "right"]].set_visible(False)
            panel.grid(visible=True, which="major", color="#eeeeee")
            panel.legend(frameon=False, fontsize="small")
    return figure

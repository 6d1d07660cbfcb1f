"""The pictures of a run, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.speed.growth_picture import draw_growth
from benchmarks.speed.results import FOLDER, Measurement, Results

PICTURES: Final = FOLDER.parent / "docs" / "pictures"
DECAY: Final = "One night of decay: "
"""Measurements so called are bars of one picture."""


def draw(results: Results, folder: Path = PICTURES) -> None:
    """Draw what *results* have into *folder*."""
    bars = [one for one in results.measurements if one.name.startswith(DECAY)]
    if bars:
        draw_bars(bars, "One night of decay", folder / "speed-decay.svg")
    draw_growth(results, folder)


def draw_bars(bars: list[Measurement], title: str, path: Path) -> None:
    """Draw medians as bars with a whisker from the least to the most."""
    import matplotlib as mpl  # noqa: PLC0415  it takes a second, and only a full run draws
    from matplotlib.figure import Figure  # noqa: PLC0415

    mpl.rcParams["svg.hashsalt"] = "speed"  # the same figures, the same file
    figure = Figure(figsize=(8, 0.6 + 0.45 * len(bars)), layout="constrained")
    axes = figure.subplots()
    names = [bar.name.removeprefix(DECAY) for bar in bars]
    medians = [bar.median for bar in bars]
    spans = [[bar.median - min(bar.values) for bar in bars], [max(bar.values) - bar.median for bar in bars]]
    drawn = axes.barh(names, medians, xerr=spans, color="#4477aa", ecolor="#555555")
    axes.bar_label(drawn, fmt=" %.3g", padding=4)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set(title=title, xlabel=bars[0].unit)
    figure.savefig(path, metadata={"Date": None})

"""A picture of a simulation: the histogram of both days, and the course between them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from memory_maintenance.errors import PlotError
from memory_maintenance.inspection.distribution import BINS
from memory_maintenance.inspection.scenario import Simulation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS: Final = (".png", ".svg", ".html")

_INK: Final = "#24292f"
_TODAY, _TRIED, _PRESENT = "#8c959f", "#2a78d6", "#e0662b"
_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "simulation",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
}

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; color: #24292f; background: #fff; max-width: 70rem; margin: auto;
        padding: 1.5rem 1rem; }}
h1 {{ font-size: 1.25rem; }}
svg {{ width: 100%; height: auto; }}
@media (prefers-color-scheme: dark) {{ body {{ color: #e6edf3; background: #0d1117; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
{picture}
<p>{caption}</p>
</body>
</html>
"""


def save_plot(found: Simulation, path: Path, *, title: str) -> None:
    """Draw *found* into *path*; its suffix, one of ``FORMATS``, decides how.

    Raises:
        PlotError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415  optional, and slow to import
    except ImportError:
        raise PlotError("a picture needs matplotlib: pip install 'matplotlib>=3.10' (the extra `plots`)") from None
    with mpl.rc_context(_STYLE):
        match path.suffix.lower():
            case ".png":
                _figure(found, title).savefig(path, dpi=150)
            case ".svg":
                path.write_text(_svg(_figure(found, title)), encoding="utf-8")
            case _:
                path.write_text(_page(found, title), encoding="utf-8")


def _page(found: Simulation, title: str) -> str:
    """Return a page that is read by day and by night: the ink is the text's colour, the ground the page's."""
    svg = _svg(_figure(found, None), transparent=True).replace(_INK, "currentColor")
    drawing = svg[svg.index("<svg") :]
    return _PAGE.format(title=escape(title), picture=drawing, caption=escape(_caption(found)))


def _caption(found: Simulation) -> str:
    order, present = found.order, found.order_by_present_rule
    return (
        f"As of {found.as_of:%Y-%m-%d %H:%M} UTC. At the floor on day {found.days}: {found.later.at_floor:,} of "
        f"{found.later.count:,} memories by the rule that is tried, {found.later_by_present_rule.at_floor:,} by the "
        f"present one. Of {order.pairs:,} pairs {order.swapped:,} change their order and {order.levelled:,} become "
        f"equal ({present.swapped:,} and {present.levelled:,} by the present rule)."
    )


def _svg(figure: Figure, **how: Any) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, **how)
    return text.getvalue()


def _figure(found: Simulation, title: str | None) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    bars, course = figure.subplots(1, 2, gridspec_kw={"wspace": 0.08})
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    _draw_histogram(bars, found)
    _draw_course(course, found)
    figure.legend(*bars.get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return figure


def _draw_histogram(axes: Axes, found: Simulation) -> None:
    spreads = (
        ("today", found.today, _TODAY),
        (f"day {found.days}, the rule that is tried", found.later, _TRIED),
        (f"day {found.days}, the present rule", found.later_by_present_rule, _PRESENT),
    )
    step = 1 / (BINS - 1)
    width = 0.8 * step / len(spreads)
    for number, (label, spread, color) in enumerate(spreads):
        places = [(bar - 0.4) * step + width * number for bar in range(BINS)]
        axes.bar(places, spread.histogram, width * 0.92, align="edge", label=label, color=color)
    axes.set(title="How many memories have which importance", xlabel="importance", ylabel="memories")
    axes.set_xlim(-step / 2, 1 + step / 2)
    axes.set_xticks([bar * step for bar in range(BINS)])
    axes.yaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")
    axes.grid(axis="y", color=_INK, alpha=0.15)


def _draw_course(axes: Axes, found: Simulation) -> None:
    days = [stop.day for stop in found.course]
    for quantiles, color in (
        ([stop.present for stop in found.course], _PRESENT),
        ([stop.tried for stop in found.course], _TRIED),
    ):
        low, middle, high = zip(*map(_shown, quantiles), strict=True)
        axes.fill_between(days, low, high, color=color, alpha=0.18, linewidth=0)
        axes.plot(days, middle, color=color, linewidth=2)
    axes.set(title="The median, and the band of the middle 80 %", xlabel="days from now", ylabel="importance")
    axes.set(xlim=(0, found.days), ylim=(0, None))
    axes.grid(color=_INK, alpha=0.15)


def _shown(quantiles: Sequence[float | None]) -> list[float]:
    return [0.0 if value is None else value for value in quantiles]

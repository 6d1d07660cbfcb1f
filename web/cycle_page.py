"""The page about one cycle: shown by the server, and saved by ``report --html``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from memory_maintenance.cycles.importance import BINS
from memory_maintenance.inspection.cycles import Cycle
from memory_maintenance.inspection.report import DURATION_EDGES, TREND, Report, TrendPoint
from memory_maintenance.inspection.task_words import specs
from memory_maintenance.work import Counts, TaskSpec
from web.charts import Chart, column_chart
from web.rendering import money, number, rendered, short


def saved_page(report: Report) -> str:
    """Return the whole page as HTML that needs no network."""
    return rendered("report.html.j2", layout="saved.html.j2", **cycle_context(report))


def cycle_context(report: Report) -> dict[str, Any]:
    """Return what the template of the page is filled with."""
    known = report.importance
    return {
        "report": report,
        "totals": report.totals,
        "title": _title(report.cycle),
        "headline": _headline(report),
        "histogram": known and column_chart([known.before, known.after], height=260),
        "bins": [f"about {bar / (BINS - 1):.2f}" for bar in range(BINS)],
        "tasks": columns(report.trend),
        "spans": _spans(),
        "trends": trends(report.trend),
    }


def _title(cycle: Cycle) -> str:
    title = f"{cycle.kind.capitalize()} maintenance"
    if (named := cycle.named_tenants) is None:
        return title
    tenants = "tenant" if named == 1 else "tenants"
    return (
        f"{title} of {named} {tenants} at {cycle.schedule}" if cycle.schedule else f"{title} of {named} named {tenants}"
    )


def _headline(report: Report) -> list[tuple[str, str, str]]:
    """Return the numbers at the top: what, how many, and beside it what puts them into proportion."""
    totals = report.totals
    tasks = [
        (spec.results, number(counts.of(*spec.done)), _beside(spec, counts))
        for spec in specs()
        if (counts := totals.of(spec.name)) or spec.always_shown
    ]
    return [
        ("tenants with work", number(totals.tenants), f"of {number(totals.looked_at)} looked at"),
        *tasks,
        ("tenants failed", number(report.failed), "see below" if report.failed else "nothing to do"),
        ("tokens", number(totals.tokens), f"{money(report.cost)} in cost"),
    ]


def _beside(spec: TaskSpec, counts: Counts) -> str:
    """Return what stands beside a task's number: of how many, what else was written, what was left."""
    if seen := counts.of("seen"):
        return f"of {number(seen)} read"
    others = (*spec.done[2:], *spec.also_written, *spec.left)
    return ", ".join(f"{number(counts.of(name))} {name}" for name in others if counts.of(name)) or "none left"


def columns(points: Sequence[TrendPoint]) -> list[TaskSpec]:
    """Return the tasks that are followed over the nights: an opt-in task only where it did something."""
    return [spec for spec in specs() if not spec.opt_in or any(point.done[spec.name] for point in points)]


def _spans() -> list[str]:
    def said(seconds: float) -> str:
        return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"  # noqa: PLR2004

    inner = [f"{said(low)} to {said(high)}" if low else f"below {said(high)}" for low, high in pairwise(DURATION_EDGES)]
    return [*inner, f"from {said(DURATION_EDGES[-1])}"]


def trends(points: Sequence[TrendPoint]) -> list[tuple[str, str, Chart]]:
    """Return a small chart for each number that is followed: its name, its newest value, its columns."""
    if not points:
        return []
    minutes = [(point.took or timedelta(0)) / timedelta(minutes=1) for point in points]
    followed: list[tuple[str, list[float]]] = [
        *((spec.results, [float(point.done[spec.name]) for point in points]) for spec in columns(points)),
        ("minutes", minutes),
        ("tokens", [point.tokens for point in points]),
        ("cost", [float(point.cost) for point in points]),
    ]
    return [
        (name, short(values[-1]), column_chart([values], height=130, below=22, slots=TREND))
        for name, values in followed
    ]

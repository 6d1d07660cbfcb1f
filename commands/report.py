"""``report``: one page about a night, for whoever was not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from commands.abandoned import as_the_server_has_them
from commands.charts import Chart, column_chart
from commands.console import fail, run, say, settings_for_command
from commands.cycle_words import kind_of, took
from commands.instants import minute
from commands.task_words import specs
from memory_maintenance.inspection.cycles import Cycle
from memory_maintenance.inspection.report import BINS, DURATION_EDGES, TREND, Report, cycle_report
from memory_maintenance.printable import printable
from memory_maintenance.settings import Settings
from memory_maintenance.work import Counts, TaskSpec
from runtime.wiring import running_store

TEMPLATES: Final = Path(__file__).parent / "templates"

MILLION: Final = 1e6
THOUSAND: Final = 1e4


def write_report(
    html: Annotated[Path, typer.Option("--html", help="The file to write; one page that needs no network.")],
    cycle: Annotated[
        str | None,
        typer.Argument(
            help="A cycle's id, or its beginning; left out: the newest of the whole fleet.", metavar="[CYCLE]"
        ),
    ] = None,
    with_text: Annotated[
        bool, typer.Option("--with-text", help="Show the summaries and reflections, too: text of memories.")
    ] = False,
) -> None:
    """Write a page about one cycle: what it did, skipped, cost and failed at, and the trend."""
    report = run(_report(settings_for_command(), cycle, with_text=with_text))
    try:
        html.write_text(page(report), encoding="utf-8")
    except OSError as error:
        fail(f"{html} cannot be written: {error.strerror}")
    held = " It holds text of memories." if report.texts else ""
    say(f"wrote {html}: {kind_of(report.cycle)} cycle {report.cycle.cycle_id}.{held}")


async def _report(settings: Settings, cycle: str | None, *, with_text: bool) -> Report:
    async with running_store(settings) as pool:
        report = await cycle_report(pool, cycle, with_text=with_text)
        [known] = await as_the_server_has_them(settings, [report.cycle])
        return replace(report, cycle=known)


def _printable(value: Any) -> Any:
    """Return what the page shows of *value*; markup stays markup."""
    return type(value)(printable(value)) if isinstance(value, str) else value


def page(report: Report) -> str:
    """Return the whole page as HTML."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    templates.filters |= {
        "number": number,
        "short": short,
        "took": took,
        "time": minute,
        "money": _money,
        "words": _words,
        "zipped": lambda names, values: list(zip(names, values, strict=True)),
    }
    return templates.get_template("report.html.j2").render(
        report=report,
        totals=report.totals,
        title=_title(report.cycle),
        headline=_headline(report),
        histogram=column_chart([report.before, report.after], height=260),
        bins=[f"{bar / BINS:.2f} to {(bar + 1) / BINS:.2f}" for bar in range(BINS)],
        tasks=_columns(report),
        spans=_spans(),
        trends=_trends(report),
    )


def _title(cycle: Cycle) -> str:
    title = f"{cycle.kind.capitalize()} maintenance"
    if (named := cycle.named_tenants) is None:
        return title
    return f"{title} of {named} named {'tenant' if named == 1 else 'tenants'}"


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
        ("tokens", number(totals.tokens), f"{_money(report.cost)} in cost"),
    ]


def _beside(spec: TaskSpec, counts: Counts) -> str:
    """Return what stands beside a task's number: of how many, what else was written, what was left."""
    if seen := counts.of("seen"):
        return f"of {number(seen)} read"
    others = (*spec.done[2:], *spec.also_written, *spec.left)
    return ", ".join(f"{number(counts.of(name))} {name}" for name in others if counts.of(name)) or "none left"


def _columns(report: Report) -> list[TaskSpec]:
    """Return the tasks that are followed over the nights: an opt-in task only where it did something."""
    return [spec for spec in specs() if not spec.opt_in or any(point.done[spec.name] for point in report.trend)]


def _spans() -> list[str]:
    def said(seconds: float) -> str:
        return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"  # noqa: PLR2004

    inner = [f"{said(low)} to {said(high)}" if low else f"below {said(high)}" for low, high in pairwise(DURATION_EDGES)]
    return [*inner, f"from {said(DURATION_EDGES[-1])}"]


def _trends(report: Report) -> list[tuple[str, str, Chart]]:
    """Return a small chart for each number that is followed: its name, its newest value, its columns."""
    points = report.trend
    if not points:
        return []
    minutes = [(point.took or timedelta(0)) / timedelta(minutes=1) for point in points]
    followed: list[tuple[str, list[float]]] = [
        *((spec.results, [float(point.done[spec.name]) for point in points]) for spec in _columns(report)),
        ("minutes", minutes),
        ("tokens", [point.tokens for point in points]),
        ("cost", [float(point.cost) for point in points]),
    ]
    return [
        (name, short(values[-1]), column_chart([values], height=130, below=22, slots=TREND))
        for name, values in followed
    ]


def number(value: int) -> str:
    """Return a whole number with its thousands set apart."""
    return f"{value:,}"


def short(value: float) -> str:
    """Return a number for a scale, in at most five letters or so."""
    if value >= MILLION:
        return f"{value / MILLION:.3g}M"
    if value >= THOUSAND:
        return f"{value / 1000:.3g}k"
    return f"{value:,.0f}" if value == int(value) else f"{value:.2g}"


def _money(value: Decimal) -> str:
    return f"{value:,.2f}" if value >= 1 or not value else f"{value:.4f}"


def _words(name: Any) -> str:
    return str(name).replace("_", " ")

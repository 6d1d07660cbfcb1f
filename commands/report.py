"""``report``: one page about a night, for whoever was not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from commands.abandoned import as_the_server_has_them
from commands.console import fail, run, say, settings_for_command
from memory_maintenance.inspection.cycle_words import kind_of
from memory_maintenance.inspection.report import Report, cycle_report
from memory_maintenance.settings import Settings
from runtime.wiring import running_store
from web.cycle_page import saved_page


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
        html.write_text(saved_page(report), encoding="utf-8")
    except OSError as error:
        fail(f"{html} cannot be written: {error.strerror}")
    held = " It holds text of memories." if report.texts else ""
    say(f"wrote {html}: {kind_of(report.cycle)} cycle {report.cycle.cycle_id}.{held}")


async def _report(settings: Settings, cycle: str | None, *, with_text: bool) -> Report:
    async with running_store(settings) as pool:
        report = await cycle_report(pool, cycle, with_text=with_text)
        [known] = await as_the_server_has_them(settings, [report.cycle])
        return replace(report, cycle=known)

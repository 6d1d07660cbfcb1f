"""``memories``: import a file of memories."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from commands.console import FAILED, AsJson, err, fail, out, print_json, run, settings_for_command
from memory_maintenance.memories.importing import ImportReport, import_memories
from memory_maintenance.settings import Settings
from runtime.wiring import running_pool, running_stack_of

app = typer.Typer(no_args_is_help=True, help="The memories themselves.")

SHOWN = 20
"""Bad lines that are printed."""


@app.callback()
def memories() -> None:
    """The memories themselves."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="JSON Lines: one memory a line, fields as in RAE's table.")],
    as_json: AsJson = False,
) -> None:
    """Load memories from a file; what is there already is left as it is."""
    if not file.is_file():
        fail(f"{file}: there is no such file")
    report = run(_import(settings_for_command(), file))
    if as_json:
        print_json(asdict(report))
    else:
        show_import(file, report)
    if report.bad_count:
        raise typer.Exit(FAILED)


async def _import(settings: Settings, file: Path) -> ImportReport:
    async with running_stack_of(settings) as stack, running_pool(settings, stack) as pool:
        with Progress(TextColumn("{task.completed} lines"), TimeElapsedColumn(), console=err, transient=True) as bar:
            task = bar.add_task("", total=None)
            with file.open("rb") as lines:
                return await import_memories(pool, lines, progress=lambda read: bar.update(task, completed=read))


def show_import(file: Path, report: ImportReport) -> None:
    """Print what an import did, and its first bad lines."""
    for bad in report.bad[:SHOWN]:
        err.print(f"{file.name}:{bad.number}: {bad.reason}", highlight=False, markup=False, soft_wrap=True)
    if report.bad_count > SHOWN:
        err.print(f"... and {report.bad_count - SHOWN} more bad lines", highlight=False)
    out.print(
        f"{report.read} lines read: {report.added} added, {report.already_there} already there, {report.bad_count} bad",
        highlight=False,
    )

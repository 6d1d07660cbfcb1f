"""``memories``: import a file of them, explain one's importance, restore importances."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO
from uuid import UUID

import typer
from rich.progress import DownloadColumn, TransferSpeedColumn

from commands import archive
from commands.console import (
    FAILED,
    UNTOUCHED,
    AsJson,
    By,
    Reason,
    err,
    fail,
    interruptible,
    print_json,
    progress_of,
    refuse,
    run,
    say,
    settings_for_command,
)
from commands.derivation import show_dependents, show_derivation
from commands.explanation import explanation_data, show_explanation
from commands.exporting import export_derived
from commands.findable import findable
from commands.forgetting import certificate_command, forget
from commands.instants import AsOf
from commands.restoring import restore, show_restored
from commands.set_aside import list_set_aside, requeue_set_aside
from memory_maintenance.inspection.decay import DecayExplanation, explain_decay
from memory_maintenance.inspection.derived import Dependent, WrittenMemory, dependents_of, written_memory
from memory_maintenance.settings import Settings
from memory_maintenance.store.importing import ImportReport, import_memories
from runtime.wiring import running_store

app = typer.Typer(no_args_is_help=True, help="Import memories; explain and restore their importance.")

app.command("findable")(findable)
app.command("export-derived")(export_derived)

app.command("forget")(forget)
app.command("certificate")(certificate_command)

app.command("set-aside")(list_set_aside)
app.command("requeue")(requeue_set_aside)
app.add_typer(archive.app, name="archive")

_STDIN = Path("-")

SHOWN = 20
"""Bad lines that are printed."""


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="JSON Lines: one memory a line, fields as in RAE's table; a pipe, or - for stdin.")
    ],
    as_json: AsJson = False,
) -> None:
    """Load memories from a file; what is there already is left as it is."""
    if file.is_dir():
        fail(f"{file} is a folder: give a file of JSON lines, or - for standard input")
    if file != _STDIN and not file.exists():
        fail(f"{file}: there is no such file")
    report = run(
        _import(settings_for_command(), file, blocks=not file.is_file()),
        interrupted="what was stored stays; the same command stores the rest",
    )
    if as_json:
        print_json(asdict(report))
    else:
        show_import(file, report)
    if report.bad_count:
        raise typer.Exit(FAILED)


async def _import(settings: Settings, file: Path, *, blocks: bool) -> ImportReport:
    async with running_store(settings) as pool:
        # A pipe blocks: asyncio's own handler would let Ctrl-C wait until the next line comes.
        with (
            interruptible() if blocks else nullcontext(),
            _opened(file) as lines,
            progress_of(DownloadColumn(), TransferSpeedColumn()) as bar,
        ):
            seekable = lines.seekable()
            task = bar.add_task("0 lines", total=os.fstat(lines.fileno()).st_size if seekable else None)

            def show(read: int) -> None:
                bar.update(task, completed=lines.tell() if seekable else 0, description=f"{read:,} lines")

            return await import_memories(pool, lines, progress=show)


def _opened(file: Path) -> AbstractContextManager[BinaryIO]:
    """Return *file* to read from; standard input stays open."""
    try:
        return nullcontext(sys.stdin.buffer) if file == _STDIN else file.open("rb")
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")


def show_import(file: Path, report: ImportReport) -> None:
    """Print what an import did, and its first bad lines."""
    for bad in report.bad[:SHOWN]:
        say(f"{file.name}:{bad.number}: {bad.reason}", on=err)
    if report.bad_count > SHOWN:
        err.print(f"... and {report.bad_count - SHOWN} more bad lines", highlight=False)
    say(f"{report.read} lines read: {report.added} added, {report.already_there} already there, {report.bad_count} bad")


@app.command("explain")
def explain(
    memory_id: Annotated[UUID, typer.Argument(help="Id of the memory.", metavar="ID")],
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Show how a memory comes to its importance, what it was made from and what was made from it."""
    why, written, dependents = run(_explain(settings_for_command(), memory_id, as_of))
    if as_json:
        print_json(explanation_data(why, written, dependents))
    else:
        show_explanation(why)
        if written:
            show_derivation(written)
        if dependents:
            show_dependents(dependents)


async def _explain(
    settings: Settings, memory_id: UUID, as_of: datetime | None
) -> tuple[DecayExplanation, WrittenMemory | None, list[Dependent]]:
    async with running_store(settings) as pool:
        [why] = await explain_decay(pool, settings, [memory_id], as_of=as_of)
        return why, await written_memory(pool, memory_id), await dependents_of(pool, memory_id)


@app.command("restore")
def restore_importance(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Every memory of this tenant.")] = None,
    memory: Annotated[list[UUID] | None, typer.Option("--memory", help="Only this one; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every memory of every tenant.")] = False,
    by: By = None,
    reason: Reason = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --all.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put importance back to what the agent last said; it decays again from now on."""
    if [tenant is not None, bool(memory), everything].count(True) != 1:
        refuse("say what to restore: one of --tenant, --memory or --all")
    settings = settings_for_command()
    if everything and not dry_run and not yes:
        typer.confirm("Restore every memory of every tenant? There is no undo.", err=True, abort=True)
    result = run(
        restore(settings, tenant, memory or [], by=by, reason=reason, dry_run=dry_run),
        interrupted=UNTOUCHED if dry_run else "what was restored stays; the same command restores the rest",
    )
    if result is None:
        fail("there is nothing to restore: the memories table is empty")
    if as_json:
        print_json({**asdict(result), "at": result.at.isoformat(), "dry_run": dry_run})
    else:
        show_restored(result, settings, tenant=tenant, by=by, reason=reason, dry_run=dry_run)

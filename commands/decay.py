"""``decay``: what can be ordered of decay as a whole."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from commands.console import (
    UNTOUCHED,
    AsJson,
    By,
    Reason,
    print_json,
    progress_of,
    run,
    said,
    say,
    settings_for_command,
)
from commands.instants import instant
from memory_maintenance.cycles.rewind import RewindResult, rewind
from memory_maintenance.settings import Settings
from runtime.wiring import running_store

app = typer.Typer(no_args_is_help=True, help="Take decay back to an earlier instant.")


@app.callback()
def decay() -> None:
    """Take decay back to an earlier instant."""


@app.command("rewind")
def rewind_decay(
    to: Annotated[
        datetime,
        typer.Option(
            "--to",
            parser=instant,
            metavar="TIME",
            help="When the wrong night really was, or the last right one: a date or a time in ISO 8601, UTC.",
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only count what would be done.")] = False,
    by: By = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Take back what a night with a wrong clock did: importance, and marks that lie in the future."""
    settings = settings_for_command()
    result = run(
        _rewind(settings, to, by=by, reason=reason, dry_run=not yes),
        interrupted="what was rewound stays so; the same command rewinds the rest" if yes else UNTOUCHED,
    )
    if as_json:
        print_json({**asdict(result), "at": result.at.isoformat(), "dry_run": not yes})
    else:
        _show(result, by=by, reason=reason, dry_run=not yes)


async def _rewind(
    settings: Settings, to: datetime, *, by: str | None, reason: str | None, dry_run: bool
) -> RewindResult:
    async with running_store(settings) as pool:
        with progress_of() as bar:
            task = bar.add_task("memories", total=None)
            return await rewind(
                pool,
                settings,
                to,
                by=by,
                reason=reason,
                dry_run=dry_run,
                progress=lambda seen: bar.update(task, completed=seen),
            )


def _show(result: RewindResult, *, by: str | None, reason: str | None, dry_run: bool) -> None:
    did = "would rewind" if dry_run else "rewound"
    say(
        f"{did} {result.rewound:,} of {result.seen:,} memories of {result.tenants:,} tenants to "
        f"{result.at:%Y-%m-%d %H:%M:%S} UTC{'' if dry_run else said(by, reason)}"
    )
    if result.busy:
        say(f"{result.busy:,} busy: other transactions hold them; rewind again to have them too")
    if result.adopted:
        say("the store's first night was later: it counts as of that time, too")
    marks = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in result.marks.items() if count)
    say(f"marks in the future: {marks or 'none'}")
    if dry_run:
        say("Nothing was written. To do it: the same with --yes")
    else:
        say("the next daily run goes on from there: starter.py run daily")

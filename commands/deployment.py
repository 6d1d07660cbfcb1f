"""``deployment``: which build of the workers new runs start on."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.console import run, say, settings_for_command
from memory_maintenance.settings import Settings
from runtime.client import connect
from runtime.deployment import set_current_version
from runtime.wiring import running_temporal

app = typer.Typer(no_args_is_help=True, help="Worker versioning: which build of the workers new runs start on.")


@app.callback()
def deployment() -> None:
    """Worker versioning: which build of the workers new runs start on."""


@app.command("set-current-version")
def set_current(
    wait: Annotated[
        float,
        typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for the build's workers to poll."),
    ] = 300,
) -> None:
    """Let new runs start on TEMPORAL_WORKER_BUILD_ID, once its workers poll; runs under way end on their own build."""
    settings = settings_for_command()
    before = run(_set_current(settings, wait))
    build = settings.temporal_worker_build_id
    if before == build:
        return say(f"build {build} is the current version: nothing was changed")
    undo = f"; undo: TEMPORAL_WORKER_BUILD_ID={before} starter.py deployment set-current-version" if before else ""
    return say(f"new runs start on build {build}; it was {before or 'none'}{undo}")


async def _set_current(settings: Settings, wait: float) -> str | None:
    async with running_temporal(settings) as address:
        return await set_current_version(await connect(address, settings), settings, patience_seconds=wait)

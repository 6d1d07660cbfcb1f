"""The command ``memory-maintenance`` of a clone: the worker and the commands of ``starter.py``."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.application import app as operator
from commands.console import leaving
from commands.work import work
from memory_maintenance import __version__

app = typer.Typer(
    name="memory-maintenance", help=operator.info.help, no_args_is_help=True, pretty_exceptions_enable=False
)
app.command("worker")(work)
app.registered_commands += operator.registered_commands
app.registered_groups += operator.registered_groups


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"memory-maintenance {__version__}")
        raise typer.Exit


@app.callback()
def callback(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version, and end.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Operate the maintenance of an agent memory store."""


def main() -> None:
    """Run the command, and end the process with its status."""
    with leaving():
        app(prog_name="memory-maintenance")

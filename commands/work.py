"""What ``python worker.py`` does."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from memory_maintenance.errors import MaintenanceError
from memory_maintenance.observability.logs import configure_logs
from memory_maintenance.settings import load_settings
from runtime.capacity import Role
from runtime.workers import run_workers

app = typer.Typer(name="worker.py", add_completion=False, pretty_exceptions_enable=False)


@app.command()
def work(
    role: Annotated[
        Role,
        typer.Option(help="workflows: workflows and SQL; model: the steps that may ask a model; all: both."),
    ] = "all",
) -> None:
    """Do the maintenance work, until SIGTERM or SIGINT; batches in flight may then finish.

    Ends with status 0 then, and with 1 after an error: where a server did not answer, being started again
    by the supervisor mends it; anything else the line on standard error says how to mend.
    """
    try:
        settings = load_settings()
        configure_logs(settings)
        asyncio.run(run_workers(settings, role))
    except MaintenanceError as error:
        sys.stderr.write(f"error: {error}\n")
        raise typer.Exit(1) from None

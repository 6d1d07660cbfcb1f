"""What every command shares: where output goes, how a failure ends, how a coroutine is run."""

from __future__ import annotations

import asyncio
import getpass
import json
import logging
import os
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.table import Table
from rich.text import Text
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from memory_maintenance.errors import InvalidRequestError, MaintenanceError
from memory_maintenance.observability.logs import configure_logs
from memory_maintenance.settings import Settings, load_settings

Result = TypeVar("Result")

WIDE: Final = 160
"""Columns of what is piped or written to a file, where nothing has to fit a screen."""

# Without markup: ids, reasons and notes are other people's text. What is to stand out is a Text, or has a style.
out: Final = Console(width=None if sys.stdout.isatty() else WIDE, markup=False, emoji=False)
err: Final = Console(stderr=True, width=None if sys.stderr.isatty() else WIDE, markup=False, emoji=False)

FAILED: Final = 1
"""Exit status when something could not be done."""

WRONG: Final = 2
"""Exit status on wrong arguments; typer's own, too."""

AsJson = Annotated[bool, typer.Option("--json", help="Print data as JSON, and nothing else, on standard output.")]


def this_user() -> str:
    """Return who the operating system says we are; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return f"uid {os.getuid()}"


By = Annotated[
    str | None,
    typer.Option(
        "--by",
        help="Who says so; unset: the operating system's user.",
        callback=lambda given: given or this_user(),
    ),
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why.")]


def settings_for_command() -> Settings:
    """Return the settings; a command's logs are warnings only, it says itself what it does."""
    try:
        settings = load_settings()
    except MaintenanceError as error:
        fail(str(error))
    configure_logs(settings)
    logging.getLogger().setLevel(max(logging.getLogger().level, logging.WARNING))
    return settings


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run *work*; whatever we know how to explain ends the process with one line and status 1."""
    try:
        return asyncio.run(work)
    except MaintenanceError as error:
        fail(str(error))
    except WorkflowFailureError as error:
        fail(_why(error))
    except RPCError as error:
        fail(f"Temporal refused: {error.message}")
    except KeyboardInterrupt:
        fail("interrupted; what runs on the server goes on")


def _why(error: WorkflowFailureError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ApplicationError):
            return f"the run failed: {cause.message}"
        cause = cause.__cause__
    return f"the run did not complete: {type(error.cause).__name__}"


def fail(message: str) -> NoReturn:
    """Print *message* as one line on standard error and end with status 1."""
    show_error(message)
    raise typer.Exit(FAILED)


def refuse(message: str) -> NoReturn:
    """Print *message*, which says what is wrong with the arguments, and end with status 2."""
    show_error(message)
    raise typer.Exit(WRONG)


@contextmanager
def refusing() -> Iterator[None]:
    """Refuse the arguments where the body finds that they are not what can be asked for."""
    try:
        yield
    except InvalidRequestError as error:
        refuse(str(error))


def show_error(message: str) -> None:
    """Print *message* as one line on standard error."""
    err.print(Text.assemble(("error:", "bold red"), f" {message}"), soft_wrap=True)


def said(by: str | None, reason: str | None) -> str:
    """Return who and why, as it stands behind what was done: `` (ana: backup)``; nothing where neither is known."""
    known = ": ".join(part for part in (by, reason) if part)
    return f" ({known})" if known else ""


def print_json(data: Any) -> None:
    """Print *data* as JSON, alone on standard output."""
    typer.echo(json.dumps(data, indent=2, default=str))


def progress(*columns: ProgressColumn) -> Progress:
    """Return a line of progress that goes away at its end; none where standard error is not a terminal."""
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def table(title: str | None, *columns: str) -> Table:
    """Return an empty table in the style of all commands; columns that end in ``#`` are numbers."""
    empty = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        number, first = column.endswith("#"), column == columns[0]
        empty.add_column(column.removesuffix("#"), justify="right" if number else "left", no_wrap=number or first)
    return empty


@contextmanager
def leaving() -> Iterator[None]:
    """End the process with the status the body exits with, without Python's own shutdown.

    The Temporal SDK's native threads may abort or crash an interpreter that shuts down
    right after their last call (measured: 16 of 65 exits), and the status would be lost.
    """
    status: object = 0
    try:
        yield
    except SystemExit as leave:
        status = leave.code
    except BaseException as error:  # noqa: BLE001  said as Python would, or by the log
        sys.excepthook(type(error), error, error.__traceback__)
        status = FAILED
    if isinstance(status, str):
        sys.stderr.write(f"{status}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))

"""What every command shares: where output goes, how a failure ends, how a coroutine is run."""

from __future__ import annotations

import asyncio
import errno
import getpass
import json
import logging
import os
import shlex
import signal
import sys
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.text import Text
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from memory_maintenance.errors import InvalidRequestError, MaintenanceError
from memory_maintenance.invocation import as_invoked
from memory_maintenance.observability.logs import configure_logs
from memory_maintenance.printable import in_one_line, printable
from memory_maintenance.settings import Settings, load_settings

Result = TypeVar("Result")

WIDE: Final = 160
"""Columns of what is piped or written to a file, where nothing has to fit a screen."""


class Terminal(Console):
    """A console on which other people's text steers nothing: see ``printable``.

    A string is one line, but for line ends at its beginning: an id that holds one cannot add a line of its own.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """Print *objects* as ``Console.print`` does."""
        super().print(*(_one_line(each) if isinstance(each, str) else each for each in objects), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Yield the segments of *renderable*, whatever it is made of."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def _one_line(text: str) -> str:
    line = text.lstrip("\n")
    return text[: len(text) - len(line)] + in_one_line(as_invoked(line))


# Without markup: ids, reasons and notes are other people's text. What is to stand out is a Text, or has a style.
out: Final = Terminal(width=None if sys.stdout.isatty() else WIDE, markup=False, emoji=False)
err: Final = Terminal(stderr=True, width=None if sys.stderr.isatty() else WIDE, markup=False, emoji=False)

FAILED: Final = 1
"""Exit status when something could not be done."""

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C: 128 and the signal's number, as of every program of a shell."""

UNTOUCHED: Final = "nothing was written"
"""What is true where Ctrl-C ended a command that only reads."""

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
        help="Name for the audit log (default: current OS user).",
        callback=lambda given: given or this_user(),
    ),
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why.")]


def settings_for_command(*, embedded: bool = False) -> Settings:
    """Return the settings and name the store on standard error; logs are warnings only.

    Args:
        embedded: the command uses the embedded servers whatever the settings name.
    """
    try:
        settings = load_settings()
    except MaintenanceError as error:
        fail(str(error))
    configure_logs(settings)
    logging.getLogger().setLevel(max(logging.getLogger().level, logging.WARNING))
    if embedded:
        settings = settings.on_embedded_servers()
    say(f"store: {settings.store_name}", on=err)
    return settings


def run(work: Coroutine[Any, Any, Result], *, interrupted: str = "") -> Result:
    """Run *work*; whatever we know how to explain ends the process with one line and status 1, Ctrl-C with 130.

    Args:
        work: of the command.
        interrupted: what is true where Ctrl-C ended it.
    """
    try:
        return asyncio.run(work)
    except MaintenanceError as error:
        fail(str(error))
    except WorkflowFailureError as error:
        fail(_why(error))
    except RPCError as error:
        fail(f"Temporal refused: {error.message}")
    except KeyboardInterrupt:
        show_error(f"interrupted; {interrupted}" if interrupted else "interrupted")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end the body at once, also where it blocks; asyncio waits for the next await."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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
    err.print(Text.assemble(("error:", "bold red"), f" {in_one_line(as_invoked(message))}"), soft_wrap=True)


def say(text: str, *, on: Console = out) -> None:
    """Print *text* unchanged: without guessed colours, and without breaking lines to fit the screen."""
    on.print(text, highlight=False, soft_wrap=True)


def show_note(text: str) -> None:
    """Print on standard error what is worth knowing and is not a failure."""
    say(f"note: {text}", on=err)


def said(by: str | None, reason: str | None) -> str:
    """Return who and why, to follow what was done: `` (ana: backup)``; empty if neither is known."""
    known = ": ".join(part for part in (by, reason) if part)
    return f" ({known})" if known else ""


def print_json(data: Any) -> None:
    """Print *data* as JSON, alone on standard output; times in ISO 8601."""
    typer.echo(json.dumps(data, indent=2, default=_as_text).replace("\x7f", "\\u007f"))


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def progress_of(*columns: ProgressColumn) -> Progress:
    """Return a line of progress that goes away at its end; none where standard error is not a terminal.

    It shows a task's description, how far it is, the *columns* (the count and its rate), how long it
    took and, where its total is known, how long it will take.
    """
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *(columns or (MofNCompleteColumn(), RateColumn())),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


class RateColumn(ProgressColumn):
    """How many a second; rich shows that by itself only where there is no total."""

    def render(self, task: Task) -> Text:
        """Return the rate of *task*, empty before there is one."""
        rate = task.finished_speed or task.speed
        return Text("" if rate is None else f"{rate:,.0f}/s" if rate >= _FAST else f"{rate:.1f}/s")


_FAST: Final = 10


def options(values: Mapping[str, str | None]) -> list[str]:
    """Return the words of a command that are its options: of those that have a value."""
    return [word for name, value in values.items() if value for word in (name, value)]


def starter(*words: str) -> str:
    """Return one of this program's commands as it can be typed into a shell."""
    return f"starter.py {shlex.join(words)}"


def _says_full(error: BaseException) -> bool:
    """Say that a disk is full, where that is the error; return whether it is."""
    if not isinstance(error, OSError) or error.errno != errno.ENOSPC:
        return False
    sys.stderr.write(f"error: {error.filename or 'the output'} cannot be written: the disk is full\n")
    return True


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
    except KeyboardInterrupt:  # outside of `run`
        sys.stderr.write("error: interrupted\n")
        status = INTERRUPTED
    except BaseException as error:  # noqa: BLE001  said as Python would, or by the log
        if not _says_full(error):
            sys.excepthook(type(error), error, error.__traceback__)
        status = FAILED
    if isinstance(status, str):
        sys.stderr.write(f"{status}\n")
    try:
        sys.stdout.flush()
    except OSError as error:
        if not _says_full(error):
            raise
        status = FAILED
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))

"""Tracebacks for the log: where an error came from, and of foreign errors only the type.

A foreign error's text, like the locals of a frame, may hold a memory: Postgres quotes the row it
refuses, a parser the answer that it cannot read.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Final, TextIO

from memory_maintenance.errors import MaintenanceError

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

_SPEAK_OUR_WORDS: Final = "temporalio."
"""The package whose errors repeat what this application said to the server, or what the server said of itself."""

_CAUSE: Final = "\nwhich led to:\n"


def write_traceback(out: TextIO, exc_info: ExcInfo) -> None:
    """Write an error and what led to it, the cause first, without the text of foreign errors."""
    out.write(traceback_text(exc_info))


def traceback_text(exc_info: ExcInfo) -> str:
    """Return an error and what led to it, the cause first, without the text of foreign errors."""
    return _CAUSE.join(_one(error) for error in reversed(list(_chain(exc_info[1]))))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield *error*, its cause, the cause's cause and so on, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _one(error: BaseException) -> str:
    lines = [*traceback.format_tb(error.__traceback__), described(error)]
    if isinstance(error, BaseExceptionGroup):
        lines += [f"\n  with {described(one)}" for one in error.exceptions]
    return "".join(lines)


def described(error: BaseException) -> str:
    """Return what may be said of an error: its type, and its text where that is ours."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    ours = isinstance(error, MaintenanceError) or kind.__module__.startswith(_SPEAK_OUR_WORDS)
    return f"{name}: {error}" if ours else name

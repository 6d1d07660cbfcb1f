"""Logs: one stream on standard error, as lines for people or as JSON, the same for every library."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from memory_maintenance.observability.tracebacks import traceback_text, write_traceback
from memory_maintenance.printable import printable_value
from memory_maintenance.redaction import without_credentials
from memory_maintenance.settings import Settings

logger = structlog.get_logger(__name__)

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

_BODIES_AT_DEBUG = ("openai", "httpx", "httpx2", "httpcore", "httpcore2")
"""Loggers that print requests and answers at DEBUG: memory text, which no log may hold."""


def configure_logs(settings: Settings) -> None:
    """Send the logs of this process to standard error in the format of the settings."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_without_reprs, *_SHARED, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _shown,
            *_rendering(settings.log_format),
        ],
    )
    handler = _StandardError(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    quiet_third_party_loggers()
    sys.excepthook = _log_crash


def log_warnings(settings: Settings) -> None:
    """Log every setting that does not do what its owner may think: a process says so once, at its start."""
    for warning in settings.warnings():
        logger.warning("setting_without_effect", explanation=warning)


class _StandardError(logging.StreamHandler[TextIO]):
    """Names a line that it cannot write by the error's type: Python's own report quotes the errors at hand."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        """Say that a line is lost, where even that can be said."""
        kind = sys.exc_info()[0] or Exception
        with suppress(OSError, ValueError):
            sys.stderr.write(f"a log line of {record.name} could not be written: {kind.__name__}\n")


def _without_reprs(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep the first line of what asyncio says: the others show tasks, and a task its error's text."""
    if event["_record"].name == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _shown(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Show other people's text as ``printable`` does, and addresses without their credentials."""
    return {
        name: value if name == "exc_info" else _without_secrets(printable_value(value)) for name, value in event.items()
    }


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return without_credentials(value)
    if isinstance(value, dict):
        return {name: _without_secrets(each) for name, each in value.items()}
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log what ends the process, in place of Python, which would print the error's text."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logger.critical("process_crashed", exc_info=(kind, error, trace))


def _rendering(log_format: str) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.ExceptionRenderer(traceback_text), structlog.processors.JSONRenderer()]
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=write_traceback)]


def quiet_third_party_loggers() -> None:
    """Keep libraries from logging bodies, at any level of ours."""
    for name in _BODIES_AT_DEBUG:
        logging.getLogger(name).setLevel(logging.WARNING)

"""Logs: one stream on standard error, as lines for people or as JSON, the same for every library."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

from memory_maintenance.settings import Settings

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

_CHATTY = ("alembic",)

_BODIES_AT_DEBUG = ("openai", "httpx", "httpx2", "httpcore", "httpcore2")
"""Loggers that print requests and answers at DEBUG: memory text, which no log may hold."""


def configure_logs(settings: Settings) -> None:
    """Send the logs of this process to standard error in the format of the settings."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(settings.log_format)],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    quiet_third_party_loggers()


def _rendering(log_format: str) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # The default formatter prints the locals of every frame: memory text among them.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def quiet_third_party_loggers() -> None:
    """Keep libraries from logging bodies, at any level of ours."""
    for name in (*_BODIES_AT_DEBUG, *_CHATTY):
        logging.getLogger(name).setLevel(logging.WARNING)

"""The telemetry of Temporal's SDK: its logs in our stream, its metrics on their port."""

from __future__ import annotations

import logging
import re
from typing import Final

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings

SDK_LOGGER: Final = "temporalio.core"
QUIET_SECONDS: Final = 10
_LONGEST_ERROR: Final = 300
_NUMBER: Final = re.compile(r"\d+")
_LEVELS: Final = {"debug": "DEBUG", "info": "WARN", "warning": "WARN", "error": "ERROR"}
"""The SDK's own threshold by ours: at INFO it logs every poller."""


def sdk_runtime(settings: Settings) -> Runtime:
    """Return the SDK's engine of this process, its log lines among ours, its metrics on TEMPORAL_METRICS_PORT.

    Raises:
        SettingsError: the port is taken.
    """
    port = settings.temporal_metrics_port
    sdk_logger = logging.getLogger(SDK_LOGGER)
    sdk_logger.addFilter(NowAndThen())
    forwarding = LogForwardingConfig(
        logger=sdk_logger,
        append_target_to_name=False,
        prepend_target_on_message=False,
        append_log_fields_to_message=False,
    )
    level = TelemetryFilter(core_level=_LEVELS[settings.log_level], other_level="ERROR")
    telemetry = TelemetryConfig(
        logging=LoggingConfig(filter=level, forwarding=forwarding),
        metrics=PrometheusConfig(
            bind_address=listening(settings.listen_address, port), durations_as_seconds=True, unit_suffix=True
        )
        if port
        else None,
    )
    try:
        return Runtime(telemetry=telemetry)
    except (RuntimeError, ValueError):
        raise SettingsError(f"TEMPORAL_METRICS_PORT: cannot listen on {settings.listen_address}:{port}") from None


class NowAndThen(logging.Filter):
    """Lets a line of the SDK pass once in ten seconds, numbers aside, with its error as a key of its own.

    While a server is away, every poller of a worker complains at every retry, in the same words.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is news."""
        core = record.__dict__.pop("temporal_log", None)
        record.logger = SDK_LOGGER
        if core is not None and "error" in core.fields:
            record.error = str(core.fields["error"])[:_LONGEST_ERROR]
        words = _NUMBER.sub("#", record.getMessage())
        news = record.created - self._last.get(words, float("-inf")) >= QUIET_SECONDS
        if news:
            self._last[words] = record.created
        return news


def listening(address: str, port: int) -> str:
    """Return host:port; an IPv6 address is in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

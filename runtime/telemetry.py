"""What a worker tells about itself: the SDK's logs in our stream, its metrics and ours on their ports."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Gauge, start_http_server
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

WORKER_INFO: Final = Gauge(
    "memory_maintenance_worker_info",
    "1 for a worker that has started; role: all, workflows, model",
    ["role", "build_id"],
)
"""Rules and dashboard recognize workers by it, whatever the scrape calls its job."""

SDK_LOGGER: Final = "temporalio.core"
QUIET_SECONDS: Final = 10
_LONGEST_ERROR: Final = 300
_NUMBER: Final = re.compile(r"\d+")
_LEVELS: Final = {"debug": "DEBUG", "info": "WARN", "warning": "WARN", "error": "ERROR"}
"""The SDK's own threshold by ours: at INFO it tells of every poller."""


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


@contextmanager
def serving_metrics(settings: Settings) -> Iterator[None]:
    """Serve the metrics of this process on METRICS_PORT meanwhile.

    Raises:
        SettingsError: the port is taken.
    """
    if not settings.metrics_port:
        yield
        return
    address = settings.listen_address
    try:
        server, thread = start_http_server(settings.metrics_port, addr=address)
    except OSError as error:
        raise SettingsError(
            f"METRICS_PORT: cannot listen on {address}:{settings.metrics_port} ({error.strerror})"
        ) from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def listening(address: str, port: int) -> str:
    """Return host:port; an IPv6 address stands in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

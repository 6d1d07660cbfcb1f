"""The metrics of a process on its port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Gauge, start_http_server

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings

WORKER_INFO: Final = Gauge(
    "memory_maintenance_worker_info",
    "1 for a process that has started; role: all, workflows, model; cron: serves the metrics of runs by cron",
    ["role", "build_id"],
)
"""Rules and dashboard recognize processes by it, whatever the scrape calls its job."""


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

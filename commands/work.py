"""What ``python worker.py`` does."""

from __future__ import annotations

import asyncio
import sys

from memory_maintenance.errors import MaintenanceError
from memory_maintenance.observability.logs import configure_logs
from memory_maintenance.settings import load_settings
from runtime.workers import run_workers


def work() -> int:
    """Poll until told to stop; return 0 then, and 1 after an error that a restart does not mend by itself."""
    try:
        settings = load_settings()
        configure_logs(settings)
        asyncio.run(run_workers(settings))
    except MaintenanceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0

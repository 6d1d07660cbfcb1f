"""The night shift of an agent memory store: decay, summaries and dreams, without Temporal.

RAE's names, importable from here::

    from memory_maintenance import MaintenanceScheduler
    stats = await MaintenanceScheduler(pool).run_daily_maintenance()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memory_maintenance.rae.decay import DecayWorker
    from memory_maintenance.rae.dreaming import DreamingWorker
    from memory_maintenance.rae.engine import ReflectionEngineV2
    from memory_maintenance.rae.scheduler import MaintenanceScheduler
    from memory_maintenance.rae.summarization import SummarizationWorker

__all__ = ["DecayWorker", "DreamingWorker", "MaintenanceScheduler", "ReflectionEngineV2", "SummarizationWorker"]

__version__ = "0.1.0"

_HOMES = {
    "DecayWorker": "rae.decay",
    "DreamingWorker": "rae.dreaming",
    "MaintenanceScheduler": "rae.scheduler",
    "ReflectionEngineV2": "rae.engine",
    "SummarizationWorker": "rae.summarization",
}


def __getattr__(name: str) -> object:
    # Imported when asked for: the small processes that keep the embedded servers need only the errors.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

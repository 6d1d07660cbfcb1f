"""The night shift of an agent memory store: decay, summaries and dreams, without Temporal.

RAE's names, importable from here::

    from memory_maintenance import MaintenanceScheduler
    stats = await MaintenanceScheduler(pool).run_daily_maintenance()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memory_maintenance.cycles.scheduler import MaintenanceScheduler
    from memory_maintenance.decay.worker import DecayWorker
    from memory_maintenance.dreaming.reflection import ReflectionEngineV2
    from memory_maintenance.dreaming.worker import DreamingWorker
    from memory_maintenance.summarization.worker import SummarizationWorker

__all__ = ["DecayWorker", "DreamingWorker", "MaintenanceScheduler", "ReflectionEngineV2", "SummarizationWorker"]

_HOMES = {
    "DecayWorker": "decay.worker",
    "DreamingWorker": "dreaming.worker",
    "MaintenanceScheduler": "cycles.scheduler",
    "ReflectionEngineV2": "dreaming.reflection",
    "SummarizationWorker": "summarization.worker",
}


def __getattr__(name: str) -> object:
    # Imported when asked for: the small processes that keep the embedded servers need only the errors.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""The maintenance tasks, in the order in which a tenant's run does them. A new task is one line here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from memory_maintenance.decay.task import Decay
from memory_maintenance.dreaming.task import Dreaming
from memory_maintenance.embedding.task import Embedding
from memory_maintenance.summarization.task import Summarization
from memory_maintenance.task import AnyTask, Tools

TASKS: Final[tuple[type[AnyTask], ...]] = (
    Decay,
    Summarization,
    Dreaming,
    Embedding,
)


def tasks_with(tools: Tools) -> Sequence[AnyTask]:
    """Return every task, ready to work with *tools*."""
    return [task(tools) for task in TASKS]

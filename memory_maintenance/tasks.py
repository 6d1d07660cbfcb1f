"""The maintenance tasks, in the order in which a tenant's run does them. A new task is one line here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Final, cast

from memory_maintenance.task import AnyTask, Tools

FOLDERS: Final = (
    "expiry",
    "decay",
    "summarization",
    "duplicates",
    "supersession",
    "dreaming",
    "embedding",
)
"""Folders of this package; the ``task.py`` of each has its task as ``TASK``."""

TASKS: Final = tuple(cast(type[AnyTask], import_module(f"memory_maintenance.{folder}.task").TASK) for folder in FOLDERS)


def tasks_with(tools: Tools) -> Sequence[AnyTask]:
    """Return every task, ready to work with *tools*."""
    return [task(tools) for task in TASKS]

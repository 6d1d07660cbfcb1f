"""What a cycle is called in a line of its own or of a table: its kind, its id, how long it took."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from memory_maintenance.inspection.cycles import Cycle
from memory_maintenance.inspection.task_words import specs


def kind_of(cycle: Cycle) -> str:
    """Return the kind, or the tasks where they are not all of it, and of how many tenants where they were named."""
    tasks = cycle.config.get("tasks")
    what = (
        cycle.kind
        if tasks is None or cycle.kind != "daily" or set(tasks) >= {spec.name for spec in specs() if spec.always_shown}
        else " + ".join(tasks)
    )
    if cycle.schedule is not None:
        return f"{what} of {cycle.named_tenants} at {cycle.schedule}"
    return what if cycle.named_tenants is None else f"{what} of {cycle.named_tenants} named"


def short_id(cycle_id: UUID) -> str:
    """Return the beginning of an id that is enough to find the cycle: Temporal's begin with a time in milliseconds."""
    return str(cycle_id)[:13]


def took(length: timedelta | None) -> str:
    """Return a length of time in its two largest units."""
    if length is None:
        return "-"
    seconds = length.total_seconds()
    for unit, size, smaller, part in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} {int(seconds % size // part)} {smaller}"
    return f"{seconds:.1f} s"


def minute(time: datetime | None) -> str:
    """Return a time to the minute, for a cell of a table."""
    return f"{time:%Y-%m-%d %H:%M}" if time else "-"

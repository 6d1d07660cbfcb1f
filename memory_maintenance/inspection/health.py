"""What ``doctor`` finds: one verdict a check, with what to do about it.

The checks of the store, the model and the settings are beside this module; those of
Temporal belong to the application around the library.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from memory_maintenance.errors import MaintenanceError

Level = Literal["ok", "note", "warning", "failure"]
"""note: nothing is wrong, but it is worth knowing; warning: it works, but not well or not for long."""

Subject = Literal["settings", "store", "temporal", "model"]


@dataclass(frozen=True, slots=True)
class Check:
    """The verdict of one check. ``advice`` is what to do, None where there is nothing to do."""

    subject: Subject
    name: str
    level: Level
    found: str
    advice: str | None = None


def has_failed(checks: Sequence[Check]) -> bool:
    """Return whether something does not work."""
    return any(check.level == "failure" for check in checks)


async def in_order(subject: Subject, steps: Mapping[str, Callable[[], Awaitable[Check]]]) -> list[Check]:
    """Return what every step found; one that raises a MaintenanceError is a failure, and the next ones go on."""
    return [await _verdict(subject, name, step) for name, step in steps.items()]


async def _verdict(subject: Subject, name: str, step: Callable[[], Awaitable[Check]]) -> Check:
    try:
        return await step()
    except MaintenanceError as error:
        return Check(subject, name, "failure", str(error))

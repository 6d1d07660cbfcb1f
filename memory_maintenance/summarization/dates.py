"""How many of the dates that a session's events name its summary keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.language.dates import dates, kept_dates
from memory_maintenance.writers.language.relative_dates import with_dates


@dataclass(frozen=True, slots=True)
class DatesKept:
    """Different days: those that the events name, relative ones resolved, and how many of them the summary names."""

    in_sources: int
    kept: int


def dates_kept(events: Sequence[Memory], text: str) -> DatesKept:
    """Count the days that *events* name and those of them that *text* keeps; the events' own times do not count."""
    named = frozenset[str]().union(*(dates(with_dates(event.content, event.created_at)) for event in events))
    return DatesKept(len(named), len(kept_dates(named, text)))

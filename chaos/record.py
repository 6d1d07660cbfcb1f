"""What the agents wrote, in a log of their own: the store is compared with it, never the other way round."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

UNKNOWN: Final = 0.5
"""What an importance counts for that is NULL or NaN."""


@dataclass(frozen=True, slots=True)
class DecayState:
    """What a tenant's row says of its decay: the newest ``as_of`` that was started, and completed."""

    started: datetime | None = None
    completed: datetime | None = None

    @property
    def under_way(self) -> bool:
        """Return whether pages of the run that was started last may still be written."""
        return self.started is not None and (self.completed is None or self.completed < self.started)


@dataclass(frozen=True, slots=True)
class Around:
    """The state before a write was sent, and after it was known to be committed."""

    before: DecayState = DecayState()
    after: DecayState = DecayState()


@dataclass(frozen=True, slots=True)
class Said:
    """An importance that an agent has set."""

    value: float
    around: Around


@dataclass(slots=True)
class Remembered:
    """One memory as its agent knows it; ``importance`` None or NaN is what decay has to leave alone."""

    id: UUID
    tenant_id: str
    marker: str
    created_at: datetime
    importance: float | None
    layer: str = "episodic"
    project: str | None = None
    session_id: str | None = None
    tags: tuple[str, ...] = ()
    born: Around = Around()
    accessed_at: datetime | None = None
    writes: int = 0
    said: list[Said] = field(default_factory=list)

    @property
    def content(self) -> str:
        """Return the text: every memory has a word that no other has."""
        return f"They had a talk about {self.marker}."

    @property
    def values(self) -> list[float]:
        """Return every importance that the agent ever gave it, in order."""
        first = [] if self.importance is None else [self.importance]
        return first + [said.value for said in self.said]

    @property
    def ranks(self) -> list[float]:
        """Return what each importance it ever had counts for in the mean of what is derived from it: unknown is 0.5."""
        unknown = (None, *self.values) if self.importance is None else self.values
        return [UNKNOWN if value is None or math.isnan(value) else min(1.0, max(0.0, value)) for value in unknown]

    @property
    def valid(self) -> bool:
        """Return whether decay can read its importance: a value in [0, 1]."""
        return self.latest is not None and 0 <= self.latest <= 1

    @property
    def valid_since(self) -> Around:
        """Return when it was first given an importance that decay can read; one without is passed over."""
        first_valid = self.importance is not None and 0 <= self.importance <= 1
        return self.born if first_valid or not self.said else self.said[0].around

    @property
    def latest(self) -> float | None:
        """Return the importance that the agent gave it last."""
        return self.values[-1] if self.values else None


@dataclass(slots=True)
class Record:
    """Every memory whose INSERT is known to be committed, and how the writing went."""

    memories: dict[UUID, Remembered] = field(default_factory=dict)
    written: int = 0
    in_doubt: int = 0
    """Writes whose connection was lost: the store was asked whether they had been committed."""
    given_up: int = 0
    """Writes that were not."""

    def of_tenants(self, tenants: Iterable[str]) -> list[Remembered]:
        """Return the memories of some tenants."""
        wanted = set(tenants)
        return [memory for memory in self.memories.values() if memory.tenant_id in wanted]

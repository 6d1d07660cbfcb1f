"""What a decay benchmark runs on: memories with their accesses, and questions with their evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

CURRENT: Final = "current"
RARE: Final = "rare"
RECENT: Final = "recent"
PAST: Final = "past"
ASKED: Final = "asked"
"""Kinds of questions: four of the synthetic store, and those of a file."""


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """A memory as the agent wrote it, and every time it was recalled."""

    id: UUID
    tenant_id: str
    content: str
    importance: float
    """As the agent gave it, in [0, 1]."""
    created_at: datetime
    accesses: tuple[datetime, ...] = ()
    """In order; a store that was read from a file knows the last one only."""
    layer: str | None = None
    tags: frozenset[str] = frozenset()

    @property
    def last_access(self) -> datetime:
        """Return when it was last recalled, else written."""
        return self.accesses[-1] if self.accesses else self.created_at


@dataclass(frozen=True, slots=True)
class Question:
    """A question that some memories of one tenant answer."""

    text: str
    evidence: frozenset[UUID]
    kind: str = ASKED
    versions: tuple[UUID, ...] = ()
    """The memories that say the same fact, oldest first, where it was superseded."""


@dataclass(frozen=True, slots=True)
class Store:
    """Memories, and what is asked of them at ``as_of``.

    The memories stand in the order of their ids, which says nothing of their age: it breaks ties.
    """

    memories: tuple[StoredMemory, ...]
    questions: tuple[Question, ...]
    as_of: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "memories", tuple(sorted(self.memories, key=lambda memory: memory.id)))

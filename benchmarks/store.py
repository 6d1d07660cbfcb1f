"""What decay is measured on: memories with their accesses, and questions with their evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.store.import_line import read_line

Read = TypeVar("Read")

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""What durations in a file count from, and the time of a memory that has none: fixed, so that results repeat."""


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """A memory as the agent wrote it, with its importance in [0, 1], and every time it was recalled, in order."""

    id: UUID
    tenant_id: str
    content: str
    importance: float
    created_at: datetime
    accesses: tuple[datetime, ...] = ()
    layer: str | None = None
    tags: frozenset[str] = frozenset()

    @property
    def last_access(self) -> datetime:
        """Return when it was last recalled, else written."""
        return self.accesses[-1] if self.accesses else self.created_at


class Question(BaseModel):
    """A question that some memories of one tenant answer."""

    model_config = ConfigDict(frozen=True)

    question: Annotated[str, Field(pattern=r"\S")]
    evidence: Annotated[frozenset[UUID], Field(min_length=1)]
    """Ids of all memories that answer it."""
    versions: tuple[UUID, ...] = ()
    """The memories that say the same fact, oldest first, where it was superseded."""
    kind: str = "asked"


@dataclass(frozen=True, slots=True)
class Store:
    """Memories, and what is asked of them at ``as_of``.

    The memories are in the order of their ids, which says nothing of their age: it breaks ties.
    """

    memories: tuple[StoredMemory, ...]
    questions: tuple[Question, ...]
    as_of: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "memories", tuple(sorted(self.memories, key=lambda memory: memory.id)))


def read_store(memories: Path, questions: Path, days: float = 365.0) -> Store:
    """Return the store of two files of JSON lines, its questions asked *days* after its newest time.

    Args:
        memories: one a line, as ``starter.py memories import`` takes them; of the accesses each has the last one only.
        questions: one a line: ``question``, ``evidence`` and, where there are some, ``versions``.
        days: without any access, at least 0.

    Raises:
        InvalidRequestError: a line that says no memory or question, or names a memory that is not there.
    """
    stored = {memory.id: memory for memory in read_lines(memories, _memory)}
    asked = tuple(read_lines(questions, lambda line: _question(line, stored)))
    if not stored or not asked:
        raise InvalidRequestError(f"{(questions if stored else memories).name} is empty")
    newest = max(max(memory.created_at, memory.last_access) for memory in stored.values())
    return Store(tuple(stored.values()), asked, newest + timedelta(days=days))


def read_lines(path: Path, read: Callable[[str], Read]) -> Iterator[Read]:
    """Yield what *read* makes of each line that is not blank; an error names the line."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield read(line)
                except InvalidRequestError as error:
                    raise InvalidRequestError(f"{path.name}, line {number}: {error}") from None


def _memory(line: str) -> StoredMemory:
    said = read_line(line, NOW)
    created = said.created_at or said.timestamp or NOW
    accesses = () if said.last_accessed_at is None else (said.last_accessed_at,)
    tags = frozenset(said.tags or ())
    return StoredMemory(said.id, said.tenant_id, said.content, said.importance, created, accesses, said.layer, tags)


def _question(line: str, stored: dict[UUID, StoredMemory]) -> Question:
    try:
        said = Question.model_validate_json(line)
    except ValidationError:
        raise InvalidRequestError("it must be as {'question': text, 'evidence': [ids]}") from None
    named = said.evidence.union(said.versions)
    if not named <= stored.keys():
        raise InvalidRequestError("evidence or versions name a memory that the store does not have")
    if len({stored[one].tenant_id for one in named}) > 1:
        raise InvalidRequestError("the memories it names belong to several tenants")
    return said

"""A store and its questions from two files of JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmarks.store import Question, Store, StoredMemory
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.store.import_line import read_line

Said = TypeVar("Said")

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""What durations in a file count from, and the time of a memory that has none: fixed, so that results repeat."""


class QuestionLine(BaseModel):
    """A question as a file says it."""

    model_config = ConfigDict(frozen=True)

    question: Annotated[str, Field(pattern=r"\S")]
    evidence: Annotated[frozenset[UUID], Field(min_length=1)]
    """Ids of the memories that answer it, all of one tenant."""
    versions: tuple[UUID, ...] = ()
    """Optional: ids of the memories that say the same fact, oldest first."""


def read_store(memories: Path, questions: Path, days: float = 365.0) -> Store:
    """Return the store of two files, its questions asked *days* after the newest time that a memory has.

    Args:
        memories: one a line, as ``starter.py memories import`` takes them.
        questions: one a line, as ``QuestionLine``.
        days: without any access, at least 0.

    Raises:
        InvalidRequestError: a line that says no memory or question, or names a memory that is not there.
    """
    stored = {memory.id: memory for memory in read_lines(memories, _memory)}
    if not stored:
        raise InvalidRequestError(f"{memories.name} has no memories")
    newest = max(max(memory.created_at, memory.last_access) for memory in stored.values())
    asked = tuple(read_lines(questions, lambda line: _question(line, stored)))
    if not asked:
        raise InvalidRequestError(f"{questions.name} has no questions")
    return Store(tuple(stored.values()), asked, newest + timedelta(days=days))


def read_lines(path: Path, read: Callable[[str], Said]) -> Iterator[Said]:
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
        said = QuestionLine.model_validate_json(line)
    except ValidationError as error:
        names = ", ".join(sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]})) or "the line"
        raise InvalidRequestError(f"{names} must be as in {{'question': text, 'evidence': [ids]}}") from None
    named = said.evidence.union(said.versions)
    if not named <= stored.keys():
        raise InvalidRequestError("evidence or versions name a memory that the store does not have")
    if len({stored[one].tenant_id for one in named}) > 1:
        raise InvalidRequestError("the memories it names belong to several tenants")
    return Question(said.question, said.evidence, versions=said.versions)

"""The sample conversations as the quality gate reads them, with what a reader would ask of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

from pydantic import TypeAdapter

from memory_maintenance.store.memory import Memory
from memory_maintenance.summarization.extractive import extractive_summary
from memory_maintenance.summarization.prompt import SessionSummaryResponse
from memory_maintenance.writers.extractive.rarity import Background, session_words

SAMPLES = Path(__file__).parents[2] / "samples"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""What the samples' ages count from."""

_AGE = TypeAdapter(timedelta)


@dataclass(frozen=True)
class Question:
    """What somebody may ask later, and the words of the answer; ``session`` has it."""

    session: str
    text: str
    answer: str


@cache
def conversations() -> Mapping[str, tuple[Memory, ...]]:
    """Return the events of each sample conversation, oldest first."""
    return _sessions(SAMPLES / "conversations.jsonl")


@cache
def everything() -> Mapping[str, tuple[Memory, ...]]:
    """Return the sessions of all samples, conversations and the others of ten events or more."""
    long = {key: own for key, own in _sessions(SAMPLES / "memories.jsonl").items() if len(own) >= 10}
    return {**long, **conversations()}


def _sessions(path: Path) -> dict[str, tuple[Memory, ...]]:
    found: defaultdict[str, list[Memory]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["session_id"] and row["layer"] in ("episodic", "em"):
            found[row["session_id"]].append(
                Memory(
                    id=UUID(row["id"]),
                    tenant_id=row["tenant_id"],
                    content=row["content"],
                    created_at=NOW + _AGE.validate_python(row["created_at"]),
                    importance=row["importance"],
                    project=row["project"],
                    session_id=row["session_id"],
                    metadata=row["metadata"],
                )
            )
    return {key: tuple(sorted(own, key=lambda event: event.created_at)) for key, own in found.items()}


@cache
def expected() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return what ``expected.json`` says of each conversation."""
    told: Mapping[str, Mapping[str, Sequence[str]]] = json.loads(
        (Path(__file__).parent / "expected.json").read_text(encoding="utf-8")
    )
    return told


def questions() -> list[Question]:
    """Return every question about the sample conversations."""
    return [Question(session, *asked) for session, own in expected().items() for asked in own["questions"]]


def summaries(
    sessions: Mapping[str, Sequence[Memory]], *, max_words: Callable[[Sequence[Memory]], int] | None = None
) -> dict[str, SessionSummaryResponse]:
    """Return the built-in writer's summary of each session, against the background of the others."""
    words = {key: session_words([event.content for event in own]) for key, own in sessions.items()}
    return {
        key: extractive_summary(
            own,
            max_words=max_words(own) if max_words else None,
            background=Background.of(other for name, other in words.items() if name != key),
        )
        for key, own in sessions.items()
    }

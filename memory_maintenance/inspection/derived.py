"""What maintenance wrote: derived memories with what they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from memory_maintenance.dreaming import policy as dreaming
from memory_maintenance.store.pool import Executor, fetch, fetch_row, json_object
from memory_maintenance.summarization import policy as summarization

WRITERS: Final = (summarization.SOURCE, dreaming.SOURCE)
"""``source`` of the memories that maintenance writes."""

_COLUMNS: Final = """
SELECT id, tenant_id::text AS tenant_id, maintenance.project_of(project) AS project, session_id, content, importance,
       tags, created_at, metadata::text AS metadata
FROM memories"""

_OF_TENANTS: Final = """
-- inspection.WRITTEN: summaries and reflections of some tenants, the newest first.
--   $1 tenant_ids  text[]
--   $2 sources     text[]   who wrote them
--   $3 how_many    bigint
WHERE tenant_id = ANY ($1) AND source = ANY ($2)
ORDER BY created_at DESC, id
LIMIT $3
"""

_BY_ID: Final = """
-- inspection.WRITTEN_ONE: one of them; nothing where the memory is an agent's own.
--   $1 memory_id  uuid
--   $2 sources    text[]
WHERE id = $1 AND source = ANY ($2)
"""

WRITTEN: Final = _COLUMNS + _OF_TENANTS
WRITTEN_ONE: Final = _COLUMNS + _BY_ID

CALLS: Final = """
-- inspection.CALLS: what the ledger has of the question that a text answers; every attempt, in order.
--   $1 question  text
SELECT attempt, state, reason, model, prompt_version, answered_at, latency_seconds, input_tokens, output_tokens, cost
FROM maintenance.model_calls
WHERE question = $1
ORDER BY attempt
"""

SOURCES: Final = """
-- inspection.SOURCES: the memories that a derived one was made from, in time order.
--   $1 covered_by  uuid     the events of a summary
--   $2 ids         uuid[]   the evidence of a reflection
SELECT m.id, m.content, m.created_at, m.importance
FROM memories m
WHERE m.id IN (SELECT event_id FROM maintenance.covered_events WHERE summary_id = $1) OR m.id = ANY ($2)
ORDER BY m.created_at, m.id
"""


@dataclass(frozen=True, slots=True)
class SourceMemory:
    """One memory that a derived one stands on."""

    id: UUID
    content: str
    created_at: datetime
    importance: float | None


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One attempt at a question, as the ledger keeps it; ``cost`` in the currency of the budgets."""

    attempt: int
    state: str
    reason: str | None
    model: str
    prompt_version: str
    answered_at: datetime | None
    latency_seconds: float | None
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class WrittenMemory:
    """A summary, reflection or strategy with its sources."""

    id: UUID
    tenant_id: str
    project: str
    session_id: str | None
    content: str
    importance: float | None
    tags: tuple[str, ...]
    created_at: datetime
    metadata: dict[str, Any]
    sources: tuple[SourceMemory, ...]
    calls: tuple[ModelCall, ...]
    """Empty where no model was asked, and where the ledger no longer has it."""

    @property
    def question(self) -> str | None:
        """Return the key in the ledger of the question that the text answers."""
        return self.metadata.get("question")


async def written_memories(
    db: Executor, tenant_ids: Sequence[str], sources: Sequence[str], *, how_many: int = 100
) -> list[WrittenMemory]:
    """Return the newest derived memories of some tenants, with the memories they stand on."""
    rows = await fetch(db, WRITTEN, list(tenant_ids), list(sources), how_many)
    return [await _whole(db, dict(row)) for row in rows]


async def written_memory(db: Executor, memory_id: UUID) -> WrittenMemory | None:
    """Return a derived memory with what it stands on; None where it is an agent's own or there is none."""
    row = await fetch_row(db, WRITTEN_ONE, memory_id, list(WRITERS))
    return await _whole(db, dict(row)) if row else None


async def _whole(db: Executor, row: dict[str, Any]) -> WrittenMemory:
    metadata = json_object(row["metadata"])
    sources = await fetch(db, SOURCES, row["id"], _ids(metadata.get("source_ids")))
    calls = await fetch(db, CALLS, question) if (question := metadata.get("question")) else []
    return WrittenMemory(
        **row | {"tags": tuple(row["tags"] or ()), "metadata": metadata},
        sources=tuple(SourceMemory(**dict(source)) for source in sources),
        calls=tuple(ModelCall(**dict(call)) for call in calls),
    )


def _ids(named: object) -> list[UUID]:
    """Return the ids in *named* that are a memory's: a caller of the library may name events as it likes."""
    ids = []
    for one in named if isinstance(named, list) else []:
        with suppress(ValueError):
            ids.append(UUID(str(one)))
    return ids

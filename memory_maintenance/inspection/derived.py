"""What maintenance wrote: derived memories with what they were made from."""

from __future__ import annotations

from collections.abc import Sequence
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

_ROWS: Final = """
SELECT id, tenant_id::text AS tenant_id, maintenance.project_of(project) AS project, session_id, content,
       importance::float8, tags, created_at, metadata::text AS metadata
FROM memories
"""

WRITTEN: Final = (
    """
-- inspection.WRITTEN: the newest 100 summaries and reflections of some tenants, the newest first.
--   $1 tenant_ids  array of the column's type
--   $2 sources     text[]   who wrote them
"""
    + _ROWS
    + "WHERE tenant_id = ANY ($1) AND source = ANY ($2) ORDER BY created_at DESC, id LIMIT 100"
)

WRITTEN_ONE: Final = (
    """
-- inspection.WRITTEN_ONE: one of them; nothing where the memory is an agent's own.
--   $1 memory_id  uuid
--   $2 sources    text[]
"""
    + _ROWS
    + "WHERE id = $1 AND source = ANY ($2)"
)

CALLS: Final = """
-- inspection.CALLS: what the ledger has of the question that a text answers; every attempt, in order.
--   $1 question  text
SELECT attempt, state, reason, model, prompt_version, answered_at, latency_seconds, input_tokens, output_tokens, cost
FROM maintenance.model_calls
WHERE question = $1
ORDER BY attempt
"""

SOURCES: Final = """
-- inspection.SOURCES: what a derived memory was made from, in time order; of what is gone only the id is known.
--   $1 tenant_id   text
--   $2 derived_id  uuid
SELECT l.source_id AS id, m.content, m.created_at, m.importance::float8, m.id IS NULL AS is_gone,
       coalesce(l.source_hash <> maintenance.fingerprint(m.content), false) AS is_edited
FROM maintenance.lineage l LEFT JOIN memories m ON m.id = l.source_id AND m.tenant_id::text = l.tenant_id
WHERE l.tenant_id = $1 AND l.derived_id = $2 AND l.source_id <> $2
ORDER BY m.created_at, l.source_id
"""

DEPENDENTS: Final = """
-- inspection.DEPENDENTS: what was made from a memory, the newest first.
--   $1 source_id  uuid
-- Twice, because one index has the events of summaries and another all else.
SELECT d.id, l.task, l.subject, l.derived_at
FROM memories s
     CROSS JOIN LATERAL (
         SELECT * FROM maintenance.lineage l
         WHERE l.tenant_id = s.tenant_id::text AND l.source_id = s.id AND l.task = 'summarization'
         UNION ALL
         SELECT * FROM maintenance.lineage l
         WHERE l.tenant_id = s.tenant_id::text AND l.source_id = s.id AND l.task <> 'summarization'
     ) l
     JOIN memories d ON d.id = l.derived_id AND d.tenant_id = s.tenant_id
WHERE s.id = $1 AND d.id <> s.id
ORDER BY l.derived_at DESC, d.id
"""


DANGLING: Final = """
-- inspection.DANGLING: a tenant's derived memories of whose sources some are gone, the latest first.
--   $1 tenant_id  text
--   $2 most       bigint
SELECT l.derived_id AS id, l.task, l.subject, count(*)::integer AS sources,
       count(*) FILTER (WHERE s.id IS NULL)::integer AS gone
FROM maintenance.lineage l LEFT JOIN memories s ON s.id = l.source_id AND s.tenant_id::text = l.tenant_id
WHERE l.tenant_id = $1
GROUP BY l.derived_id, l.task, l.subject
HAVING count(*) > count(s.id)
ORDER BY max(l.derived_at) DESC, l.derived_id
LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class SourceMemory:
    """One memory that a derived one stands on; ``is_edited``: it says something else by now."""

    id: UUID
    content: str
    created_at: datetime
    importance: float | None
    is_edited: bool = False


@dataclass(frozen=True, slots=True)
class Dependent:
    """A summary or reflection that was made from a memory, among others."""

    id: UUID
    task: str
    subject: str | None
    derived_at: datetime


@dataclass(frozen=True, slots=True)
class Dangling:
    """A derived memory, or what lineage has of one that is gone itself: so many of its ``sources`` are ``gone``."""

    id: UUID
    task: str
    subject: str | None
    sources: int
    gone: int


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
    gone: int
    """Further sources that are no memories any more."""
    calls: tuple[ModelCall, ...]
    """Empty where no model was asked, and where the ledger no longer has it."""

    @property
    def question(self) -> str | None:
        """Return the key in the ledger of the question that the text answers."""
        return self.metadata.get("question")


async def written_memories(db: Executor, tenant_ids: Sequence[str], sources: Sequence[str]) -> list[WrittenMemory]:
    """Return the newest 100 derived memories of some tenants, with the memories they stand on."""
    rows = await fetch(db, WRITTEN, list(tenant_ids), list(sources))
    return [await _whole(db, dict(row)) for row in rows]


async def written_memory(db: Executor, memory_id: UUID) -> WrittenMemory | None:
    """Return a derived memory with its sources; None where an agent wrote it or it does not exist."""
    row = await fetch_row(db, WRITTEN_ONE, memory_id, list(WRITERS))
    return await _whole(db, dict(row)) if row else None


async def dependents_of(db: Executor, memory_id: UUID) -> list[Dependent]:
    """Return the derived memories that were made from this one."""
    return [Dependent(**dict(row)) for row in await fetch(db, DEPENDENTS, memory_id)]


async def dangling(db: Executor, tenant_id: str, *, most: int) -> list[Dangling]:
    """Return derived memories of a tenant that were made from memories which are gone, the latest first."""
    return [Dangling(**dict(row)) for row in await fetch(db, DANGLING, tenant_id, most)]


async def _whole(db: Executor, row: dict[str, Any]) -> WrittenMemory:
    metadata = json_object(row["metadata"])
    sources = [dict(source) for source in await fetch(db, SOURCES, row["tenant_id"], row["id"])]
    there = [source for source in sources if not source.pop("is_gone")]
    calls = await fetch(db, CALLS, question) if (question := metadata.get("question")) else []
    return WrittenMemory(
        **row | {"tags": tuple(row["tags"] or ()), "metadata": metadata},
        sources=tuple(SourceMemory(**source) for source in there),
        gone=len(sources) - len(there),
        calls=tuple(ModelCall(**dict(call)) for call in calls),
    )

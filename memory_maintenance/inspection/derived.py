"""What maintenance wrote: derived memories with what they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from memory_maintenance.database.pool import Executor, fetch

WRITTEN: Final = """
-- inspection.WRITTEN: summaries and reflections of some tenants, the newest first.
--   $1 tenant_ids  text[]
--   $2 sources     text[]   who wrote them
--   $3 how_many    bigint
SELECT id, tenant_id::text AS tenant_id, coalesce(project, 'default') AS project, session_id, content, importance,
       tags, created_at, metadata
FROM memories
WHERE tenant_id = ANY ($1) AND source = ANY ($2)
ORDER BY created_at DESC, id
LIMIT $3
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
class WrittenMemory:
    """A summary, reflection or strategy with its sources."""

    id: UUID
    tenant_id: str
    project: str
    session_id: str | None
    content: str
    importance: float
    tags: tuple[str, ...]
    created_at: datetime
    metadata: dict[str, Any]
    sources: tuple[SourceMemory, ...]


async def written_memories(
    db: Executor, tenant_ids: Sequence[str], sources: Sequence[str], *, how_many: int = 100
) -> list[WrittenMemory]:
    """Return the newest derived memories of some tenants, with the memories they stand on."""
    rows = await fetch(db, WRITTEN, list(tenant_ids), list(sources), how_many)
    return [await _with_sources(db, dict(row)) for row in rows]


async def _with_sources(db: Executor, row: dict[str, Any]) -> WrittenMemory:
    named = [UUID(one) for one in row["metadata"].get("source_ids", ())]
    sources = tuple(SourceMemory(**dict(source)) for source in await fetch(db, SOURCES, row["id"], named))
    return WrittenMemory(**{**row, "tags": tuple(row["tags"] or ())}, sources=sources)

"""Rows as memories."""

from __future__ import annotations

from typing import Final

import asyncpg

from memory_maintenance.store.memory import Memory

LONGEST_CONTENT: Final = 20_000
"""Characters of one memory that are read; of a longer one the two ends."""

_IS_EVENT: Final = (
    "m.layer IN ('episodic', 'em') AND (m.source IS NULL OR m.source NOT IN ('summarization_worker', "
    "'reflection_engine_v2')) AND NOT coalesce('session_summary' = ANY (m.tags), false)"
)
"""What an agent wrote of a session; word by word the condition of ``memories_maintenance_time_idx``."""


def of_events(statement: str) -> str:
    """Return *statement* with ``IS_EVENT`` written out: whether a memory ``m`` is of a session, and an agent's own."""
    return statement.replace("IS_EVENT", _IS_EVENT)


def memory_of(row: asyncpg.Record) -> Memory:
    """Return the memory of a row with the columns of ``Memory``, without its metadata, which may be huge."""
    return Memory(
        id=row["id"],
        tenant_id=row["tenant_id"],
        content=row["content"],
        created_at=row["created_at"],
        importance=row["importance"],
        project=row["project"],
        session_id=row["session_id"],
        layer=row["layer"],
        source=row["source"],
        tags=tuple(tag for tag in row["tags"] or () if tag is not None),
    )

"""Rows as memories."""

from __future__ import annotations

from typing import Final

import asyncpg

from memory_maintenance.store.memory import Memory

LONGEST_CONTENT: Final = 20_000
"""Characters of one memory that are read; of a longer one the two ends."""


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

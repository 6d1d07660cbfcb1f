"""Rows as memories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg

from memory_maintenance.store.memory import Memory, Source

LONGEST_CONTENT: Final = 20_000
"""Characters of one memory that are read; of a longer one the two ends."""


def memories_of(rows: Iterable[asyncpg.Record]) -> list[Memory]:
    """Return the memories of rows with the columns of ``Memory``, in their order.

    Of their metadata, which may be huge, they have the role alone.

    Rows that RAE's engine made of one long text are one memory, where its first part stands. Columns besides those of
    ``Memory``: ``text`` (which text a row is of), ``part`` (its number), ``role`` (who wrote it) and ``hash``.
    """
    texts: dict[str, list[asyncpg.Record]] = {}
    for row in rows:
        texts.setdefault(row["text"], []).append(row)
    return [_memory(sorted(parts, key=lambda row: row["part"])) for parts in texts.values()]


def _memory(parts: Sequence[asyncpg.Record]) -> Memory:
    first = parts[0]
    content = "\n".join(part["content"] for part in parts)
    if len(content) > LONGEST_CONTENT:
        content = f"{content[: LONGEST_CONTENT // 2]}\n{content[-LONGEST_CONTENT // 2 :]}"
    return Memory(
        id=first["id"],
        tenant_id=first["tenant_id"],
        content=content,
        created_at=first["created_at"],
        importance=first["importance"],
        project=first["project"],
        session_id=first["session_id"],
        layer=first["layer"],
        source=first["source"],
        info_class=first["info_class"],
        tags=tuple(tag for tag in first["tags"] or () if tag is not None),
        metadata={"role": first["role"]} if first["role"] else {},
        rows=tuple(Source(part["id"], part["hash"]) for part in parts),
    )

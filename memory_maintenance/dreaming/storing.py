"""A reflection as the memories it is stored as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from memory_maintenance.dreaming.policy import SOURCE, STRATEGY_TAG, strategy_id, strategy_importance
from memory_maintenance.dreaming.reflecting import Reflection
from memory_maintenance.store.derived import DerivedMemory, free_id
from memory_maintenance.store.memory import Source
from memory_maintenance.store.pool import Executor


def reflection_memories(
    reflection: Reflection,
    *,
    tenant_id: str,
    project: str | None,
    session_id: str | None,
    subject: str,
    layer: str,
    ids: Sequence[UUID],
    sources: Sequence[Source],
    metadata: Mapping[str, Any],
    read: Sequence[UUID] = (),
    created_at: datetime | None = None,
) -> list[DerivedMemory]:
    """Return the memories that *reflection* is stored as: itself, and its strategy if it has one, with these *ids*.

    *subject* is what lineage calls it, *sources* are the rows that its evidence is in, *read* all that a model
    read; ``created_at`` None means now.
    """
    kept = {**reflection.metadata, **metadata, "confidence": reflection.confidence}
    texts = [(ids[0], reflection.text, reflection.importance, reflection.tags)]
    if reflection.strategy:
        tags = (*reflection.tags, STRATEGY_TAG)
        texts.append((ids[1], reflection.strategy, strategy_importance(reflection.importance), tags))
        kept |= {"reflection_id": str(ids[0]), "strategy_id": str(ids[1])}
    return [
        DerivedMemory(
            id=own_id,
            tenant_id=tenant_id,
            task="dreaming",
            subject=subject,
            content=text,
            source=SOURCE,
            importance=importance,
            layer=layer,
            tags=tags,
            project=project,
            session_id=session_id,
            metadata=kept,
            sources=tuple(sources),
            read=tuple(read),
            created_at=created_at,
        )
        for own_id, text, importance, tags in texts
    ]


async def free_ids(db: Executor, reflection: Reflection, wanted: UUID) -> list[UUID]:
    """Return the ids to store *reflection*, and its strategy if it has one, under: *wanted* unless that is taken."""
    own = await free_id(db, wanted)
    return [own, await free_id(db, strategy_id(own))] if reflection.strategy else [own]

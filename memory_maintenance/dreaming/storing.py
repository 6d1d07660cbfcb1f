"""A reflection as the memories it is stored as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from memory_maintenance.dreaming.policy import SOURCE, STRATEGY_TAG, strategy_id, strategy_importance
from memory_maintenance.dreaming.reflecting import Reflection
from memory_maintenance.store.derived import DerivedMemory


def reflection_memories(
    reflection: Reflection,
    *,
    tenant_id: str,
    project: str | None,
    session_id: str | None,
    layer: str,
    id: UUID,  # noqa: A002
    metadata: Mapping[str, Any],
) -> list[DerivedMemory]:
    """Return the memories that *reflection* is stored as: itself with *id*, and its strategy if it has one."""
    kept = {
        **reflection.metadata,
        **metadata,
        "confidence": reflection.confidence,
        "source_ids": list(map(str, reflection.sources)),
    }
    texts = [(id, reflection.text, reflection.importance, reflection.tags)]
    if reflection.strategy:
        tags = (*reflection.tags, STRATEGY_TAG)
        texts.append((strategy_id(id), reflection.strategy, strategy_importance(reflection.importance), tags))
        kept |= {"reflection_id": str(id), "strategy_id": str(strategy_id(id))}
    return [
        DerivedMemory(
            id=own_id,
            tenant_id=tenant_id,
            content=text,
            source=SOURCE,
            importance=importance,
            layer=layer,
            tags=tags,
            project=project,
            session_id=session_id,
            metadata=kept,
            sources=reflection.sources,
        )
        for own_id, text, importance, tags in texts
    ]

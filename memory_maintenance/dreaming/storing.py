"""A reflection as the memories it is stored as."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import NAMESPACE_OID, UUID, uuid5

from memory_maintenance.dreaming.context import ReflectionResult
from memory_maintenance.dreaming.policy import SOURCE, STRATEGY_TAG, strategy_id, strategy_importance
from memory_maintenance.store.derived import DerivedMemory


def as_uuid(event_id: str) -> UUID:
    """Return an event's id: a memory's own, or one made of whatever names the event."""
    try:
        return UUID(event_id)
    except ValueError:
        return uuid5(NAMESPACE_OID, event_id)


def reflection_memories(
    result: ReflectionResult,
    *,
    tenant_id: str,
    project: str | None,
    session_id: str | None,
    layer: str,
    id: UUID,  # noqa: A002
) -> list[DerivedMemory]:
    """Return the memories that *result* is stored as: the reflection with *id*, and its strategy if it has one."""
    sources = tuple(as_uuid(one) for one in result.source_event_ids)
    kept = {**result.metadata, "confidence": result.confidence, "source_ids": list(result.source_event_ids)}
    if result.error_category:
        kept["error_category"] = str(result.error_category)
    texts = [(id, result.reflection_text, result.importance, result.tags)]
    if result.strategy_text:
        tags = (*result.tags, STRATEGY_TAG)
        texts.append((strategy_id(id), result.strategy_text, strategy_importance(result.importance), tags))
        kept["reflection_id"] = str(id)
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
            sources=sources,
        )
        for own_id, text, importance, tags in texts
    ]


def stored_ids(memories: Sequence[DerivedMemory]) -> dict[str, str]:
    """Return the ids of ``reflection_memories`` as RAE does: ``strategy_id`` only where there is one."""
    names = ("reflection_id", "strategy_id")
    return {name: str(memory.id) for name, memory in zip(names, memories, strict=False)}

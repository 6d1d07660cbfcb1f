"""RAE's reflection engine: from events to a reflection, into the store and out of it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, cast
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from memory_maintenance.dreaming.policy import reflection_id
from memory_maintenance.dreaming.reflecting import Reflection, reflect
from memory_maintenance.dreaming.statements import OWN_SOURCES, QUERY, SPELLING, STORED
from memory_maintenance.dreaming.storing import free_ids, reflection_memories
from memory_maintenance.rae.context import Event, ReflectionContext, ReflectionResult
from memory_maintenance.rae.projects import chosen_project, chosen_query
from memory_maintenance.rae.returned import StoredReflection
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.classes import UNCLASSIFIED
from memory_maintenance.store.derived import (
    ids_after,
    insert_derived,
    lock,
    reflective_layer,
    text_hash,
)
from memory_maintenance.store.identity import DEFAULT_PROJECT
from memory_maintenance.store.memory import Memory, Source
from memory_maintenance.store.pool import Pool, fetch, fetch_row, fetch_value, from_json, json_object, transaction
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import load_tenant
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.model.asking import patient_model
from memory_maintenance.writers.model.question import LanguageModel


class ReflectionEngineV2:
    """Generates, stores and finds reflections.

    Args:
        pool: connections to the store.
        settings: unset, those of the environment.
        model: unset, the one that the settings name.
    """

    def __init__(self, pool: Pool, settings: Settings | None = None, model: LanguageModel | None = None) -> None:
        settings = settings or load_settings()
        self.tools = Tools(pool, settings, model or patient_model(settings, pool))

    async def generate_reflection(self, context: ReflectionContext) -> ReflectionResult | None:
        """Return a reflection on *context*, None where nothing recurs in it (written without a model).

        Raises:
            LanguageModelError: the model gave nothing that can be used; a retryable one may be asked again.
        """
        tenant = await load_tenant(self.tools.pool, context.tenant_id, self.tools.settings)
        failed = f"{context.error.error_category}: {context.error.error_message}" if context.error else None
        about = {
            "Task": context.task_description,
            "Goal": context.task_goal,
            "Outcome": str(context.outcome),
            "Error": failed,
        }
        memories = [_memory(event, context) for event in context.events]
        found = await fetch(self.tools.pool, OWN_SOURCES, context.tenant_id, [memory.id for memory in memories])
        own = {row["id"]: (Source(*row),) for row in found}
        memories = [replace(memory, rows=own.get(memory.id, ())) for memory in memories]
        reflection = await reflect(self.tools, tenant.settings, memories, about=about, attempt_group=str(uuid4()))
        return None if reflection is None else _result(reflection, context, memories)

    async def store_reflection(
        self,
        result: ReflectionResult,
        tenant_id: str,
        project_id: str | None = None,
        session_id: UUID | str | None = None,
        *,
        project: str | None = None,
    ) -> dict[str, str]:
        """Store a reflection and its strategy in one transaction; return their ids. Twice is once."""
        pool, project_id = self.tools.pool, chosen_project(project_id, project)
        own = (*result.source_event_ids, text_hash(result.reflection_text))
        wanted = uuid5(reflection_id(tenant_id, project_id or DEFAULT_PROJECT, ()), "\n".join(own))
        reflection = Reflection(
            text=result.reflection_text,
            sources=tuple(_as_uuid(one) for one in result.source_event_ids),
            strategy=result.strategy_text,
            importance=result.importance,
            confidence=result.confidence,
            tags=tuple(result.tags),
            metadata=result.metadata,
        )
        # Events need not be memories: they keep the names by which the caller knows them.
        metadata: dict[str, Any] = {"source_ids": list(result.source_event_ids)}
        if result.error_category:
            metadata["error_category"] = str(result.error_category)
        layer = reflective_layer(await fetch_value(pool, SPELLING, tenant_id))
        async with transaction(pool) as db:
            await lock(db, wanted)
            stored = await fetch_row(db, STORED, tenant_id, list(islice(ids_after(wanted), 3)))
            if stored:
                return _named(stored["id"], json_object(stored["metadata"]).get("strategy_id"))
            memories = reflection_memories(
                reflection,
                tenant_id=tenant_id,
                project=project_id,
                session_id=None if session_id is None else str(session_id),
                subject=project_id or DEFAULT_PROJECT,
                layer=layer,
                ids=await free_ids(db, reflection, wanted),
                sources=[Source(*row) for row in await fetch(db, OWN_SOURCES, tenant_id, list(reflection.sources))],
                metadata=metadata,
            )
            for memory in memories:
                await insert_derived(db, memory)
        return _named(*(memory.id for memory in memories))

    async def query_reflections(
        self,
        tenant_id: str,
        project_id: str | None = None,
        query_text: str | None = None,
        k: int = 5,
        min_importance: float = 0.5,
        tags: Sequence[str] | None = None,
        *,
        project: str | None = None,
        query: str | None = None,
    ) -> list[StoredReflection]:
        """Return up to *k* reflections and strategies of a project: by full-text rank, else the latest first.

        ``project`` and ``query`` are RAE's newer names of ``project_id`` and ``query_text``.
        """
        wanted = list(tags) if tags else None
        name = chosen_project(project_id, project)
        text = chosen_query(query_text, query)
        words = clean(text) if text else None
        chosen = (DEFAULT_PROJECT if name is None else name, words or None, min_importance, wanted, k)
        rows = await fetch(self.tools.pool, QUERY, tenant_id, *chosen)
        return [cast(StoredReflection, dict(row) | {"metadata": from_json(row["metadata"])}) for row in rows]


def _named(*ids: object) -> dict[str, str]:
    return {name: str(one) for name, one in zip(("reflection_id", "strategy_id"), ids, strict=False) if one}


def _as_uuid(event_id: str) -> UUID:
    """Return an event's id: a memory's own, or one made of whatever names the event."""
    try:
        return UUID(event_id)
    except ValueError:
        return uuid5(NAMESPACE_OID, event_id)


def _memory(event: Event, context: ReflectionContext) -> Memory:
    importance = event.metadata.get("importance")
    step = "" if event.tool_name is None else f"{event.event_type}, {event.tool_name}: "
    error = f" (error: {_said(event.error)})" if event.error else ""
    return Memory(
        id=_as_uuid(event.event_id),
        tenant_id=context.tenant_id,
        content=f"{step}{event.content}{error}",
        created_at=event.timestamp,
        importance=float(importance) if isinstance(importance, int | float) else 0.5,
        project=context.project,
        session_id=event.metadata.get("session_id"),
        info_class=str(event.metadata.get("info_class") or UNCLASSIFIED).lower(),
    )


def _said(error: Mapping[str, Any]) -> str:
    """Return what an event's error says: its message or type, or all of it where it has neither."""
    named = error.get("message") or error.get("type")
    return str(named) if named else ", ".join(f"{name}: {value}" for name, value in error.items())


def _result(reflection: Reflection, context: ReflectionContext, memories: Sequence[Memory]) -> ReflectionResult:
    event_ids = {str(memory.id): event.event_id for memory, event in zip(memories, context.events, strict=True)}
    metadata = {**reflection.metadata, "outcome": str(context.outcome), "event_count": len(context.events)}
    if "themes" in metadata:
        metadata["themes"] = [
            theme | {"sources": [event_ids[one] for one in theme["sources"]]} for theme in metadata["themes"]
        ]
    return ReflectionResult(
        reflection_text=reflection.text,
        strategy_text=reflection.strategy,
        importance=reflection.importance,
        confidence=reflection.confidence,
        tags=list(reflection.tags),
        error_category=context.error.error_category if context.error else None,
        source_event_ids=[event_ids[str(one)] for one in reflection.sources],
        related_memory_ids=context.related_memory_ids,
        metadata=metadata,
    )

"""RAE's reflection engine: from events to a reflection, into the store and out of it again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

import structlog

from memory_maintenance.dreaming.context import Event, OutcomeType, ReflectionContext, ReflectionResult
from memory_maintenance.dreaming.policy import kept_tags, reflection_id
from memory_maintenance.dreaming.prompt import (
    MEMORY_CHARACTERS,
    SYSTEM,
    VERSION,
    ReflectionAnswer,
    reflection_question,
)
from memory_maintenance.dreaming.statements import QUERY, SPELLING
from memory_maintenance.dreaming.storing import as_uuid, reflection_memories, stored_ids
from memory_maintenance.dreaming.themes import Theme, recurring_themes
from memory_maintenance.errors import ContextTooLongError, ModelUnavailableError
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.derived import (
    DEFAULT_PROJECT,
    insert_derived,
    reflective_layer,
    text_hash,
)
from memory_maintenance.store.memory import Memory
from memory_maintenance.store.pool import Pool, fetch, fetch_value, transaction
from memory_maintenance.tenants.control import control_of
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.model.backend import backend_of, own_model
from memory_maintenance.writers.model.context import SCHEMA_TOKENS, estimated_tokens, room
from memory_maintenance.writers.model.question import Answer, LanguageModel, Question
from memory_maintenance.writers.model.untrusted import as_dated_line

logger = structlog.get_logger(__name__)

_SMALLEST_ROOM: Final = 128
_THEMES: Final = 3
"""Most themes that one reflection without a model tells of."""


class ReflectionEngineV2:
    """Generates, stores and finds reflections."""

    def __init__(self, pool: Pool, settings: Settings | None = None, model: LanguageModel | None = None) -> None:
        """Prepare the engine: None means the settings of the environment, and the model that they name."""
        self._pool = pool
        self._settings = settings or load_settings()
        self._model = model

    async def generate_reflection(
        self, context: ReflectionContext, *, asked_in: str | None = None
    ) -> ReflectionResult | None:
        """Return a reflection on *context*, None where nothing recurs in it (written without a model).

        Args:
            context: what to reflect upon.
            asked_in: the round that bad answers are counted in; None: this call alone.

        Raises:
            LanguageModelError: the model gave nothing that can be used; a retryable one may be asked again.
        """
        backend = backend_of(self._settings, (await control_of(self._pool, context.tenant_id)).overrides)
        if backend == "none":
            raise ModelUnavailableError("llm_not_configured", "RAE_LLM_BACKEND is none: nobody writes reflections")
        if backend == "extractive":
            return await _without_model(context)
        return _from_answer(context, await self._answer(context, asked_in or str(uuid4())))

    async def _answer(self, context: ReflectionContext, asked_in: str) -> Answer[ReflectionAnswer]:
        # Opened at the first question: an engine that only stores and finds needs none.
        self._model = self._model or own_model(self._settings, self._pool)
        most_tokens = self._room()
        while True:
            try:
                return await self._model.ask(_question(context, most_tokens, asked_in))
            except ContextTooLongError:
                most_tokens //= 2
                if most_tokens < _SMALLEST_ROOM:
                    raise

    def most_tokens(self, context: ReflectionContext) -> tuple[int, int]:
        """Return the tokens that a model reads and writes for a reflection on *context* at most, asked once."""
        question = _question(context, self._room(), "")
        return estimated_tokens(question.system + question.prompt) + SCHEMA_TOKENS, self._settings.model_answer_tokens

    def _room(self) -> int:
        return room(self._settings.model_context_tokens, self._settings.model_answer_tokens, SYSTEM)

    async def store_reflection(
        self,
        result: ReflectionResult,
        tenant_id: str,
        project_id: str | None,
        session_id: UUID | str | None = None,
    ) -> dict[str, str]:
        """Store a reflection and its strategy in one transaction; return their ids. Twice is once."""
        own = (*result.source_event_ids, text_hash(result.reflection_text))
        memories = reflection_memories(
            result,
            tenant_id=tenant_id,
            project=project_id,
            session_id=None if session_id is None else str(session_id),
            layer=reflective_layer(await fetch_value(self._pool, SPELLING, tenant_id)),
            id=uuid5(reflection_id(tenant_id, project_id or DEFAULT_PROJECT, ()), "\n".join(own)),
        )
        async with transaction(self._pool) as db:
            for memory in memories:
                await insert_derived(db, memory)
        return stored_ids(memories)

    async def query_reflections(
        self,
        tenant_id: str,
        project_id: str | None,
        query_text: str | None = None,
        k: int = 5,
        min_importance: float = 0.5,
        tags: Sequence[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Return up to *k* reflections and strategies of a project: by full-text rank, else the latest first."""
        wanted = None if tags is None else list(tags)
        project = DEFAULT_PROJECT if project_id is None else project_id
        words = clean(query_text) if query_text else None
        rows = await fetch(self._pool, QUERY, tenant_id, project, words or None, min_importance, wanted, k)
        return [dict(row) for row in rows]


def _question(context: ReflectionContext, most_tokens: int, asked_in: str) -> Question[ReflectionAnswer]:
    return reflection_question(
        context.tenant_id,
        [_told(event) for event in context.events],
        about=_about(context),
        most_tokens=most_tokens,
        asked_in=asked_in,
    )


def _told(event: Event) -> str:
    step = "" if event.tool_name is None else f"{event.event_type}, {event.tool_name}: "
    error = "" if event.error is None else f" (error: {event.error.get('message') or event.error.get('type') or ''})"
    content = as_dated_line(event.content, MEMORY_CHARACTERS, event.timestamp)
    return f"{event.timestamp.date().isoformat()} {step}{content}{error}"


def _about(context: ReflectionContext) -> dict[str, str | None]:
    failed = f"{context.error.error_category}: {context.error.error_message}" if context.error else None
    return {
        "Task": context.task_description,
        "Goal": context.task_goal,
        "Outcome": context.outcome,
        "Error": failed,
    }


def _from_answer(context: ReflectionContext, answer: Answer[ReflectionAnswer]) -> ReflectionResult:
    value = answer.value
    return ReflectionResult(
        reflection_text=clean(value.reflection),
        strategy_text=clean(value.strategy or "") or None,
        importance=value.importance,
        confidence=value.confidence,
        tags=kept_tags(value.tags),
        error_category=context.error.error_category if context.error else None,
        source_event_ids=tuple(context.events[number - 1].event_id for number in value.evidence),
        related_memory_ids=context.related_memory_ids,
        metadata={
            **_origin(context),
            "backend": "openai",
            "model": answer.model,
            "prompt_version": VERSION,
            "question": answer.question,
            "quality": dict(answer.figures),
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
        },
    )


async def _without_model(context: ReflectionContext) -> ReflectionResult | None:
    """Return what recurs in the events, concluding nothing: there is no strategy."""
    memories = [_memory(event, context) for event in context.events]
    themes = (await asyncio.to_thread(recurring_themes, memories))[:_THEMES]
    if not themes:
        return None
    event_ids = {memory.id: event.event_id for memory, event in zip(memories, context.events, strict=True)}
    support = dict.fromkeys(event_ids[one] for theme in themes for one in theme.support)
    return ReflectionResult(
        reflection_text=clean("\n".join(theme.text for theme in themes)),
        importance=themes[0].importance,
        confidence=themes[0].confidence,
        tags=kept_tags([tag for theme in themes for tag in theme.tags]),
        error_category=context.error.error_category if context.error else None,
        source_event_ids=tuple(support),
        related_memory_ids=context.related_memory_ids,
        metadata={**_origin(context), "backend": "extractive", "themes": _named(themes, event_ids)},
    )


def _named(themes: Iterable[Theme], event_ids: dict[UUID, str]) -> list[dict[str, Any]]:
    return [{"name": theme.name, "sources": [event_ids[one] for one in theme.support]} for theme in themes]


def _memory(event: Event, context: ReflectionContext) -> Memory:
    importance = event.metadata.get("importance")
    return Memory(
        id=as_uuid(event.event_id),
        tenant_id=context.tenant_id,
        content=event.content,
        created_at=event.timestamp,
        importance=float(importance) if isinstance(importance, int | float) else 0.5,
        project=context.project,
    )


def _origin(context: ReflectionContext) -> dict[str, Any]:
    return {"outcome": str(OutcomeType(context.outcome)), "event_count": len(context.events)}

"""A reflection on some memories: by a model, or what recurs in them without one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from memory_maintenance.dreaming.policy import kept_tags
from memory_maintenance.dreaming.prompt import (
    MEMORY_CHARACTERS,
    SYSTEM,
    VERSION,
    ReflectionAnswer,
    reflection_question,
)
from memory_maintenance.dreaming.themes import Theme, recurring_themes
from memory_maintenance.errors import AnswersExhaustedError, ContextTooLongError, ModelUnavailableError
from memory_maintenance.settings import Settings
from memory_maintenance.store.classes import is_excluded
from memory_maintenance.store.memory import Memory, rows_of
from memory_maintenance.task import Tools
from memory_maintenance.writers.extractive.payloads import payload_text
from memory_maintenance.writers.extractive.rarity import Background
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.relative_dates import with_dates
from memory_maintenance.writers.model.backend import Backend, backend_of
from memory_maintenance.writers.model.context import SCHEMA_TOKENS, estimated_tokens, room
from memory_maintenance.writers.model.quality import extractive_fault, measure
from memory_maintenance.writers.model.question import Answer, Question
from memory_maintenance.writers.model.untrusted import as_dated_line

_SMALLEST_ROOM: Final = 128
_THEMES: Final = 3
"""The most themes that one dream writes without a model."""


@dataclass(frozen=True, slots=True)
class Reflection:
    """A reflection, perhaps with a strategy, and the memories that support it."""

    text: str
    sources: tuple[UUID, ...]
    strategy: str | None = None
    importance: float = 0.5
    """In [0, 1], as ``confidence``."""
    confidence: float = 0.5
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Who wrote it and what it took."""
    keys: frozenset[str] = frozenset()
    """What its theme is about, whatever its wording; empty where it has none."""


async def reflect(
    tools: Tools,
    settings: Settings,
    memories: Sequence[Memory],
    *,
    about: Mapping[str, str | None],
    attempt_group: str,
) -> Reflection | None:
    """Return a reflection on *memories*, None where nothing recurs in them (written without a model).

    Args:
        tools: with the model, if one is configured.
        settings: those that hold for the tenant.
        memories: of one tenant, at least one; in the order of their numbers.
        about: what the prompt says besides (task, goal, outcome, error); None ones are left out.
        attempt_group: what bad answers are counted by.

    Raises:
        LanguageModelError: the model gave nothing that can be used; a retryable one may be asked again.
    """
    backend = backend_for(settings, memories)
    if backend == "none":
        raise ModelUnavailableError("llm_not_configured", "RAE_LLM_BACKEND is none: nothing writes reflections")
    if backend == "extractive":
        return await _without_model(memories)
    most_tokens, read = _room(settings), rows_of(memories)
    while True:
        try:
            question = _question(memories, about, most_tokens, attempt_group)
            asked = replace(question, model=settings.model_of_dreams, memories=read)
            answer = await tools.asked_model.ask(asked)
        except ContextTooLongError:
            most_tokens //= 2
            if most_tokens < _SMALLEST_ROOM:
                raise
        else:
            return _from_answer(memories, answer)


async def reflections_on(
    tools: Tools,
    settings: Settings,
    sample: Sequence[Memory],
    evidence: Sequence[Memory],
    *,
    about: Mapping[str, str | None],
    background: Background,
    attempt_group: str,
) -> tuple[Reflection, ...]:
    """Return what recurs up to a *sample*: each theme a reflection, or a model's one about the sample.

    Args:
        tools: as of ``reflect``.
        settings: as of ``reflect``.
        sample: what a model is given; a theme is written only if it has a memory of it.
        evidence: the memories that may support a theme; includes the sample.
        about: as of ``reflect``.
        background: what the tenant's sessions speak of.
        attempt_group: as of ``reflect``.

    Raises:
        AnswersExhaustedError: no theme is fit to be stored; the same memories would give the same ones.
        LanguageModelError: as ``reflect``.
    """
    window = timedelta(days=settings.dreaming_theme_window_days)
    themes = await asyncio.to_thread(recurring_themes, evidence, background=background, window=window)
    if backend_for(settings, sample) == "extractive":
        new = {memory.id for memory in sample}
        touched = [theme for theme in themes if new.intersection(theme.support)]
        return tuple(map(_from_theme, await asyncio.to_thread(_fit_themes, evidence, touched)))
    reflection = await reflect(tools, settings, sample, about=about, attempt_group=attempt_group)
    return () if reflection is None else (_on_its_theme(reflection, themes),)


def _on_its_theme(reflection: Reflection, themes: Sequence[Theme]) -> Reflection:
    """Return a model's *reflection* as being on the theme that most of its evidence speaks of, if there is one."""
    about = set(reflection.sources)
    nearest = max(themes, key=lambda theme: len(about.intersection(theme.support)), default=None)
    if nearest is None or 2 * len(about.intersection(nearest.support)) < len(about):
        return reflection
    return replace(reflection, keys=nearest.keys, metadata={**reflection.metadata, "themes": [_named(nearest)]})


def _from_theme(theme: Theme) -> Reflection:
    return Reflection(
        text=clean(theme.text),
        sources=theme.support,
        importance=theme.importance,
        confidence=theme.confidence,
        tags=kept_tags(theme.tags),
        metadata={"backend": "extractive", "themes": [_named(theme)]},
        keys=theme.keys,
    )


def _named(theme: Theme) -> dict[str, Any]:
    return {"name": theme.name, "keys": sorted(theme.keys)}


def backend_for(settings: Settings, memories: Sequence[Memory]) -> Backend:
    """Return who reflects on *memories*: no model where one of them is of a class that no model is sent."""
    backend, excluded = backend_of(settings), settings.model_excluded_classes
    withheld = backend == "openai" and any(is_excluded(memory.info_class, excluded) for memory in memories)
    return "extractive" if withheld else backend


def most_tokens_of(settings: Settings, memories: Sequence[Memory], about: Mapping[str, str | None]) -> tuple[int, int]:
    """Return the tokens that a model reads and writes for a reflection on *memories* at most, asked once."""
    question = _question(memories, about, _room(settings), "")
    return estimated_tokens(question.system + question.prompt) + SCHEMA_TOKENS, settings.model_answer_tokens


def _room(settings: Settings) -> int:
    return room(settings.model_context_tokens, settings.model_answer_tokens, SYSTEM)


def _question(
    memories: Sequence[Memory], about: Mapping[str, str | None], most_tokens: int, attempt_group: str
) -> Question[ReflectionAnswer]:
    lines = [
        f"{memory.created_at.date().isoformat()} {as_dated_line(memory.content, MEMORY_CHARACTERS, memory.created_at)}"
        for memory in memories
    ]
    return reflection_question(
        memories[0].tenant_id, lines, about=dict(about), most_tokens=most_tokens, asked_in=attempt_group
    )


def _from_answer(memories: Sequence[Memory], answer: Answer[ReflectionAnswer]) -> Reflection:
    value = answer.value
    return Reflection(
        text=clean(value.reflection),
        sources=tuple(memories[number - 1].id for number in value.evidence),
        strategy=clean(value.strategy or "") or None,
        importance=value.importance,
        confidence=value.confidence,
        tags=kept_tags(value.tags),
        metadata={
            "backend": "openai",
            "model": answer.model,
            "prompt_version": VERSION,
            "question": answer.question,
            "quality": dict(answer.figures),
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
        },
    )


async def _without_model(memories: Sequence[Memory]) -> Reflection | None:
    """Return what recurs in *memories*, concluding nothing: there is no strategy.

    Raises:
        AnswersExhaustedError: no theme is fit to be stored; the same memories would give the same ones.
    """
    themes = await asyncio.to_thread(lambda: _fit_themes(memories, recurring_themes(memories)))
    if not themes:
        return None
    named = [{"name": theme.name, "sources": list(map(str, theme.support))} for theme in themes]
    return Reflection(
        text=clean("\n".join(theme.text for theme in themes)),
        sources=tuple(dict.fromkeys(one for theme in themes for one in theme.support)),
        importance=themes[0].importance,
        confidence=themes[0].confidence,
        tags=kept_tags([tag for theme in themes for tag in theme.tags]),
        metadata={"backend": "extractive", "themes": named},
    )


def most_telling_theme(memories: Sequence[Memory], window: timedelta) -> Reflection | None:
    """Return the strongest theme of *memories*, oldest first, that is fit to be stored, written without a model."""
    try:
        fit = _fit_themes(memories, recurring_themes(memories, window=window))
    except AnswersExhaustedError:
        return None
    return _from_theme(fit[0]) if fit else None


def _fit_themes(memories: Sequence[Memory], themes: Sequence[Theme]) -> list[Theme]:
    """Return the first of *themes* in *memories* that pass the measures of a model's answer.

    Raises:
        AnswersExhaustedError: none does; the same memories would give the same ones.
    """
    supporting = {one for theme in themes for one in theme.support}
    sources = [
        f"{one.created_at.date().isoformat()} {one.metadata.get('role', '')} {with_dates(text, one.created_at)}"
        for one in memories
        if one.id in supporting
        for text in dict.fromkeys((one.content, payload_text(clean(one.content))))
    ]
    faults = [extractive_fault(measure(theme.text, sources=sources, prompt="", topics=None)) for theme in themes]
    fit = [theme for theme, fault in zip(themes, faults, strict=True) if fault is None]
    if not fit and (reason := next(iter(faults), None)):
        raise AnswersExhaustedError(reason, f"what recurs in these memories is not fit to be stored: {reason}")
    return fit[:_THEMES]

"""What is asked of a language model and what comes back: the one protocol the subjects know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from memory_maintenance.store.memory import Source

_BETWEEN: Final = re.compile(r"[,;、，؛،\n]")

Purpose = Literal["summary", "summary_chunk", "reflection", "embedding"]


class ModelAnswer(BaseModel):
    """The shape of an answer: what the endpoint is made to return, and what quality is measured on."""

    def prose(self) -> str | None:
        """Return the sentences a person would read; None where there are none, and no quality to measure."""
        raise NotImplementedError

    def labels(self) -> Sequence[str]:
        """Return topics or tags; fewer than two different ones speak against the answer."""
        raise NotImplementedError


def listed(value: Any) -> Any:
    """Return topics given as one text, ``"a, b"`` or ``"['a', 'b']"``, as a list; anything else as it is."""
    if not isinstance(value, str):
        return value
    return [topic for part in _BETWEEN.split(value.strip("[]")) if (topic := part.strip(" '\"-*•"))]


AnswerT = TypeVar("AnswerT", bound=ModelAnswer)


@dataclass(frozen=True, slots=True)
class Question(Generic[AnswerT]):
    """One question; equal questions (same purpose, tenant, model, prompt and text) share one answer."""

    purpose: Purpose
    tenant_id: str
    prompt_version: str
    system: str
    prompt: str
    answer_type: type[AnswerT]
    sources: Sequence[str]
    """Texts that everything in the answer must stand in."""
    attempt_group: str
    """The cycle (or single call) this is asked in: the permitted bad answers are counted per round."""
    model: str | None = None
    """The model to ask, by its name at the endpoint; None: RAE_LLM_MODEL_DEFAULT."""
    memories: Sequence[Source] = ()
    """The rows that an answer may repeat: when one of them is gone or edited, the answer's text goes, too."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[AnswerT]):
    """An answer that passed every check, with what it cost; ``reused`` when it had been paid before."""

    value: AnswerT
    model: str
    question: str
    """The question's key in the ledger."""
    attempt: int
    input_tokens: int
    output_tokens: int
    reused: bool
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What was measured of it (see ``quality.QualityFigures``); empty where there was nothing to measure."""


class LanguageModel(Protocol):
    """Whoever answers questions."""

    async def ask(self, question: Question[AnswerT]) -> Answer[AnswerT]:
        """Return an answer fit to be stored.

        Raises:
            LanguageModelError: see ``errors.py``; the retryable ones may be asked again after ``retry_after``.
        """
        ...

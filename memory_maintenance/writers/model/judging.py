"""Whether an answer is fit to be stored: complete, in the asked shape, and of some quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic

from pydantic import ValidationError

from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.model.completion import Completion
from memory_maintenance.writers.model.quality import (
    DEFAULT,
    QualityFigures,
    QualityThresholds,
    measure,
    refusal,
)
from memory_maintenance.writers.model.question import AnswerT, Question
from memory_maintenance.writers.model.unwrapping import unwrapped

_UNUSABLE_ENDS: Final = {"length": "truncated", "content_filter": "filtered"}


@dataclass(frozen=True, slots=True)
class Verdict(Generic[AnswerT]):
    """Either the value of an answer or the reason why it has none, and what was measured of it."""

    value: AnswerT | None
    reason: str | None = None
    figures: QualityFigures | None = None


def judge(
    completion: Completion, question: Question[AnswerT], thresholds: QualityThresholds = DEFAULT
) -> Verdict[AnswerT]:
    """Return what *completion* is worth as an answer to *question*. Pure: the same answer is always worth the same."""
    if reason := _without_reading(completion):
        return Verdict(None, reason)
    value = read_answer(completion.content, question.answer_type)
    if value is None:
        return Verdict(None, "off_schema")
    figures = figures_of(value, question, completion.finish_reason)
    reason = refusal(figures, thresholds) if figures else None
    return Verdict(None if reason else value, reason, figures)


def figures_of(value: AnswerT, question: Question[AnswerT], finish_reason: str | None) -> QualityFigures | None:
    """Return what is measured of an answer; None where it holds no sentences."""
    prose = value.prose()
    if prose is None:
        return None
    return measure(
        prose,
        sources=question.sources,
        prompt=question.system,
        topics=value.labels(),
        finish_reason=finish_reason or "stop",
    )


def _without_reading(completion: Completion) -> str | None:
    if completion.refused:
        return "model_refused"
    if completion.finish_reason in _UNUSABLE_ENDS:
        return _UNUSABLE_ENDS[completion.finish_reason]
    return None if completion.content.strip() else "empty"


def read_answer(content: str, answer_type: type[AnswerT]) -> AnswerT | None:
    """Return the answer that *content* holds, its texts cleaned; None where it is something else."""
    try:
        return answer_type.model_validate(_cleaned(unwrapped(content, answer_type)))
    except (ValidationError, ValueError, ArithmeticError, RecursionError):  # as of a whole number of 400 digits
        return None


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case list():
            return [_cleaned(part) for part in value]
        case dict():
            return {key: _cleaned(part) for key, part in value.items()}
    return value

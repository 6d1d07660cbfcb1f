"""A language model that behaves: it answers from the sources it is given, and fails as often as it is told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from memory_maintenance.errors import LanguageModelError
from memory_maintenance.writers.model.question import Answer, AnswerT, LanguageModel, Question


def answer_to(question: Question[Any]) -> dict[str, Any]:
    """Return an honest answer: the sources' own words."""
    told = " ".join(source[:60].strip() for source in (question.sources[0], question.sources[-1]))
    if question.purpose == "reflection":
        return {
            "reflection": told,
            "strategy": "Ask Mara before the courier leaves.",
            "importance": 8,
            "confidence": 7,
            "tags": ["courier", "orders"],
            "evidence": [1, 2],
        }
    return {"summary": told, "key_topics": ["courier", "orders"], "sentiment": "neutral"}


@dataclass
class FakeModel:
    """Fails with *error* the first *failures* times (for ever where None), then answers."""

    error: LanguageModelError | None = None
    failures: int | None = None
    reply: Callable[[Question[Any]], dict[str, Any]] = answer_to
    most_characters: int | None = None
    too_long: LanguageModelError | None = None
    questions: list[Question[Any]] = field(default_factory=list)

    async def ask(self, question: Question[AnswerT]) -> Answer[AnswerT]:
        self.questions.append(question)
        if self.error and (self.failures is None or len(self.questions) <= self.failures):
            raise self.error
        if self.too_long and self.most_characters and len(question.prompt) > self.most_characters:
            raise self.too_long
        value = question.answer_type.model_validate(self.reply(question))
        return Answer(
            value=value,
            model="fake",
            question=f"question-{len(self.questions)}",
            attempt=1,
            input_tokens=len(question.prompt) // 4,
            output_tokens=10,
            reused=False,
        )


_: LanguageModel = FakeModel()

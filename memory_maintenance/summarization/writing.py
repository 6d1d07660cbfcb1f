"""Writing a summary: with a model, by chosen sentences, or RAE's fallback."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from memory_maintenance.errors import ContextTooLongError, QuestionRefusedError
from memory_maintenance.store.memory import Memory, Source
from memory_maintenance.summarization.extractive import extractive_summary
from memory_maintenance.summarization.policy import chunks, fallback_text
from memory_maintenance.summarization.prompt import (
    MERGE_SYSTEM,
    SESSION_SYSTEM,
    SessionSummaryResponse,
    event_lines,
    merge_question,
    session_question,
)
from memory_maintenance.writers.extractive.payloads import payload_text
from memory_maintenance.writers.extractive.phrases import without_counts
from memory_maintenance.writers.extractive.rarity import NO_BACKGROUND, Background
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.relative_dates import with_dates
from memory_maintenance.writers.model.backend import Backend
from memory_maintenance.writers.model.context import room
from memory_maintenance.writers.model.openai_errors import FILTERED
from memory_maintenance.writers.model.quality import QualityFigures, extractive_fault, measure
from memory_maintenance.writers.model.question import Answer, LanguageModel, Question
from memory_maintenance.writers.model.untrusted import as_line

_LETTER: Final = re.compile(r"[^\W\d_]")
"""A text without one is of dates and signs only."""

_SMALLEST_ROOM: Final = 128
"""Tokens below which making chunks smaller cannot be what helps."""

_MOST_REFUSED: Final = 24
"""Questions of a session that a content filter may refuse before the search for the events it means is given up."""


@dataclass(frozen=True, slots=True)
class Written:
    """A summary's text and where it comes from; tokens are what its answers cost, whenever they were paid.

    ``left_out`` are events that the endpoint's content filter refuses: the text does without them.
    ``refused`` is why the extractive writer's own text is not this one.
    """

    text: str
    backend: Backend
    fallback: bool = False
    model: str | None = None
    prompt_version: str | None = None
    question: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    left_out: tuple[UUID, ...] = ()
    quality: Mapping[str, Any] = field(default_factory=dict)
    refused: str | None = None


async def extracted(
    events: Sequence[Memory], *, fallback: bool = False, background: Background = NO_BACKGROUND
) -> Written:
    """Return the extractive summary of *events*, computed beside the event loop.

    It passes the measures of a model's answer, all but copying: see ``extractive_fault``. A text that does not is
    not returned but RAE's fallback, with the reason in ``refused``: the same events would give the same text again.
    """
    response, figures = await asyncio.to_thread(_measured_summary, events, background)
    if reason := extractive_fault(figures):
        return replace(quoted(events), refused=reason)
    return Written(clean(response.as_text()), "extractive", fallback, quality=figures.rounded())


def _measured_summary(
    events: Sequence[Memory], background: Background
) -> tuple[SessionSummaryResponse, QualityFigures]:
    response = extractive_summary(events, background=background)
    sources = [
        f"{event.created_at.date().isoformat()} {event.metadata.get('role', '')} {with_dates(text, event.created_at)}"
        for event in events
        # Escapes of JSON and HTML are read by the writer, and no words by themselves.
        for text in dict.fromkeys((event.content, payload_text(clean(event.content))))
    ]
    said = without_counts(response.summary)
    figures = measure(said, sources=sources, prompt="", topics=response.key_topics)
    return response, figures if _LETTER.search(said) else figures.model_copy(update={"words": 0})


def quoted(events: Sequence[Memory]) -> Written:
    """Return RAE's fallback for *events*."""
    return Written(fallback_text(events), "none", fallback=True)


@dataclass(frozen=True, slots=True)
class _Line:
    """An event as the model reads it."""

    event_id: UUID
    text: str


@dataclass(slots=True)
class ModelWriter:
    """Writes one session's summary with a model, in as many questions as its context makes necessary."""

    model: LanguageModel
    name: str
    """Of the model that is asked."""
    context_tokens: int
    answer_tokens: int
    tenant_id: str
    asked_in: str
    read: Sequence[Source] = ()
    """The rows of the session, those that the stored summary tells of too: an answer may repeat any of them."""
    _input_tokens: int = field(default=0, init=False)
    _output_tokens: int = field(default=0, init=False)
    _left_out: list[UUID] = field(default_factory=list, init=False)
    _refused: int = field(default=0, init=False)

    async def write(self, events: Sequence[Memory], earlier: str | None = None) -> Written:
        """Return the summary of *events*, which come after what *earlier* sums up.

        Raises:
            LanguageModelError: what the model raises; ContextTooLongError only where no smaller chunk helps,
                QuestionRefusedError only where leaving some events out does not.
        """
        system = max(SESSION_SYSTEM, MERGE_SYSTEM, key=len)
        most_tokens = room(self.context_tokens, self.answer_tokens, system, earlier or "")
        while True:
            self._left_out.clear()
            try:
                return await self._summary(events, earlier, most_tokens)
            except ContextTooLongError:
                most_tokens //= 2
                if most_tokens < _SMALLEST_ROOM:
                    raise

    async def _summary(self, events: Sequence[Memory], earlier: str | None, most_tokens: int) -> Written:
        # The room in characters too: an event in a script of one token a character then fits.
        runs = chunks(event_lines(events, most_tokens), most_tokens)
        ids = iter([event.id for event in events])
        parts: list[Sequence[_Line]] = [[_Line(next(ids), text) for text in run] for run in runs]
        if len(parts) == 1:
            question = session_question(self.tenant_id, runs[0], asked_in=self.asked_in, earlier=earlier)
            try:
                return self._written(await self._ask(question), question)
            except QuestionRefusedError as error:
                parts = self._halves(parts[0], error)
        summaries = [summary for part in parts for summary in await self._summaries_of(part)]
        if not summaries:
            raise QuestionRefusedError(FILTERED, "the endpoint's content filter refuses every event")
        return await self._merged([earlier, *summaries] if earlier else summaries, most_tokens)

    async def _summaries_of(self, part: Sequence[_Line]) -> list[str]:
        """Return the summary of a part; where a filter refuses it, those of its halves, without what stays refused."""
        question = session_question(self.tenant_id, [line.text for line in part], asked_in=self.asked_in, part=True)
        try:
            return [await self._part(question)]
        except QuestionRefusedError as error:
            halves = self._halves(part, error)
        return [summary for half in halves for summary in await self._summaries_of(half)]

    def _halves(self, part: Sequence[_Line], error: QuestionRefusedError) -> list[Sequence[_Line]]:
        """Return the halves of a refused part; none of a single event, which is left out."""
        self._refused += 1
        if error.reason != FILTERED or self._refused > _MOST_REFUSED:
            raise error
        if len(part) == 1:
            self._left_out.append(part[0].event_id)
            return []
        middle = len(part) // 2
        return [part[:middle], part[middle:]]

    async def _merged(self, parts: Sequence[str], most_tokens: int) -> Written:
        while len(runs := _runs(parts, most_tokens)) > 1:
            parts = [await self._joined(run) for run in runs]
        question = merge_question(self.tenant_id, runs[0], asked_in=self.asked_in)
        return self._written(await self._ask(question), question)

    async def _joined(self, run: Sequence[str]) -> str:
        if len(run) == 1:
            return run[0]
        return await self._part(merge_question(self.tenant_id, run, asked_in=self.asked_in, part=True))

    async def _part(self, question: Question[SessionSummaryResponse]) -> str:
        return (await self._ask(question)).value.summary

    async def _ask(self, question: Question[SessionSummaryResponse]) -> Answer[SessionSummaryResponse]:
        answer = await self.model.ask(replace(question, model=self.name, memories=self.read))
        self._input_tokens += answer.input_tokens
        self._output_tokens += answer.output_tokens
        return answer

    def _written(self, answer: Answer[SessionSummaryResponse], question: Question[SessionSummaryResponse]) -> Written:
        return Written(
            text=clean(answer.value.as_text()),
            backend="openai",
            model=answer.model,
            prompt_version=question.prompt_version,
            question=answer.question,
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            left_out=tuple(self._left_out),
            quality=answer.figures,
        )


def _runs(parts: Sequence[str], most_tokens: int) -> list[list[str]]:
    # Two to a run at least, so that every round nearly halves their number.
    return chunks([as_line(part, most_tokens // 2) for part in parts], most_tokens, at_least=2)

"""What summarizing everything that is due takes at most, known before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from memory_maintenance.settings import Settings
from memory_maintenance.store.memory import Memory
from memory_maintenance.store.pool import Executor, fetch
from memory_maintenance.summarization.due import due_arguments
from memory_maintenance.summarization.due_statements import DUE_SIZES
from memory_maintenance.summarization.policy import DueRule
from memory_maintenance.summarization.prompt import EVENT_CHARACTERS, SESSION_SYSTEM, SessionSummaryResponse
from memory_maintenance.writers.model.budget import prices
from memory_maintenance.writers.model.context import estimated_tokens, room, tokens_of_bytes

_DATE: Final = len("2026-03-12 ")
"""Bytes that an event's line has besides its content."""

_FRAME: Final = estimated_tokens(SESSION_SYSTEM + str(SessionSummaryResponse.model_json_schema()))
"""Tokens that every question has besides its record."""


@dataclass(frozen=True, slots=True)
class SummaryEstimate:
    """Sessions that are due, and what a model takes for them if every first answer is as long as it may be.

    ``events`` are all that these sessions hold.
    """

    sessions: int = 0
    events: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)

    @property
    def tokens(self) -> int:
        """Return the tokens of both directions."""
        return self.input_tokens + self.output_tokens

    def plus(self, other: SummaryEstimate) -> SummaryEstimate:
        """Return the sum of both."""
        return SummaryEstimate(
            sessions=self.sessions + other.sessions,
            events=self.events + other.events,
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost=self.cost + other.cost,
        )


async def estimate_summaries(
    db: Executor, tenant_ids: Sequence[str], *, as_of: datetime, settings: Settings, backfill_days: int | None = None
) -> SummaryEstimate:
    """Return what a daily run would summarize for some tenants; what no model is asked about costs nothing."""
    rule = DueRule.of(settings, daily=True, backfill_days=backfill_days)
    arguments = due_arguments(tenant_ids, as_of, rule, settings)
    total = SummaryEstimate()
    for row in await fetch(db, DUE_SIZES, *arguments, EVENT_CHARACTERS, _DATE):
        by_model = row["writer"] == "openai"
        model = row["model"] or settings.model_of_summaries
        asked = session_estimate(row["bytes"], settings, model) if by_model else SummaryEstimate()
        total = total.plus(asked).plus(SummaryEstimate(sessions=1, events=row["events"]))
    return total


def events_estimate(events: Sequence[Memory], settings: Settings) -> SummaryEstimate:
    """Return what the model of *settings* takes that is asked about *events*."""
    lines = [event.content[:EVENT_CHARACTERS].encode(errors="replace") for event in events]
    return session_estimate([len(line) + _DATE for line in lines], settings, settings.model_of_summaries)


def session_estimate(line_bytes: Sequence[int], settings: Settings, model: str) -> SummaryEstimate:
    """Return what *model* takes for events whose lines have *line_bytes*: chunks, and joining their summaries."""
    most = room(settings.model_context_tokens, settings.model_answer_tokens, SESSION_SYSTEM)
    lines = [min(tokens_of_bytes(size) + 1, most) for size in line_bytes]
    record = sum(lines)
    # A line that does not fit begins the next chunk; two successive chunks hold more than fits into one.
    filled = max(most - max(lines), most // 2)
    calls = parts = -(-record // filled)
    while parts > 1:
        parts = -(-parts // max(2, most // settings.model_answer_tokens))
        calls += parts
    output = calls * settings.model_answer_tokens
    # Every answer but the last is read again when it is joined with others.
    read = record + calls * _FRAME + output - settings.model_answer_tokens
    cost = prices(settings, model).cost(read, output)
    return SummaryEstimate(calls=calls, input_tokens=read, output_tokens=output, cost=cost)

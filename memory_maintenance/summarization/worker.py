"""Summarizing sessions: RAE's public API, and the one step that everything goes through."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import structlog

from memory_maintenance.errors import BudgetExhaustedError, LanguageModelError, ModelForbiddenError
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.pool import Pool, fetch_row, fetch_value
from memory_maintenance.summarization.dates import dates_kept
from memory_maintenance.summarization.due import long_sessions
from memory_maintenance.summarization.estimate import SummaryEstimate, events_estimate
from memory_maintenance.summarization.failing import count_failed_session, count_left_out, session_unit
from memory_maintenance.summarization.outcome import SummaryOutcome, log_failure, skipped, written, written_before
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.summarization.session import Session, StoredSummary, read_session, store_summary
from memory_maintenance.summarization.statements import RECORD
from memory_maintenance.summarization.writing import Beat, ModelWriter, Written, extracted, quoted
from memory_maintenance.tenants.control import TenantControl, control_of
from memory_maintenance.writers.model.backend import Backend, backend_of, own_model
from memory_maintenance.writers.model.question import LanguageModel
from memory_maintenance.writers.model.set_aside import is_set_aside

__all__ = ["SummarizationWorker", "SummaryOutcome"]

logger = structlog.get_logger(__name__)

Writer = Literal["openai", "extractive", "none", "set_aside"]
"""Who writes a session's summary; ``set_aside``: the fallback does, for the model keeps failing at it."""


@dataclass(frozen=True, slots=True)
class _Step:
    """How a session is summarized this time."""

    writer: Writer
    round: str
    cycle_id: UUID | None
    beat: Beat

    @property
    def backend(self) -> Backend:
        """Return what the written text counts as: nobody's, where it is only a fallback."""
        return "none" if self.writer == "set_aside" else self.writer


class SummarizationWorker:
    """Summarizes sessions.

    Every method may be called again, by anybody, at the same time: a session has
    one summary, and an event is in one summary.
    """

    def __init__(self, pool: Pool, settings: Settings | None = None, model: LanguageModel | None = None) -> None:
        """Prepare the worker: None means the settings of the environment, and the model that they name."""
        self._pool = pool
        self._settings = settings or load_settings()
        self._model = model

    async def summarize_session(
        self, tenant_id: str, project_id: str | None, session_id: UUID | str, min_events: int = 10
    ) -> dict[str, Any] | None:
        """Summarize a session of at least *min_events* new events, due or not; return the stored summary.

        None where nothing was stored: too few new events, disabled, paused, or the model gave nothing.

        Raises:
            LanguageModelError: a retryable one, if the model given raises such.
        """
        outcome = await self.summarize(SessionKey(tenant_id, project_id, str(session_id)), min_events=min_events)
        stored = outcome.summary_id is not None and outcome.status in ("stored", "updated", "fallback")
        return await self._record(outcome.summary_id) if stored else None

    async def summarize_long_sessions(
        self, tenant_id: str, project_id: str | None, event_threshold: int = 100
    ) -> list[dict[str, Any]]:
        """Summarize the project's sessions of at least *event_threshold* new events; return what was stored."""
        found: list[dict[str, Any]] = []
        as_of = await self._now()
        page: list[SessionKey] = []
        while page := await long_sessions(
            self._pool,
            tenant_id,
            project_id,
            as_of=as_of,
            event_threshold=event_threshold,
            after=page[-1] if page else None,
            settings=self._settings,
        ):
            for key in page:
                summary = await self.summarize_session(tenant_id, project_id, key.session_id, event_threshold)
                found += [summary] if summary else []
        logger.info("long_session_summarization_completed", tenant_id=tenant_id, summaries_created=len(found))
        return found

    async def summarize(
        self,
        session: SessionKey,
        *,
        as_of: datetime | None = None,
        round: str | None = None,  # noqa: A002
        cycle_id: UUID | None = None,
        min_events: int | None = None,
        dry_run: bool = False,
        beat: Beat = lambda: None,
    ) -> SummaryOutcome:
        """Summarize what is new in *session*, or write its summary better where that is possible now.

        Safe to retry and to call twice at once: the same events are stored once, and a
        call that finds its own cycle's work done reports it as the first one did.

        Args:
            session: which one.
            as_of: events after it are not looked at; None: the database's clock.
            round: what the permitted bad answers are counted by; None: this call alone.
            cycle_id: the cycle this is a step of, kept with the summary.
            min_events: fewest new events; None: the setting.
            dry_run: only say what would become of it, with the tokens it takes at most: nobody is asked,
                and nothing is written.
            beat: called before each question to the model.

        Raises:
            LanguageModelError: a retryable one: nothing is stored, ask again.
        """
        control = await control_of(self._pool, session.tenant_id)
        if control.paused:
            return SummaryOutcome("paused")
        if not self._enabled(control):
            return skipped(session, "summarization_disabled")
        found = await read_session(self._pool, session, as_of or await self._now())
        needed = min_events if min_events is not None else self._settings.summarization_min_events
        step = _Step(await self._writer(session, control), round or str(uuid4()), cycle_id, beat)
        if not found.events or (len(found.new) < needed and not found.improvable(step.backend)):
            return written_before(found, cycle_id) or skipped(session, "insufficient_events", len(found.new))
        if step.backend == "none" and found.well_told:
            why = "set_aside" if step.writer == "set_aside" else "llm_not_configured"
            return skipped(session, why, len(found.new))
        return self._foreseen(found, step) if dry_run else await self._write_and_store(found, step)

    async def _writer(self, session: SessionKey, control: TenantControl) -> Writer:
        backend = backend_of(self._settings, control.overrides)
        aside = backend == "openai" and await is_set_aside(self._pool, session_unit(session))
        return "set_aside" if aside else backend

    def _foreseen(self, session: Session, step: _Step) -> SummaryOutcome:
        taken = SummaryEstimate()
        if step.writer == "openai":
            taken = events_estimate(session.new if session.continues else session.events, self._settings)
        return SummaryOutcome(
            "fallback" if step.backend == "none" else "updated" if session.stored else "stored",
            "set_aside" if step.writer == "set_aside" else None,
            events=len(session.events),
            input_tokens=taken.input_tokens,
            output_tokens=taken.output_tokens,
            backend=step.backend,
        )

    async def _write_and_store(self, session: Session, step: _Step) -> SummaryOutcome:
        try:
            text, reason = await self._written(session, step)
        except LanguageModelError as error:
            if error.retryable:
                raise
            if isinstance(error, BudgetExhaustedError):
                return skipped(session.key, "budget_exhausted", len(session.new))
            log_failure(session, error)
            await count_failed_session(self._pool, self._settings, session.key, round=step.round, error=error)
            if isinstance(error, ModelForbiddenError) or session.well_told:
                return SummaryOutcome("failed", error.reason, events=len(session.new))
            text, reason = await self._fallback(session), error.reason
        return await self._store(session, text, step, reason)

    async def _written(self, session: Session, step: _Step) -> tuple[Written, str | None]:
        """Return what is to be stored, and why it is less than a summary where it is."""
        if step.writer == "none":
            return quoted(session.events), None
        if step.writer == "extractive":
            return await extracted(session.events), None
        if step.writer == "set_aside":
            return await self._fallback(session), "set_aside"
        return await self._by_model(session, step), None

    async def _by_model(self, session: Session, step: _Step) -> Written:
        writer = ModelWriter(
            self._asked_model(),
            context_tokens=self._settings.model_context_tokens,
            answer_tokens=self._settings.model_answer_tokens,
            tenant_id=session.key.tenant_id,
            asked_in=step.round,
            beat=step.beat,
        )
        earlier = session.continues
        text = await writer.write(session.new if earlier else session.events, earlier)
        await count_left_out(self._pool, self._settings, session.key, text.left_out, round=step.round)
        return text

    async def _fallback(self, session: Session) -> Written:
        if self._settings.summarization_fallback == "extractive":
            return await extracted(session.events, fallback=True)
        return quoted(session.events)

    async def _store(self, session: Session, text: Written, step: _Step, reason: str | None) -> SummaryOutcome:
        dates = await asyncio.to_thread(dates_kept, session.events, text.text)
        memory = await store_summary(self._pool, session, text, dates=dates, cycle_id=step.cycle_id)
        if memory is None:
            return skipped(session.key, "already_summarized", len(session.new))
        outcome = written(session.summary_id, StoredSummary(memory.content, memory.metadata), reason)
        logger.info(
            "session_summarization_completed",
            tenant_id=session.key.tenant_id,
            session_id=session.key.session_id,
            summary_id=str(memory.id),
            source_events=outcome.events,
            status=outcome.status,
            backend=outcome.backend,
            dates_in_sources=dates.in_sources,
            dates_kept=dates.kept,
        )
        return outcome

    def _asked_model(self) -> LanguageModel:
        # Opened at the first question: a worker that only says what is due needs none.
        self._model = self._model or own_model(self._settings, self._pool)
        return self._model

    def _enabled(self, control: TenantControl) -> bool:
        chosen = control.overrides.summarization_enabled
        return self._settings.summarization_enabled if chosen is None else chosen

    async def _now(self) -> datetime:
        now: datetime = await fetch_value(self._pool, "SELECT now()")
        return now

    async def _record(self, summary: UUID | None) -> dict[str, Any] | None:
        row = await fetch_row(self._pool, RECORD, summary)
        return dict(row) if row else None

"""Summarizing sessions: RAE's public API, and the one step that everything goes through."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import structlog

from memory_maintenance.database.pool import Pool, fetch_row, fetch_value
from memory_maintenance.errors import (
    BudgetExhaustedError,
    LanguageModelError,
    ModelForbiddenError,
    QuestionRefusedError,
    is_about_content,
)
from memory_maintenance.language_model.backend import Backend, backend_of, own_model
from memory_maintenance.language_model.openai_errors import FILTERED
from memory_maintenance.language_model.question import LanguageModel
from memory_maintenance.operations.set_aside import Unit, count_failure, forgive, is_set_aside
from memory_maintenance.operations.tenants import TenantControl, control_of
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.summarization.dates import dates_kept
from memory_maintenance.summarization.due import long_sessions
from memory_maintenance.summarization.policy import SessionKey, summary_id
from memory_maintenance.summarization.session import Session, StoredSummary, read_session, store_summary
from memory_maintenance.summarization.statements import RECORD
from memory_maintenance.summarization.writing import Beat, ModelWriter, Written, extracted, quoted

logger = structlog.get_logger(__name__)

Status = Literal["stored", "updated", "fallback", "skipped", "paused", "failed"]


@dataclass(frozen=True, slots=True)
class SummaryOutcome:
    """What became of a session: ids, numbers and a reason from a closed set, no text.

    ``failed`` and ``skipped`` with ``budget_exhausted``: nothing stored, the session stays due.
    """

    status: Status
    reason: str | None = None
    summary_id: UUID | None = None
    events: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    backend: Backend | None = None


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
            beat: called before each question to the model.

        Raises:
            LanguageModelError: a retryable one: nothing is stored, ask again.
        """
        control = await control_of(self._pool, session.tenant_id)
        if control.paused:
            return SummaryOutcome("paused")
        if not self._enabled(control):
            return _skipped(session, "summarization_disabled")
        found = await read_session(self._pool, session, as_of or await self._now())
        needed = min_events if min_events is not None else self._settings.summarization_min_events
        step = _Step(await self._writer(session, control), round or str(uuid4()), cycle_id, beat)
        if not found.events or (len(found.new) < needed and not found.improvable(step.backend)):
            return _done_before(found, cycle_id) or _skipped(session, "insufficient_events", len(found.new))
        if step.backend == "none" and found.well_told:
            why = "set_aside" if step.writer == "set_aside" else "llm_not_configured"
            return _skipped(session, why, len(found.new))
        return await self._write_and_store(found, step)

    async def _writer(self, session: SessionKey, control: TenantControl) -> Writer:
        backend = backend_of(self._settings, control.overrides)
        aside = backend == "openai" and await is_set_aside(self._pool, _unit(session))
        return "set_aside" if aside else backend

    async def _write_and_store(self, session: Session, step: _Step) -> SummaryOutcome:
        try:
            written, reason = await self._written(session, step)
        except LanguageModelError as error:
            if error.retryable:
                raise
            if isinstance(error, BudgetExhaustedError):
                return _skipped(session.key, "budget_exhausted", len(session.new))
            _log_failure(session, error)
            await self._count_failure(_unit(session.key), step, error)
            if isinstance(error, ModelForbiddenError) or session.well_told:
                return SummaryOutcome("failed", error.reason, events=len(session.new))
            written, reason = await self._fallback(session), error.reason
        return await self._store(session, written, step, reason)

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
        written = await writer.write(session.new if earlier else session.events, earlier)
        refused = QuestionRefusedError(FILTERED, "the endpoint's content filter refuses this event")
        for event_id in written.left_out:
            await self._count_failure(_memory_unit(session.key, event_id), step, refused, memories=[event_id])
        await forgive(self._pool, _unit(session.key), but=written.left_out)
        return written

    async def _count_failure(
        self, unit: Unit, step: _Step, error: LanguageModelError, memories: Sequence[UUID] = ()
    ) -> None:
        if is_about_content(error):
            after = self._settings.set_aside_after_cycles
            await count_failure(
                self._pool, unit, cycle=step.round, reason=error.reason, after_cycles=after, memories=memories
            )

    async def _fallback(self, session: Session) -> Written:
        if self._settings.summarization_fallback == "extractive":
            return await extracted(session.events, fallback=True)
        return quoted(session.events)

    async def _store(self, session: Session, written: Written, step: _Step, reason: str | None) -> SummaryOutcome:
        dates = await asyncio.to_thread(dates_kept, session.events, written.text)
        memory = await store_summary(self._pool, session, written, dates=dates, cycle_id=step.cycle_id)
        if memory is None:
            return _skipped(session.key, "already_summarized", len(session.new))
        outcome = _outcome(session.summary_id, StoredSummary(memory.content, memory.metadata), reason)
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


def _unit(session: SessionKey) -> Unit:
    name = str(summary_id(session))
    return Unit("session", session.tenant_id, session.project_name, name, session.session_id)


def _memory_unit(session: SessionKey, memory_id: UUID) -> Unit:
    return Unit("memory", session.tenant_id, session.project_name, str(memory_id), session.session_id)


def _outcome(summary: UUID, stored: StoredSummary, reason: str | None = None) -> SummaryOutcome:
    kept = stored.metadata
    status: Status = "fallback" if stored.fallback else "updated" if stored.revision > 1 else "stored"
    return SummaryOutcome(
        status=status,
        reason=reason,
        summary_id=summary,
        events=int(kept.get("event_count") or 0),
        input_tokens=int(kept.get("input_tokens") or 0),
        output_tokens=int(kept.get("output_tokens") or 0),
        backend=kept.get("backend"),
    )


def _done_before(session: Session, cycle_id: UUID | None) -> SummaryOutcome | None:
    """Return the outcome of this very step when it was taken before: a worker died after the commit."""
    if session.stored is None or cycle_id is None or session.stored.metadata.get("cycle_id") != str(cycle_id):
        return None
    return _outcome(session.summary_id, session.stored)


def _skipped(session: SessionKey, reason: str, events: int = 0) -> SummaryOutcome:
    logger.info(
        "session_summarization_skipped",
        tenant_id=session.tenant_id,
        session_id=session.session_id,
        reason=reason,
        event_count=events,
    )
    return SummaryOutcome("skipped", reason, events=events)


def _log_failure(session: Session, error: LanguageModelError) -> None:
    logger.warning(
        "llm_summarization_failed",
        tenant_id=session.key.tenant_id,
        session_id=session.key.session_id,
        reason=error.reason,
        event_count=len(session.new),
    )

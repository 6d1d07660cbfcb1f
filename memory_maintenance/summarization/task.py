"""The task of summaries: a session's events in one text, stored once and updated as the session grows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import structlog

from memory_maintenance.errors import BudgetExhaustedError, LanguageModelError, ModelForbiddenError
from memory_maintenance.settings import Settings
from memory_maintenance.store.lineage import free_sources
from memory_maintenance.store.memory import rows_of
from memory_maintenance.store.pool import fetch
from memory_maintenance.summarization.dates import dates_kept
from memory_maintenance.summarization.due import due_sessions, planned_sessions
from memory_maintenance.summarization.estimate import SummaryEstimate, events_estimate
from memory_maintenance.summarization.failing import (
    count_failed_session,
    count_left_out,
    session_unit,
    set_events_aside,
)
from memory_maintenance.summarization.outcome import SummaryOutcome, log_failure, skipped, written, written_before
from memory_maintenance.summarization.policy import FEWEST_LEFT, SessionKey
from memory_maintenance.summarization.session import (
    Session,
    StoredSummary,
    read_session,
    remove_summary,
    store_summary,
)
from memory_maintenance.summarization.statements import STALE_SESSIONS
from memory_maintenance.summarization.takeover import failed_night
from memory_maintenance.summarization.writing import ModelWriter, Written, extracted, quoted
from memory_maintenance.task import LISTED_AT_MOST, Listed, Task
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, TaskSpec, Unit
from memory_maintenance.writers.extractive.background import tenant_background
from memory_maintenance.writers.model.backend import Backend, backend_of, deployment_backend
from memory_maintenance.writers.model.set_aside import is_set_aside

logger = structlog.get_logger(__name__)

Writer = Literal["openai", "extractive", "none", "set_aside"]
"""Who writes a session's summary; ``set_aside``: the fallback does, for the model keeps failing at it."""


class SessionUnit(Unit):
    """One session; ``project`` None stands for memories without one."""

    project: str | None = None
    session_id: str


class Summarization(Task[SessionUnit]):
    """Summarizes sessions that ended or grew long.

    Safe to repeat and to run twice at once: a session has one summary, an event is in one summary, and what a model
    answered is in the ledger.
    """

    spec = TaskSpec(
        name="summarization",
        activity="summarize_session",
        due_activity="due_sessions",
        unit="session",
        units="sessions",
        results="summaries",
        done=("stored", "updated", "fallbacks"),
        metric_outcomes={"fallbacks": "fallback"},
        queue="model",
        cycles=("daily", "hourly"),
    )
    unit = SessionUnit

    def off(self, settings: Settings) -> str | None:
        """Summaries are off where SUMMARIZATION_ENABLED or the tenant's override says so."""
        return None if settings.summarization_enabled else "summarization_disabled"

    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int | Listed[SessionUnit]]:
        """Sessions with enough new events; of a run about one session, that one. Without a model a few are quick."""
        ids = [tenant.tenant_id for tenant in tenants]
        if run.session is not None:
            named = SessionUnit(project=run.project, session_id=run.session)
            return dict.fromkeys(ids, Listed((named,)))
        if run.daily and not run.dry_run:
            await free_sources(self.tools.pool, ids)
        found = await planned_sessions(self.tools.pool, ids, run, self.tools.settings, few=LISTED_AT_MOST)
        quick = deployment_backend(self.tools.settings) != "openai"
        return {
            tenant_id: due if isinstance(due, int) else Listed(_units(due), quick=quick)
            for tenant_id, due in found.items()
        }

    async def due(self, tenant: Tenant, run: Run, after: SessionUnit | None, limit: int) -> Sequence[SessionUnit]:
        """Return sessions by project and id."""
        if run.session is not None:
            return [SessionUnit(project=run.project, session_id=run.session)]
        behind = SessionKey(tenant.tenant_id, after.project, after.session_id) if after else None
        found = await due_sessions(
            self.tools.pool, tenant.tenant_id, run, self.tools.settings, after=behind, limit=limit
        )
        return _units(found)

    async def do(self, tenant: Tenant, unit: SessionUnit, run: Run) -> Done:
        """Summarize one session and store it."""
        session = SessionKey(tenant.tenant_id, unit.project, unit.session_id)
        outcome = await self.summarize(tenant, session, run)
        count = "fallbacks" if outcome.status == "fallback" else outcome.status
        return Done(
            counts=Counts(
                reasons={outcome.reason: 1} if outcome.reason else {},
                input_tokens=outcome.input_tokens,
                output_tokens=outcome.output_tokens,
                **{count: 1},
            )
        )

    async def stopped(self, tenant: Tenant, unit: SessionUnit, run: Run, reason: str) -> Done:
        """Log, as RAE does, that the tenant has no summaries."""
        if reason == self.off(tenant.settings):
            skipped(SessionKey(tenant.tenant_id, unit.project, unit.session_id), reason)
        return await super().stopped(tenant, unit, run, reason)

    @classmethod
    def left_undone(cls, counts: Counts) -> int:
        """Count fallbacks too, which wait for a better text; not those that are final: the session is set aside."""
        return super().left_undone(counts) + counts.of("fallbacks") - counts.reasons.get("set_aside", 0)

    async def summarize(self, tenant: Tenant, session: SessionKey, run: Run) -> SummaryOutcome:
        """Summarize what is new in *session*, due or not, or write its summary better where that is possible now.

        A call that finds its own run's work done reports it as the first one did.

        Args:
            tenant: whose session; neither paused nor without summaries.
            session: which one.
            run: events after its ``as_of`` are not looked at. Its id is kept with the summary, and bad answers
                of a model are counted by it. ``min_events`` None means the setting.

        Raises:
            LanguageModelError: a retryable one: nothing is stored, ask again.
        """
        excluded = tenant.settings.derivation_excluded_classes
        found = await read_session(self.tools.pool, session, run.as_of, excluded=excluded)
        needed = tenant.settings.summarization_min_events if run.min_events is None else run.min_events
        writer = await self._writer(tenant, found)
        backend: Backend = "none" if writer == "set_aside" else writer
        if found.is_stale and len(found.events) < FEWEST_LEFT:
            return await self._remove(found, run)
        if not found.events or (len(found.new) < needed and not found.improvable(backend) and not found.is_stale):
            return written_before(found, run.cycle_id) or skipped(session, "insufficient_events", len(found.new))
        if backend == "none" and found.has_good_text:
            why = "set_aside" if writer == "set_aside" else "llm_not_configured"
            return skipped(session, why, len(found.new))
        if run.dry_run:
            return _expected(found, writer, tenant.settings)
        return await self._write_and_store(tenant, found, writer, run)

    async def repair(self, tenant: Tenant, run: Run) -> None:
        """Write stale summaries again without a model, or remove them; a model's turn comes with the next daily run."""
        await free_sources(self.tools.pool, [tenant.tenant_id])
        excluded = tenant.settings.derivation_excluded_classes
        for row in await fetch(self.tools.pool, STALE_SESSIONS, tenant.tenant_id, run.as_of):
            key = SessionKey(tenant.tenant_id, row["project"], row["session_id"])
            found = await read_session(self.tools.pool, key, run.as_of, excluded=excluded)
            if found.is_stale and len(found.events) < FEWEST_LEFT:
                await self._remove(found, run)
            elif found.is_stale:
                text = await self._extracted(found, run, fallback=backend_of(tenant.settings) == "openai")
                await self._store(found, text, run, None)

    async def _remove(self, session: Session, run: Run) -> SummaryOutcome:
        if not run.dry_run:
            await remove_summary(self.tools.pool, session, run.as_of)
            logger.info(
                "stale_summary_removed",
                tenant_id=session.key.tenant_id,
                session_id=session.key.session_id,
                event_count=len(session.events),
            )
        return skipped(session.key, "sources_gone", len(session.events))

    async def _writer(self, tenant: Tenant, session: Session) -> Writer:
        backend = backend_of(tenant.settings)
        if backend != "openai":
            return backend
        if session.has_class(tenant.settings.model_excluded_classes):
            return "extractive"
        return "set_aside" if await is_set_aside(self.tools.pool, session_unit(session.key)) else "openai"

    async def _write_and_store(self, tenant: Tenant, session: Session, writer: Writer, run: Run) -> SummaryOutcome:
        pool, attempt_group = self.tools.pool, str(run.cycle_id)
        reason = "set_aside" if writer == "set_aside" else None
        try:
            text = await self._text(tenant, session, writer, run)
        except LanguageModelError as error:
            if session.is_stale:  # what was erased must not wait for a model
                return await self._store(session, await self._fallback(tenant, session, run), run, error.reason)
            if isinstance(error, BudgetExhaustedError):
                return skipped(session.key, error.reason, len(session.new))
            if error.retryable:
                raise
            log_failure(session, error)
            await count_failed_session(pool, tenant.settings, session.key, attempt_group=attempt_group, error=error)
            if isinstance(error, ModelForbiddenError) or session.has_good_text:
                return SummaryOutcome("failed", error.reason, events=len(session.new))
            text, reason = await self._fallback(tenant, session, run), error.reason
        if text.refused:
            reason = reason or text.refused
            logger.warning(
                "extractive_summary_refused",
                tenant_id=session.key.tenant_id,
                session_id=session.key.session_id,
                reason=text.refused,
            )
            if session.has_good_text:
                await set_events_aside(pool, session, text.refused, attempt_group=attempt_group)
                return SummaryOutcome("failed", reason, events=len(session.new))
        return await self._store(session, text, run, reason)

    async def _text(self, tenant: Tenant, session: Session, writer: Writer, run: Run) -> Written:
        if writer == "openai":
            text = await self._by_model(tenant, session, str(run.cycle_id))
            left_out = text.left_out
            await count_left_out(
                self.tools.pool, tenant.settings, session.key, left_out, attempt_group=str(run.cycle_id)
            )
            return text
        if writer == "extractive":
            return await self._extracted(session, run)
        return await self._fallback(tenant, session, run) if writer == "set_aside" else quoted(session.events)

    async def _fallback(self, tenant: Tenant, session: Session, run: Run) -> Written:
        chosen = tenant.settings.summarization_fallback == "extractive"
        if chosen or await failed_night(self.tools.pool, tenant.settings, run.cycle_id):
            return await self._extracted(session, run, fallback=True)
        return quoted(session.events)

    async def _by_model(self, tenant: Tenant, session: Session, attempt_group: str) -> Written:
        writer = ModelWriter(
            self.tools.asked_model,
            name=tenant.settings.model_of_summaries,
            context_tokens=tenant.settings.model_context_tokens,
            answer_tokens=tenant.settings.model_answer_tokens,
            tenant_id=session.key.tenant_id,
            asked_in=attempt_group,
            read=rows_of(session.events),
        )
        return await writer.write(session.new if session.continues else session.events, session.continues)

    async def _extracted(self, session: Session, run: Run, *, fallback: bool = False) -> Written:
        others = await tenant_background(
            self.tools.pool, session.key.tenant_id, run.as_of, without_session=session.key.session_id
        )
        return await extracted(session.events, fallback=fallback, background=others)

    async def _store(self, session: Session, text: Written, run: Run, reason: str | None) -> SummaryOutcome:
        dates = await asyncio.to_thread(dates_kept, session.events, text.text)
        memory = await store_summary(
            self.tools.pool, session, text, dates=dates, cycle_id=run.cycle_id, as_of=run.as_of
        )
        if memory is None:
            return skipped(session.key, "already_summarized", len(session.new))
        outcome = written(StoredSummary(memory.id, memory.content, memory.metadata), reason)
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


def _units(sessions: Sequence[SessionKey]) -> list[SessionUnit]:
    return [SessionUnit(project=key.project, session_id=key.session_id) for key in sessions]


def _expected(session: Session, writer: Writer, settings: Settings) -> SummaryOutcome:
    """Return what would become of the session if the model answered at once, with the tokens it takes at most."""
    taken = SummaryEstimate()
    if writer == "openai":
        taken = events_estimate(session.new if session.continues else session.events, settings)
    backend: Backend = "none" if writer == "set_aside" else writer
    return SummaryOutcome(
        "fallback" if backend == "none" else "updated" if session.stored else "stored",
        "set_aside" if writer == "set_aside" else None,
        events=len(session.events),
        input_tokens=taken.input_tokens,
        output_tokens=taken.output_tokens,
        backend=backend,
    )


TASK: Final = Summarization

"""RAE's SummarizationWorker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from uuid import UUID, uuid4

import structlog

from memory_maintenance.errors import InvalidRequestError, MaintenanceError, ModelUnavailableError
from memory_maintenance.rae.projects import chosen_project
from memory_maintenance.rae.returned import StoredSummary
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool, fetch_row, from_json
from memory_maintenance.summarization.due import long_sessions
from memory_maintenance.summarization.outcome import SummaryOutcome, skipped
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.summarization.statements import RECORD
from memory_maintenance.summarization.task import Summarization
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import load_tenant
from memory_maintenance.work import Run
from memory_maintenance.writers.model.asking import patient_model
from memory_maintenance.writers.model.question import Answer, AnswerT, LanguageModel, Question

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Injected:
    """A caller's model. An exception of its own is an unusable answer: RAE's worker then writes a fallback."""

    model: LanguageModel

    async def ask(self, question: Question[AnswerT]) -> Answer[AnswerT]:
        try:
            return await self.model.ask(question)
        except MaintenanceError:
            raise
        except Exception as error:
            kind = type(error).__name__
            raise ModelUnavailableError("model_error", f"the model given raised {kind}") from error


class SummarizationWorker:
    """Summarizes sessions; every method may be called again, by anyone, at the same time.

    Args:
        pool: connections to the store.
        settings: unset, those of the environment.
        model: unset, the one that the settings name.
    """

    def __init__(self, pool: Pool, settings: Settings | None = None, model: LanguageModel | None = None) -> None:
        settings = settings or load_settings()
        asked = patient_model(settings, pool) if model is None else _Injected(model)
        self._task = Summarization(Tools(pool, settings, asked))

    async def summarize_session(
        self,
        tenant_id: str,
        project_id: str | None = None,
        session_id: UUID | str = "",
        min_events: int = 10,
        *,
        project: str | None = None,
    ) -> StoredSummary | None:
        """Summarize a session of at least *min_events* new events, due or not; return the stored summary.

        None where nothing was stored: too few new events, disabled, paused, or the model gave nothing. A model that
        fails, also with an exception of its own, leaves a fallback summary.

        Raises:
            InvalidRequestError: no session, or two different projects, were given.
            LanguageModelError: a retryable one, if the model given raises such.
        """
        if not str(session_id):
            raise InvalidRequestError("session_id: name the session to summarize")
        session = SessionKey(tenant_id, chosen_project(project_id, project), str(session_id))
        outcome = await self._summarize(session, min_events)
        if outcome.status not in ("stored", "updated", "fallback"):
            return None
        row = await fetch_row(self._task.tools.pool, RECORD, outcome.summary_id, tenant_id)
        return cast(StoredSummary, dict(row) | {"metadata": from_json(row["metadata"])}) if row else None

    async def _summarize(self, session: SessionKey, min_events: int) -> SummaryOutcome:
        pool, settings = self._task.tools.pool, self._task.tools.settings
        tenant = await load_tenant(pool, session.tenant_id, settings)
        if tenant.paused:
            return SummaryOutcome("paused")
        if reason := self._task.off(tenant.settings):
            return skipped(session, reason)
        run = Run(cycle_id=uuid4(), as_of=await checked_as_of(pool, None), min_events=min_events)
        return await self._task.summarize(tenant, session, run)

    async def summarize_long_sessions(
        self,
        tenant_id: str,
        project_id: str | None = None,
        event_threshold: int = 100,
        *,
        project: str | None = None,
    ) -> list[StoredSummary]:
        """Summarize the project's sessions of at least *event_threshold* new events; return what was stored."""
        pool, settings = self._task.tools.pool, self._task.tools.settings
        project_id = chosen_project(project_id, project)
        found: list[StoredSummary] = []
        as_of = await checked_as_of(pool, None)
        page: list[SessionKey] = []
        while page := await long_sessions(
            pool,
            tenant_id,
            project_id,
            as_of=as_of,
            event_threshold=event_threshold,
            after=page[-1] if page else None,
            settings=settings,
        ):
            for key in page:
                summary = await self.summarize_session(tenant_id, project_id, key.session_id, event_threshold)
                found += [summary] if summary else []
        logger.info("long_session_summarization_completed", tenant_id=tenant_id, summaries_created=len(found))
        return found

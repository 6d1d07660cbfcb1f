"""Summaries as activities."""

from dataclasses import dataclass

from temporalio import activity

from activities.messages import (
    DueSessionsRequest,
    DueSessionsResult,
    SessionRef,
    SummarizeSessionRequest,
    SummarizeSessionResult,
)
from memory_maintenance.database.pool import Pool
from memory_maintenance.settings import Settings
from memory_maintenance.summarization.due import due_sessions
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.summarization.worker import SummarizationWorker


@dataclass(frozen=True, slots=True)
class SummarizationActivities:
    """Which sessions are due, and the summary of one."""

    pool: Pool
    settings: Settings
    summarization: SummarizationWorker

    @activity.defn(name="due_sessions")
    async def due_sessions(self, request: DueSessionsRequest) -> DueSessionsResult:
        """Find the next due sessions of a tenant. Reads only."""
        after = request.after
        due = await due_sessions(
            self.pool,
            request.tenant_id,
            settings=self.settings,
            as_of=request.as_of,
            daily=request.kind == "daily",
            after=SessionKey(request.tenant_id, after.project, after.session_id) if after else None,
            limit=request.limit,
            backfill_days=request.backfill_days,
        )
        return DueSessionsResult(
            sessions=tuple(SessionRef(project=key.project, session_id=key.session_id) for key in due)
        )

    @activity.defn(name="summarize_session")
    async def summarize_session(self, request: SummarizeSessionRequest) -> SummarizeSessionResult:
        """Summarize one session and store it.

        Safe to retry: its id decides where it is kept, and what a model answered is in the ledger.
        """
        key = SessionKey(request.tenant_id, request.session.project, request.session.session_id)
        done = await self.summarization.summarize(
            key,
            as_of=request.as_of,
            round=str(request.cycle_id),
            cycle_id=request.cycle_id,
            min_events=request.min_events,
        )
        return SummarizeSessionResult(
            status=done.status,
            reason=done.reason,
            summary_id=done.summary_id,
            events=done.events,
            input_tokens=done.input_tokens,
            output_tokens=done.output_tokens,
        )

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
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
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
        return DueSessionsResult(sessions=tuple(map(SessionRef.of, due)))

    @activity.defn(name="summarize_session")
    async def summarize_session(self, request: SummarizeSessionRequest) -> SummarizeSessionResult:
        """Summarize one session and store it.

        Safe to retry: its id decides where it is kept, and what a model answered is in the ledger.
        A dry run asks and stores nothing.
        """
        key = SessionKey(request.tenant_id, request.session.project, request.session.session_id)
        done = await self.summarization.summarize(
            key,
            as_of=request.as_of,
            round=str(request.cycle_id),
            cycle_id=request.cycle_id,
            min_events=request.min_events,
            dry_run=request.dry_run,
        )
        return SummarizeSessionResult.of(done)

"""TenantMaintenanceWorkflow: one tenant, one task after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.decay import DecayActivities
    from activities.dreaming import DreamingActivities
    from activities.embedding import EmbeddingActivities
    from activities.messages import (
        DecayBatchRequest,
        DueDreamsRequest,
        DueEmbeddingsRequest,
        DueSessionsRequest,
        EmbedDerivedRequest,
        EmbedDerivedResult,
        GenerateReflectionRequest,
        GenerateReflectionResult,
        SessionRef,
        SummarizeSessionRequest,
        SummarizeSessionResult,
        TenantOrder,
    )
    from activities.summarization import SummarizationActivities
    from memory_maintenance.operations.outcomes import STEPS, Step, TenantOutcome, TenantStatus
    from memory_maintenance.operations.tallies import decay_counts, dream_counts, embedding_counts, summary_counts
    from workflows.failures import error_type, reason
    from workflows.messages import TenantProgress, TenantRequest
    from workflows.options import SESSIONS_AT_ONCE, long_sql, model, sql
    from workflows.orders import OrderQueue
    from workflows.search_attributes import show_status

BATCH = 100
"""Sessions or projects fetched at a time."""

Due = TypeVar("Due")


@workflow.defn
class TenantMaintenanceWorkflow:
    """Decay, then summarize, then dream for one tenant; then embed what was written.

    Signals: ``pause`` and ``resume``, both idempotent, and ``cancel``; all take any input or
    none. The batch in flight always finishes. Queries: ``status`` and ``progress``.
    """

    @workflow.init
    def __init__(self, request: TenantRequest) -> None:
        self._request = request
        self._tenant_id = request.plan.tenant_id
        self._orders = OrderQueue(self._note_order)
        self._told_to_stop: TenantStatus | None = None
        self._stopped: TenantStatus | None = None
        self._progress = request.progress or TenantProgress(
            outcome=TenantOutcome(tenant_id=self._tenant_id), started_at=workflow.now()
        )
        self._outcome = self._progress.outcome
        self._task: Step | None = None

    @workflow.signal
    def pause(self, *args: Any) -> None:
        """Stop after the batch in flight; later cycles leave the tenant out until it is resumed."""
        self._orders.receive("pause", args, tenant_id=self._tenant_id)

    @workflow.signal
    def resume(self, *args: Any) -> None:
        """Take a pause back; a run that has stopped already is not revived: the next one goes on."""
        self._orders.receive("resume", args, tenant_id=self._tenant_id)

    @workflow.signal
    def cancel(self, *args: Any) -> None:
        """End this run after the batch in flight; the next cycle goes on."""
        self._orders.receive("cancel", args, tenant_id=self._tenant_id)

    @workflow.query
    def status(self) -> str:
        """Return what this run is at, in a word."""
        return self._stopped or self._task or "starting"

    @workflow.query
    def progress(self) -> TenantOutcome:
        """Return what was done so far."""
        return self._outcome

    @workflow.run
    async def run(self, request: TenantRequest) -> TenantOutcome:  # noqa: ARG002  __init__ has it
        """Do the tenant's work of one cycle and return what was done."""
        obeying = asyncio.create_task(self._orders.carry_out())
        if self._starts("decay", wanted=self._request.plan.decay):
            await self._decay()
        if self._starts("summarization", wanted=self._request.plan.sessions > 0):
            await self._each_due(self._due_sessions, self._summarize, "session_cursor")
        if self._starts("dreaming", wanted=self._request.plan.dreams > 0):
            await self._each_due(self._due_dreams, self._dream, "dream_cursor")
        if self._starts("embedding", wanted=self._request.plan.embeddings > 0):
            await self._embed_due()
        await self._orders.drained()
        obeying.cancel()
        outcome = self._closed()
        if self._request.search_attributes:
            show_status(outcome.status)
        return outcome

    # --- the three tasks --------------------------------------------------------------------------

    async def _decay(self) -> None:
        request = DecayBatchRequest(
            tenant_id=self._tenant_id, as_of=self._request.as_of, cycle_id=self._request.cycle_id
        )
        while await self._may_go_on():
            try:
                batch = await workflow.execute_activity_method(
                    DecayActivities.decay_batch, request, **long_sql(self._request.deadline)
                )
            except ActivityError as error:
                return self._note_failure(error)
            self._note(batch.status, decay=decay_counts(batch))
            if batch.status != "more":
                return None
        return None

    async def _due_sessions(self, after: SessionRef | None) -> Sequence[SessionRef]:
        if self._request.session:
            return [SessionRef(project=self._request.project, session_id=self._request.session)]
        request = DueSessionsRequest(
            tenant_id=self._tenant_id,
            as_of=self._request.as_of,
            kind=self._request.kind,
            after=after,
            limit=BATCH,
            backfill_days=self._request.backfill_days,
        )
        due = await workflow.execute_activity_method(
            SummarizationActivities.due_sessions, request, **sql(self._request.deadline)
        )
        return due.sessions

    async def _summarize(self, session: SessionRef) -> None:
        request = SummarizeSessionRequest(
            tenant_id=self._tenant_id,
            session=session,
            as_of=self._request.as_of,
            cycle_id=self._request.cycle_id,
            min_events=self._request.min_events,
        )
        try:
            done = await workflow.execute_activity_method(
                SummarizationActivities.summarize_session, request, **model(self._tenant_id)
            )
        except ActivityError as error:
            self._note_failure(error)
            done = SummarizeSessionResult(status="failed", reason=reason(error))
        self._note(done.status, summarization=self._outcome.summarization.plus(summary_counts(done)))

    async def _due_dreams(self, after: str | None) -> Sequence[str]:
        if self._request.project:
            return [self._request.project]
        request = DueDreamsRequest(tenant_id=self._tenant_id, as_of=self._request.as_of, after=after, limit=BATCH)
        due = await workflow.execute_activity_method(
            DreamingActivities.due_dreams, request, **sql(self._request.deadline)
        )
        return due.projects

    async def _dream(self, project: str) -> None:
        request = GenerateReflectionRequest(
            tenant_id=self._tenant_id, project=project, as_of=self._request.as_of, cycle_id=self._request.cycle_id
        )
        try:
            done = await workflow.execute_activity_method(
                DreamingActivities.generate_reflection, request, **model(self._tenant_id)
            )
        except ActivityError as error:
            self._note_failure(error)
            done = GenerateReflectionResult(status="failed", reason=reason(error))
        self._note(done.status, dreaming=self._outcome.dreaming.plus(dream_counts(done)))

    async def _embed_due(self) -> None:
        """Embed what this run or an earlier one wrote, a batch at a time."""
        cursor = self._progress.embedding_cursor
        while await self._may_go_on(embedding_cursor=cursor):
            try:
                due = await workflow.execute_activity_method(
                    EmbeddingActivities.due_embeddings,
                    DueEmbeddingsRequest(tenant_id=self._tenant_id, after=cursor),
                    **sql(self._request.deadline),
                )
            except ActivityError as error:
                return self._note_failure(error)
            if not due.memories or not await self._embed(due.memories):
                return None
            cursor = due.memories[-1]
        return None

    async def _embed(self, memories: tuple[UUID, ...]) -> bool:
        """Embed a batch and return whether any was: else the endpoint or the column takes none, nor the next ones."""
        request = EmbedDerivedRequest(tenant_id=self._tenant_id, memories=memories, cycle_id=self._request.cycle_id)
        try:
            done = await workflow.execute_activity_method(
                EmbeddingActivities.embed_derived, request, **model(self._tenant_id)
            )
        except ActivityError as error:
            self._note_failure(error)
            reasons = {reason(error): len(memories)}
            done = EmbedDerivedResult(status="failed", failed=len(memories), reasons=reasons)
        self._note(done.status, embedding=self._outcome.embedding.plus(embedding_counts(done)))
        return done.embedded > 0

    # --- what they have in common -----------------------------------------------------------------

    async def _each_due(
        self,
        due_after: Callable[[Any], Awaitable[Sequence[Due]]],
        step: Callable[[Due], Awaitable[None]],
        cursor_name: str,
    ) -> None:
        """Fetch what is due a batch at a time and take each through *step*, a few at once."""
        after = getattr(self._progress, cursor_name)
        while await self._may_go_on(**{cursor_name: after}):
            try:
                due = await due_after(after)
            except ActivityError as error:
                return self._note_failure(error)
            await self._in_window(step, due)
            if len(due) < BATCH:
                return None
            after = due[-1]
        return None

    async def _in_window(self, step: Callable[[Due], Awaitable[None]], items: Sequence[Due]) -> None:
        slots = asyncio.Semaphore(SESSIONS_AT_ONCE)

        async def one(item: Due) -> None:
            async with slots:
                if not self._has_to_stop():
                    await step(item)

        await asyncio.gather(*(one(item) for item in items))

    def _starts(self, task: Step, *, wanted: bool) -> bool:
        """Return whether *task* is to be done in this run: wanted, not behind us, and nobody said stop."""
        behind = self._progress.task is not None and STEPS.index(task) < STEPS.index(self._progress.task)
        if not wanted or behind or self._has_to_stop():
            return False
        self._task = task
        workflow.set_current_details(f"{task} for tenant `{self._tenant_id}`")
        return True

    async def _may_go_on(self, **cursor: Any) -> bool:
        """Return whether the next batch may start; continue as new where the history got long."""
        if self._has_to_stop():
            return False
        if workflow.info().is_continue_as_new_suggested():
            await self._orders.drained()
            workflow.continue_as_new(self._request.model_copy(update={"progress": self._carried_over(**cursor)}))
        return True

    def _carried_over(self, **cursor: Any) -> TenantProgress:
        return TenantProgress(task=self._task, outcome=self._outcome, started_at=self._progress.started_at, **cursor)

    def _has_to_stop(self) -> bool:
        """Return whether somebody said stop or time is up. Once seen, it stays so for this run."""
        if self._stopped is None:
            late = workflow.now() >= self._request.deadline
            self._stopped = self._told_to_stop or ("out_of_time" if late else None)
        return self._stopped is not None

    def _note_order(self, order: TenantOrder) -> None:
        if order.action == "resume":
            self._told_to_stop = None if self._told_to_stop == "paused" else self._told_to_stop
        else:
            self._told_to_stop = "paused" if order.action == "pause" else "cancelled"

    def _note(self, status: str, **counts: Any) -> None:
        if status == "paused":
            self._told_to_stop = self._told_to_stop or "paused"
        self._outcome = self._outcome.model_copy(update=counts)

    def _note_failure(self, error: ActivityError) -> None:
        if is_cancelled_exception(error):
            raise error
        self._outcome = self._outcome.model_copy(update={"status": "failed", "error_type": error_type(error)})

    def _closed(self) -> TenantOutcome:
        took = (workflow.now() - self._progress.started_at) / timedelta(seconds=1)
        status = "failed" if self._outcome.failed else self._stopped or self._told_to_stop or "completed"
        return self._outcome.model_copy(update={"status": status, "seconds": took})

"""TenantMaintenanceWorkflow: one tenant, one task after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.messages import (
        EmbedDerivedResult,
        GenerateReflectionResult,
        SessionRef,
        SummarizeSessionResult,
        TenantOrder,
    )
    from memory_maintenance.cycles.outcomes import (
        STEPS,
        DecayCounts,
        EmbeddingCounts,
        Step,
        TenantOutcome,
        TenantStatus,
    )
    from memory_maintenance.cycles.tallies import dream_counts, embeddings_to_come, summary_counts
    from workflows.failures import error_type, reason
    from workflows.messages import TenantProgress, TenantRequest
    from workflows.options import SESSIONS_AT_ONCE
    from workflows.orders import OrderQueue
    from workflows.search_attributes import show_status
    from workflows.steps import BATCH, TenantSteps

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
        self._scope = request.scope
        self._tenant_id = request.plan.tenant_id
        self._steps = TenantSteps(self._tenant_id, request.scope)
        self._orders = OrderQueue(self._note_order, dry_run=request.scope.dry_run)
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
        try:
            await self._work()
        finally:
            await self._orders.drained()
        obeying.cancel()
        outcome = self._closed()
        if self._scope.search_attributes:
            show_status(outcome.status)
        return outcome

    # --- the tasks --------------------------------------------------------------------------------

    async def _work(self) -> None:
        if self._starts("decay", wanted=self._request.plan.decay):
            await self._decay()
        if self._starts("summarization", wanted=self._request.plan.sessions > 0):
            await self._each_due(self._steps.due_sessions, self._summarize, "session_cursor")
        if self._starts("dreaming", wanted=self._request.plan.dreams > 0):
            await self._each_due(self._steps.due_dreams, self._dream, "dream_cursor")
        if self._starts("embedding", wanted=self._request.plan.embeddings > 0):
            await self._embed_due()

    async def _decay(self) -> None:
        cursor = self._progress.decay_cursor
        while await self._may_go_on(decay_cursor=cursor):
            try:
                batch = await self._steps.decay(cursor)
            except ActivityError as error:
                return self._note_failure(error)
            before = self._outcome.decay if self._scope.dry_run else DecayCounts()
            self._note(batch.status, decay=before.plus(DecayCounts.of(batch)))
            if batch.status != "more":
                return None
            cursor = batch.cursor
        return None

    async def _summarize(self, session: SessionRef) -> None:
        try:
            done = await self._steps.summarize(session)
        except ActivityError as error:
            self._note_failure(error)
            done = SummarizeSessionResult(status="failed", reason=reason(error))
        self._note(done.status, summarization=self._outcome.summarization.plus(summary_counts(done)))

    async def _dream(self, project: str) -> None:
        try:
            done = await self._steps.dream(project)
        except ActivityError as error:
            self._note_failure(error)
            done = GenerateReflectionResult(status="failed", reason=reason(error))
        self._note(done.status, dreaming=self._outcome.dreaming.plus(dream_counts(done)))

    async def _embed_due(self) -> None:
        """Embed what this run or an earlier one wrote, a batch at a time."""
        cursor = self._progress.embedding_cursor
        if self._scope.dry_run and self._progress.task != "embedding":
            to_come = embeddings_to_come(self._outcome.summarization, self._outcome.dreaming)
            self._outcome = self._outcome.model_copy(update={"embedding": to_come})
        while await self._may_go_on(embedding_cursor=cursor):
            try:
                due = await self._steps.due_embeddings(cursor)
            except ActivityError as error:
                return self._note_failure(error)
            if not due or not await self._embed(due):
                return None
            cursor = due[-1]
        return None

    async def _embed(self, memories: tuple[UUID, ...]) -> bool:
        """Embed a batch and return whether any was: else the endpoint or the column takes none, nor the next ones."""
        try:
            done = await self._steps.embed(memories)
        except ActivityError as error:
            self._note_failure(error)
            reasons = {reason(error): len(memories)}
            done = EmbedDerivedResult(status="failed", failed=len(memories), reasons=reasons)
        self._note(done.status, embedding=self._outcome.embedding.plus(EmbeddingCounts.of(done)))
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
            late = workflow.now() >= self._scope.deadline
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

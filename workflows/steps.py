"""A tenant's steps as activities: what each is asked, and how long and how often it may be tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.decay import DecayActivities
    from activities.dreaming import DreamingActivities
    from activities.embedding import EmbeddingActivities
    from activities.messages import (
        DecayBatchRequest,
        DecayBatchResult,
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
    )
    from activities.summarization import SummarizationActivities
    from workflows.messages import CycleScope
    from workflows.options import long_sql, model, sql

BATCH = 100
"""Sessions or projects fetched at a time."""

SHOWN = 100
"""Characters of what a step is about, for the Web UI: a summary has at most 400 bytes."""


@dataclass(frozen=True, slots=True)
class TenantSteps:
    """The steps of one tenant in one cycle. All raise ActivityError where a step fails for good."""

    tenant_id: str
    scope: CycleScope

    async def decay(self, after: UUID | None) -> DecayBatchResult:
        """Decay a batch of memories."""
        request = DecayBatchRequest(
            tenant_id=self.tenant_id,
            as_of=self.scope.as_of,
            cycle_id=self.scope.cycle_id,
            dry_run=self.scope.dry_run,
            after=after,
        )
        return await workflow.execute_activity_method(
            DecayActivities.decay_batch, request, **long_sql(self.scope.deadline)
        )

    async def due_sessions(self, after: SessionRef | None) -> Sequence[SessionRef]:
        """Return the next due sessions; the one that an operator named, due or not."""
        if self.scope.session:
            return [SessionRef(project=self.scope.project, session_id=self.scope.session)]
        request = DueSessionsRequest(
            tenant_id=self.tenant_id,
            as_of=self.scope.as_of,
            kind=self.scope.kind,
            after=after,
            limit=BATCH,
            backfill_days=self.scope.backfill_days,
        )
        due = await workflow.execute_activity_method(
            SummarizationActivities.due_sessions, request, **sql(self.scope.deadline)
        )
        return due.sessions

    async def summarize(self, session: SessionRef) -> SummarizeSessionResult:
        """Summarize a session."""
        request = SummarizeSessionRequest(
            tenant_id=self.tenant_id,
            session=session,
            as_of=self.scope.as_of,
            cycle_id=self.scope.cycle_id,
            min_events=self.scope.min_events,
            dry_run=self.scope.dry_run,
        )
        return await workflow.execute_activity_method(
            SummarizationActivities.summarize_session,
            request,
            **self._asking(f"{session.project or 'default'}/{session.session_id}"),
        )

    async def due_dreams(self, after: str | None) -> Sequence[str]:
        """Return the next projects that can dream; the one that an operator named."""
        if self.scope.project:
            return [self.scope.project]
        request = DueDreamsRequest(tenant_id=self.tenant_id, as_of=self.scope.as_of, after=after, limit=BATCH)
        due = await workflow.execute_activity_method(DreamingActivities.due_dreams, request, **sql(self.scope.deadline))
        return due.projects

    async def dream(self, project: str) -> GenerateReflectionResult:
        """Dream for a project."""
        request = GenerateReflectionRequest(
            tenant_id=self.tenant_id,
            project=project,
            as_of=self.scope.as_of,
            cycle_id=self.scope.cycle_id,
            dry_run=self.scope.dry_run,
        )
        return await workflow.execute_activity_method(
            DreamingActivities.generate_reflection, request, **self._asking(project)
        )

    async def due_embeddings(self, after: UUID | None) -> tuple[UUID, ...]:
        """Return the next batch of memories without a vector."""
        due = await workflow.execute_activity_method(
            EmbeddingActivities.due_embeddings,
            DueEmbeddingsRequest(tenant_id=self.tenant_id, after=after),
            **sql(self.scope.deadline),
        )
        return due.memories

    async def embed(self, memories: tuple[UUID, ...]) -> EmbedDerivedResult:
        """Embed a batch of memories."""
        request = EmbedDerivedRequest(
            tenant_id=self.tenant_id, memories=memories, cycle_id=self.scope.cycle_id, dry_run=self.scope.dry_run
        )
        return await workflow.execute_activity_method(
            EmbeddingActivities.embed_derived, request, **self._asking(f"{len(memories)} memories")
        )

    def _asking(self, about: str) -> workflow.ActivityConfig:
        # A dry run asks nobody: it waits for no rate of requests and for no worker that may ask.
        asking = sql(self.scope.deadline) if self.scope.dry_run else model(self.tenant_id)
        return {**asking, "summary": about[:SHOWN]}

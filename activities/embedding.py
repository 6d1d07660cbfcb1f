"""Embeddings as activities."""

from dataclasses import dataclass

from temporalio import activity

from activities.messages import (
    DueEmbeddingsRequest,
    DueEmbeddingsResult,
    EmbedDerivedRequest,
    EmbedDerivedResult,
)
from memory_maintenance.embedding.due import due_embeddings
from memory_maintenance.embedding.worker import EmbeddingWorker


@dataclass(frozen=True, slots=True)
class EmbeddingActivities:
    """Which derived memories vector search cannot find, and the vectors of a batch of them."""

    embedding: EmbeddingWorker

    @activity.defn(name="due_embeddings")
    async def due_embeddings(self, request: DueEmbeddingsRequest) -> DueEmbeddingsResult:
        """Find a tenant's next memories without a vector. Reads only."""
        worker = self.embedding
        due = await due_embeddings(worker.pool, request.tenant_id, settings=worker.settings, after=request.after)
        return DueEmbeddingsResult(memories=tuple(due))

    @activity.defn(name="embed_derived")
    async def embed_derived(self, request: EmbedDerivedRequest) -> EmbedDerivedResult:
        """Give a batch of memories their vectors.

        Safe to retry: what has its vector is not sent again, and what a model answered is in the ledger.
        A dry run sends nothing.
        """
        tenant_id, memories = request.tenant_id, request.memories
        if request.dry_run:
            return EmbedDerivedResult.of(await self.embedding.foresee(tenant_id, memories))
        return EmbedDerivedResult.of(await self.embedding.embed(tenant_id, memories, round=str(request.cycle_id)))

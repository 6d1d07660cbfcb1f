"""The task of embedding: vectors for derived memories, so that vector search finds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from memory_maintenance.embedding.due import due_embeddings, missing_counts
from memory_maintenance.embedding.policy import LONGEST_TEXT, smaller
from memory_maintenance.embedding.statements import TEXTS
from memory_maintenance.embedding.storing import store_vectors
from memory_maintenance.errors import (
    BudgetExhaustedError,
    ContextTooLongError,
    LanguageModelError,
    QuestionRefusedError,
    VectorColumnError,
)
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch, transaction
from memory_maintenance.store.vectors import Place, place_of
from memory_maintenance.task import Task, Tools
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, TaskSpec, Unit
from memory_maintenance.writers.model.context import estimated_tokens
from memory_maintenance.writers.model.embedder import Embedded, Embedder

logger = structlog.get_logger(__name__)


class EmbeddingUnit(Unit):
    """One batch of derived memories."""

    memories: tuple[UUID, ...]


class Embedding(Task[EmbeddingUnit]):
    """Embeds derived memories where the store keeps vectors.

    Safe to repeat and to run twice at once: a text that is embedded already is not sent again, and a retry counts
    the memories that the lost call has embedded.
    """

    spec = TaskSpec(
        name="embedding",
        activity="embed_derived",
        due_activity="due_embeddings",
        unit="vector",
        units="vectors",
        results="memories embedded",
        done=("embedded",),
        metric_outcomes={"embedded": "stored"},
        queue="model",
        cycles=("daily", "hourly"),
        chain=True,
        many="memories",
        follows=("summarization", "dreaming"),
    )
    unit = EmbeddingUnit

    def off(self, settings: Settings) -> str | None:
        """Embedding is off where EMBEDDING_MODEL or its endpoint is not set."""
        return None if settings.embeds else "no_embedding_model"

    async def unavailable(self) -> str | None:
        """No model is set, which no override can; or the store has neither RAE's table of embeddings nor the column."""
        if reason := self.off(self.tools.settings):
            return reason
        if await place_of(self.tools.pool) is not None:
            return None
        logger.warning("embedding_skipped", reason="no_vector_column")
        return "no_vector_column"

    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int]:
        """What earlier runs left, on a daily run; what this run writes is embedded besides."""
        if not run.daily or run.narrowed:
            return {}
        ids = [tenant.tenant_id for tenant in tenants]
        return await missing_counts(self.tools.pool, ids, settings=self.tools.settings)

    async def due(self, tenant: Tenant, run: Run, after: EmbeddingUnit | None, limit: int) -> Sequence[EmbeddingUnit]:  # noqa: ARG002
        """Return the tenant's next batch, by id."""
        batch = await self._batch(tenant, after)
        return [batch] if batch else []

    async def _batch(self, tenant: Tenant, after: EmbeddingUnit | None) -> EmbeddingUnit | None:
        last = after.memories[-1] if after else None
        found = await due_embeddings(self.tools.pool, tenant.tenant_id, settings=tenant.settings, after=last)
        return EmbeddingUnit(memories=tuple(found)) if found else None

    async def do(self, tenant: Tenant, unit: EmbeddingUnit, run: Run) -> Done:
        """Give a batch its vectors. Where none was stored, the next batches would fail the same way."""
        counts = await self.embed(tenant, unit.memories, run)
        return Done(counts=counts, next=await self._batch(tenant, unit) if counts.of("embedded") else None)

    async def embed(self, tenant: Tenant, memory_ids: Sequence[UUID], run: Run) -> Counts:
        """Embed those among *memory_ids* that have no vector yet; at most ``BATCH`` of them.

        Raises:
            LanguageModelError: a retryable one: call again, for what is still missing.
        """
        name, place = self.tools.settings.stored_embedding_name, await place_of(self.tools.pool)
        excluded = list(tenant.settings.model_excluded_classes)
        if place is None or name is None or not self.tools.settings.embeds:
            return _skipped(len(memory_ids), "no_vector_column" if place is None else "no_embedding_model")
        if run.dry_run:
            asked = (tenant.tenant_id, name, list(memory_ids), LONGEST_TEXT, excluded)
            rows = await fetch(self.tools.pool, TEXTS[place.table], *asked)
            tokens = sum(estimated_tokens(row["text"]) for row in rows)
            return Counts(input_tokens=tokens, embedded=sum(row["memories"] for row in rows))
        if self.tools.embedder is None:
            return _skipped(len(memory_ids), "no_embedding_model")
        batch = _Batch(self.tools, self.tools.embedder, place, name, tenant.tenant_id, str(run.cycle_id), excluded)
        return await batch.embed(memory_ids)


@dataclass
class _Batch:
    """Some memories of one tenant on their way, and what became of them so far."""

    tools: Tools
    embedder: Embedder
    place: Place
    name: str
    tenant_id: str
    attempt_group: str
    excluded: Sequence[str]
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    input_tokens: int = 0

    async def embed(self, memory_ids: Sequence[UUID]) -> Counts:
        try:
            await self._store(await self.embedder.left_behind(self.tenant_id))
            texts, memories = await self._missing(memory_ids)
            await self._embed(texts, memories)
        except VectorColumnError as error:
            logger.warning("embeddings_not_stored", tenant_id=self.tenant_id, explanation=str(error))
            _, memories = await self._missing(memory_ids)
            self.failed = Counter({error.reason: memories.total()})
        _, left = await self._missing(memory_ids)
        embedded, reasons = len(memory_ids) - left.total(), dict(self.skipped + self.failed)
        logger.info("memories_embedded", tenant_id=self.tenant_id, count=embedded, left=reasons)
        return Counts(
            reasons=reasons,
            input_tokens=self.input_tokens,
            embedded=embedded,
            skipped=self.skipped.total(),
            failed=self.failed.total(),
        )

    async def _missing(self, memory_ids: Sequence[UUID]) -> tuple[dict[str, str], Counter[str]]:
        """Return the texts to embed by their hashes, and how many memories have each of them."""
        asked = (self.tenant_id, self.name, list(memory_ids), LONGEST_TEXT, self.excluded)
        rows = await fetch(self.tools.pool, TEXTS[self.place.table], *asked)
        return {row["name"]: row["text"] for row in rows}, Counter({row["name"]: row["memories"] for row in rows})

    async def _embed(self, texts: dict[str, str], memories: Counter[str]) -> None:
        parts = [texts] if texts else []
        while parts:
            part = parts.pop()
            try:
                answer = await self.embedder.embed(self.tenant_id, part, attempt_group=self.attempt_group)
            except (ContextTooLongError, QuestionRefusedError) as error:
                further = smaller(part, too_long=isinstance(error, ContextTooLongError))
                if not further:
                    self.failed[error.reason] += sum(memories[name] for name in part)
                parts += further
            except LanguageModelError as error:
                if error.retryable:
                    raise
                kind = self.skipped if isinstance(error, BudgetExhaustedError) else self.failed
                kind[error.reason] += sum(memories[name] for one in (part, *parts) for name in one)
                return
            else:
                await self._store([answer])

    async def _store(self, answers: Sequence[Embedded]) -> None:
        if not answers:
            return
        vectors = {name: vector for answer in answers for name, vector in answer.vectors.items()}
        self.input_tokens += sum(answer.input_tokens for answer in answers)
        async with transaction(self.tools.pool) as db:
            await store_vectors(db, self.place, self.tenant_id, self.name, vectors)
            await self.embedder.take_away(db, answers)


def _skipped(memories: int, reason: str) -> Counts:
    return Counts(reasons={reason: memories} if memories else {}, skipped=memories)


TASK: Final = Embedding

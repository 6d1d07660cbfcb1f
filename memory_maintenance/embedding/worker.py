"""Embedding: the one step that gives derived memories their vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import structlog

from memory_maintenance.embedding.place import Place, place_of, store_vectors
from memory_maintenance.embedding.policy import LONGEST_TEXT, smaller
from memory_maintenance.embedding.statements import TEXTS
from memory_maintenance.errors import (
    BudgetExhaustedError,
    ContextTooLongError,
    LanguageModelError,
    QuestionRefusedError,
    VectorColumnError,
)
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch, transaction
from memory_maintenance.tenants.control import control_of
from memory_maintenance.writers.model.context import estimated_tokens
from memory_maintenance.writers.model.embedder import Embedded, Embedder

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EmbeddingOutcome:
    """What became of some memories: numbers, and reasons from a closed set.

    Whatever was not embedded stays due; the memories themselves are never touched.
    """

    status: Literal["done", "paused", "skipped"]
    embedded: int = 0
    skipped: int = 0
    failed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    input_tokens: int = 0


@dataclass(frozen=True, slots=True)
class EmbeddingWorker:
    """Embeds derived memories where the store keeps vectors."""

    pool: Pool
    settings: Settings
    embedder: Embedder | None
    """None: EMBEDDING_MODEL is not set."""

    async def embed(
        self,
        tenant_id: str,
        memory_ids: Sequence[UUID],
        *,
        round: str,  # noqa: A002
    ) -> EmbeddingOutcome:
        """Embed those among *memory_ids* that have no vector yet; at most ``BATCH`` of them.

        Safe to retry and to call twice at once: a text that is embedded already is not sent again,
        and a retry reports the memories that the first call has embedded.

        Args:
            tenant_id: whose.
            memory_ids: which, as ``due_embeddings`` found them.
            round: what the permitted bad answers are counted by: the same for every retry.

        Raises:
            LanguageModelError: a retryable one: call again, for what is still missing.
        """
        if (await control_of(self.pool, tenant_id)).paused:
            return EmbeddingOutcome("paused")
        name, place = self.settings.stored_embedding_name, await place_of(self.pool)
        if self.embedder is None or name is None:
            return _skipped(len(memory_ids), "no_embedding_model")
        if place is None:
            return _skipped(len(memory_ids), "no_vector_column")
        step = _Step(self.pool, self.embedder, place, name, tenant_id, round)
        return await step.taken(memory_ids)

    async def foresee(self, tenant_id: str, memory_ids: Sequence[UUID]) -> EmbeddingOutcome:
        """Say what ``embed`` would do if the endpoint answers, with the tokens it takes at most; nothing is sent."""
        if (await control_of(self.pool, tenant_id)).paused:
            return EmbeddingOutcome("paused")
        name, place = self.settings.stored_embedding_name, await place_of(self.pool)
        if place is None or not self.settings.embeds:
            return _skipped(len(memory_ids), "no_vector_column" if place is None else "no_embedding_model")
        rows = await fetch(self.pool, TEXTS[place.table], tenant_id, name, list(memory_ids), LONGEST_TEXT)
        tokens = sum(estimated_tokens(row["text"]) for row in rows)
        return EmbeddingOutcome("done", embedded=sum(row["memories"] for row in rows), input_tokens=tokens)


@dataclass
class _Step:
    """Some memories of one tenant on their way, and what became of them so far."""

    pool: Pool
    embedder: Embedder
    place: Place
    name: str
    tenant_id: str
    round: str
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    input_tokens: int = 0

    async def taken(self, memory_ids: Sequence[UUID]) -> EmbeddingOutcome:
        try:
            await self._store(await self.embedder.left_behind(self.tenant_id))
            texts, memories = await self._missing(memory_ids)
            await self._embed(texts, memories)
        except VectorColumnError as error:
            logger.warning("embeddings_not_stored", tenant_id=self.tenant_id, explanation=str(error))
            _, memories = await self._missing(memory_ids)
            self.failed = Counter({error.reason: memories.total()})
        _, left = await self._missing(memory_ids)
        return self._outcome(len(memory_ids) - left.total())

    async def _missing(self, memory_ids: Sequence[UUID]) -> tuple[dict[str, str], Counter[str]]:
        """Return the texts to embed by their hashes, and how many memories have each of them."""
        asked = (self.tenant_id, self.name, list(memory_ids), LONGEST_TEXT)
        rows = await fetch(self.pool, TEXTS[self.place.table], *asked)
        return {row["name"]: row["text"] for row in rows}, Counter({row["name"]: row["memories"] for row in rows})

    async def _embed(self, texts: dict[str, str], memories: Counter[str]) -> None:
        parts = [texts] if texts else []
        while parts:
            part = parts.pop()
            try:
                answer = await self.embedder.embed(self.tenant_id, part, round=self.round)
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
        async with transaction(self.pool) as db:
            await store_vectors(db, self.place, self.tenant_id, self.name, vectors)
            await self.embedder.take_away(db, answers)

    def _outcome(self, embedded: int) -> EmbeddingOutcome:
        reasons = dict(self.skipped + self.failed)
        logger.info("memories_embedded", tenant_id=self.tenant_id, count=embedded, left=reasons)
        return EmbeddingOutcome(
            "done",
            embedded=embedded,
            skipped=self.skipped.total(),
            failed=self.failed.total(),
            reasons=reasons,
            input_tokens=self.input_tokens,
        )


def _skipped(memories: int, reason: str) -> EmbeddingOutcome:
    return EmbeddingOutcome("skipped", skipped=memories, reasons={reason: memories} if memories else {})

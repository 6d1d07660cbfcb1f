"""Embedding: the one step that gives derived memories their vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID, uuid4

import structlog

from memory_maintenance.database.pool import Pool, fetch, transaction
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
from memory_maintenance.language_model.embedder import Embedded, Embedder, open_embedder
from memory_maintenance.operations.tenants import control_of
from memory_maintenance.settings import Settings, load_settings

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EmbeddingOutcome:
    """What became of some memories: numbers, and reasons from a closed set.

    Whatever was not embedded stays due; the memories themselves are never touched.
    """

    status: Literal["embedded", "paused", "skipped"]
    embedded: int = 0
    skipped: int = 0
    failed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    input_tokens: int = 0


@dataclass
class _Batch:
    """Memories of one tenant on their way; what could not be embedded, by the reason."""

    tenant_id: str
    place: Place
    round: str
    memories: Mapping[str, int]
    """How many memories have a text, by its hash."""
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    input_tokens: int = 0

    def add(self, to: Counter[str], reason: str, texts: Mapping[str, str]) -> None:
        to[reason] += sum(self.memories[name] for name in texts)


class EmbeddingWorker:
    """Embeds derived memories where the store keeps vectors."""

    def __init__(self, pool: Pool, settings: Settings | None = None, embedder: Embedder | None = None) -> None:
        """Prepare the worker: None means the settings of the environment, and the model that they name."""
        self._pool = pool
        self._settings = settings or load_settings()
        self._embedder = embedder or open_embedder(self._settings, pool)
        self._name = self._settings.stored_embedding_name

    async def embed(
        self,
        tenant_id: str,
        memory_ids: Sequence[UUID],
        *,
        round: str | None = None,  # noqa: A002
    ) -> EmbeddingOutcome:
        """Embed those among *memory_ids* that have no vector yet; at most ``BATCH`` of them.

        Safe to retry and to call twice at once: a text that is embedded already is not sent again,
        and a retry reports the memories that the first call has embedded.

        Args:
            tenant_id: whose.
            memory_ids: which, as ``due_embeddings`` found them.
            round: what the permitted bad answers are counted by; None: this call alone.

        Raises:
            LanguageModelError: a retryable one: ask again for what is still missing.
        """
        if (await control_of(self._pool, tenant_id)).paused:
            return EmbeddingOutcome("paused")
        place = await place_of(self._pool)
        if self._embedder is None or self._name is None or place is None:
            return _skipped(len(memory_ids), "no_vector_column" if place is None else "no_embedding_model")
        run = _Run(self._pool, self._embedder, self._name, place, tenant_id, round or str(uuid4()))
        await run.embed(memory_ids)
        return run.outcome(len(memory_ids))

"""Embedding through the ledger: claimed, paid and kept like every other answer.

The vectors of an answer stay in the ledger until they are in the store, so that a crash in
between does not cost them; then they are taken away, and what they cost stays on record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from memory_maintenance.errors import LanguageModelError
from memory_maintenance.observability.logs import quiet_third_party_loggers
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor, Pool, execute, fetch
from memory_maintenance.writers.model.accounted_model import AccountedModel
from memory_maintenance.writers.model.asking import accounted
from memory_maintenance.writers.model.embedding_client import Embeddings, EmbeddingsClient, read_embeddings
from memory_maintenance.writers.model.judging import read_answer
from memory_maintenance.writers.model.ledger import Claim
from memory_maintenance.writers.model.question import Question

VERSION: Final = "embedding/1"
"""What is sent: the text of a memory, as it is."""

LEFT_ANSWERS: Final = """
-- model.LEFT_ANSWERS: answers of a model that a caller left behind before it could store them.
--   $1 tenant_id  text
--   $2 model      text
SELECT question, attempt, caller, round, state, response, coalesce(input_tokens, 0) AS input_tokens
FROM maintenance.model_calls
WHERE tenant_id = $1 AND model = $2 AND purpose = 'embedding' AND state IN ('answered', 'accepted')
      AND response IS NOT NULL
ORDER BY claimed_at
"""

TAKE_AWAY_ANSWERS: Final = """
-- model.TAKE_AWAY_ANSWERS: the vectors of these answers are in the store; what they cost stays.
--   $1 questions  text[]
UPDATE maintenance.model_calls SET response = NULL
WHERE question = ANY ($1) AND state = 'accepted' AND response IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors by the name of their text, and the question of the ledger they are the answer to."""

    question: str
    vectors: Mapping[str, Sequence[float]]
    input_tokens: int


@dataclass(frozen=True, slots=True)
class Embedder:
    """Turns texts into vectors, each answer paid once."""

    model: AccountedModel

    @property
    def model_name(self) -> str:
        """Return the model's name at the endpoint."""
        return self.model.client.model

    async def close(self) -> None:
        """Close the connections to the endpoint."""
        await self.model.close()

    async def embed(self, tenant_id: str, texts: Mapping[str, str], *, attempt_group: str) -> Embedded:
        """Return the vectors of *texts* by their names, with one call or none.

        Raises:
            LanguageModelError: as of ``AccountedModel.ask``.
        """
        answer = await self.model.ask(_question(tenant_id, texts, attempt_group))
        return Embedded(answer.question, answer.value.by_name, answer.input_tokens)

    async def left_behind(self, tenant_id: str) -> list[Embedded]:
        """Return what was paid and never stored: their callers died in between."""
        rows = await fetch(self.model.ledger.pool, LEFT_ANSWERS, tenant_id, self.model_name)
        found = [await self._taken_up(tenant_id, dict(row)) for row in rows]
        return [one for one in found if one]

    async def _taken_up(self, tenant_id: str, row: Mapping[str, Any]) -> Embedded | None:
        question = _question(tenant_id, {}, row["round"])
        if row["state"] == "accepted":
            value = read_answer(read_embeddings(row["response"]).content, question.answer_type)
            return Embedded(row["question"], value.by_name, row["input_tokens"]) if value else None
        claim = Claim(row["question"], row["attempt"], row["caller"])
        try:
            answer = await self.model.take_up(question, claim, row["response"])
        except LanguageModelError:
            return None  # of no use, and settled as such
        return Embedded(answer.question, answer.value.by_name, answer.input_tokens)

    async def take_away(self, db: Executor, answers: Sequence[Embedded]) -> None:
        """Take the vectors of *answers* out of the ledger, in the transaction that stores them."""
        await execute(db, TAKE_AWAY_ANSWERS, [answer.question for answer in answers])


def _question(tenant_id: str, texts: Mapping[str, str], asked_in: str) -> Question[Embeddings]:
    return Question(
        purpose="embedding",
        tenant_id=tenant_id,
        prompt_version=VERSION,
        system="",
        prompt=json.dumps(texts, ensure_ascii=False),
        answer_type=Embeddings,
        sources=(),
        attempt_group=asked_in,
    )


def open_embedder(settings: Settings, pool: Pool) -> Embedder | None:
    """Return the embedder behind the configured endpoint, None where nothing is to be embedded.

    Nothing is sent yet. Close it with ``await embedder.close()``.
    """
    if not settings.embeds or settings.embedding_model is None:
        return None
    quiet_third_party_loggers()
    client = EmbeddingsClient(
        base_url=settings.llm_base_url,
        api_key=settings.openai_api_key,
        model=settings.embedding_model,
        timeout=settings.model_timeout,
        proxy=settings.model_proxy,
    )
    return Embedder(accounted(client, settings, pool, answer_tokens=0, read=read_embeddings))

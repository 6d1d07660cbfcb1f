"""Derived memories in RAE's own table, and an embedder in front of a scripted endpoint."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from memory_maintenance.embedding.due import due_embeddings
from memory_maintenance.settings import Settings
from memory_maintenance.store.derived import DerivedMemory, insert_derived, rewrite_derived
from memory_maintenance.store.pool import Pool, fetch
from memory_maintenance.writers.model.asking import patiently
from memory_maintenance.writers.model.embedder import open_embedder
from scripted_endpoint.replies import embeddings
from scripted_endpoint.server import ScriptedEndpoint
from tests.steps import Embedded, Embeds

MODEL = "small-embedder"

MakeWorker = Callable[..., Embeds]


@pytest.fixture
async def make_worker(endpoint: ScriptedEndpoint) -> AsyncIterator[MakeWorker]:
    """Opens workers, as as many processes would, on a store and with settings of the test's choice."""
    endpoint.otherwise = embeddings
    opened: list[Embeds] = []

    def make(pool: Pool, **chosen: Any) -> Embeds:
        named = {"openai_base_url": endpoint.base_url, "embedding_model": MODEL, "model_timeout_seconds": 10}
        settings = Settings(_env_file=None, **{**named, **chosen})
        worker = Embeds(pool, settings, open_embedder(settings, pool))
        opened.append(worker)
        return worker

    yield make
    for worker in opened:
        if worker.embedder:
            await worker.embedder.close()


def summary(tenant: str, text: str, **changes: Any) -> DerivedMemory:
    """Return a summary by maintenance with this text."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "tenant_id": tenant,
        "task": "summarization",
        "subject": "s",
        "content": text,
        "source": "summarization_worker",
        "importance": 0.5,
        "layer": "episodic",
        "tags": ("session_summary",),
        "project": None,
        "session_id": None,
        "metadata": {},
        "sources": (),
    }
    return DerivedMemory(**{**values, **changes})


async def remember(pool: Pool, tenant: str, *texts: str, **changes: Any) -> list[UUID]:
    """Store summaries with these texts; return their ids."""
    memories = [summary(tenant, text, **changes) for text in texts]
    for memory in memories:
        await insert_derived(pool, memory)
    return [memory.id for memory in memories]


async def rewrite(pool: Pool, tenant: str, memory_id: UUID, text: str) -> None:
    """Give a summary another text, as a grown session does."""
    await rewrite_derived(pool, summary(tenant, text, id=memory_id))


async def embed_due(worker: Embeds, tenant: str) -> Embedded:
    """Embed the next batch that is due, as a run of its own does."""
    due, cycle = await due_embeddings(worker.pool, tenant, settings=worker.settings), str(uuid4())
    return await patiently(lambda: worker.embed(tenant, due, cycle=cycle))


async def vectors(pool: Pool) -> dict[str, list[float]]:
    """Return the vector of each text that has one in RAE's table."""
    rows = await fetch(
        pool,
        "SELECT m.content, e.embedding::real[] AS vector FROM memory_embeddings e JOIN memories m ON m.id = e.memory_id",
    )
    return {row["content"]: row["vector"] for row in rows}

"""The whole path with a real model: HTTP, tokens, vectors that pgvector compares."""

import pytest

from memory_maintenance.store.pool import fetch_value
from tests.embedding.conftest import embed_due, remember
from tests.small_model import small_embedder_url

__all__ = ["small_embedder_url"]

pytestmark = pytest.mark.model

NEAREST = """
SELECT m.content FROM memories m JOIN memory_embeddings e ON e.memory_id = m.id
WHERE m.id <> $1 ORDER BY e.embedding <=> (SELECT embedding FROM memory_embeddings WHERE memory_id = $1) LIMIT 1
"""


@pytest.fixture
def real_worker(rae_pool, make_worker, small_embedder_url):
    return make_worker(rae_pool, openai_base_url=small_embedder_url, embedding_model="local", model_timeout_seconds=60)


async def test_a_real_models_vectors_find_the_memory_about_the_same(rae_pool, tenant, real_worker):
    if not await fetch_value(rae_pool, "SELECT count(*) FROM pg_extension WHERE extname = 'vector'"):
        pytest.skip("this server has no pgvector")
    [asked, *_] = await remember(
        rae_pool,
        tenant,
        "The blue tent of order 12 leaks at the seam after a night of rain.",
        "The invoice export fails when an address is missing.",
        "The blue tent of order 15 leaks at the seam after one night of rain.",
        "Marek approved the budget of the marketing team for March.",
    )
    outcome = await embed_due(real_worker, tenant)
    assert (outcome.embedded, outcome.failed) == (4, 0)
    assert 20 < outcome.input_tokens < 100
    assert await fetch_value(rae_pool, NEAREST, asked) == (
        "The blue tent of order 15 leaks at the seam after one night of rain."
    )


async def test_a_text_longer_than_the_real_model_takes_is_embedded_by_its_beginning(rae_pool, tenant, real_worker):
    await remember(rae_pool, tenant, "A short one.", "The blue tent leaks at the seam. " * 200)
    assert (await embed_due(real_worker, tenant)).embedded == 2

from uuid import uuid4

import pytest

from commands.findable import in_words
from memory_maintenance.inspection.findable import Findable, count_findable
from memory_maintenance.store.pool import execute
from tests.agents import talk, write
from tests.settings import settings

EMBED = "INSERT INTO memory_embeddings (memory_id, model_name, embedding) VALUES ($1, $2, '{1,2}'::real[])"
EMBEDS = {"embedding_model": "small", "openai_base_url": "http://127.0.0.1:1/v1"}


@pytest.fixture
async def store(rae_pool, tenant):
    """Three summaries, one embedded by each of two models, beside what agents wrote; another tenant's reflection."""
    await write(rae_pool, tenant, talk(4))
    ids = await write(rae_pool, tenant, talk(3), source="summarization_worker")
    await write(rae_pool, str(uuid4()), talk(1), source="reflection_engine_v2")
    await execute(rae_pool, EMBED, ids[0], "small")
    await execute(rae_pool, EMBED, ids[1], "large")
    return rae_pool


@pytest.mark.parametrize(
    ("chosen", "model", "not_found"),
    [
        pytest.param({}, None, 2, id="no model configured: any vector counts"),
        pytest.param(EMBEDS, "small", 3, id="the model's own vectors count"),
        pytest.param({**EMBEDS, "embedding_name": "large"}, "large", 3, id="by the name that the store has for it"),
    ],
)
async def test_a_store_is_counted_by_the_vectors_of_the_model(store, chosen, model, not_found):
    counts = await count_findable(store, settings(**chosen))
    assert counts == Findable(4, not_found, "memory_embeddings", model, embeds=bool(chosen))


async def test_a_tenant_is_counted_alone(store, tenant):
    counts = await count_findable(store, settings(), tenant)
    assert (counts.derived, counts.not_found) == (3, 1)


async def test_the_column_counts_where_there_is_no_table(store):
    await execute(store, "DROP TABLE memory_embeddings")
    await execute(store, "UPDATE memories SET embedding = '{1,2}'::real[] WHERE source = 'reflection_engine_v2'")
    counts = await count_findable(store, settings(**EMBEDS))
    assert (counts.derived, counts.not_found, counts.table) == (4, 3, "memories")


async def test_a_store_without_vectors_says_so(pool):
    await write(pool, "acme", talk(2), source="summarization_worker")
    counts = await count_findable(pool, settings(**EMBEDS))
    assert counts == Findable(2, 2, None, "small", embeds=False)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (Findable(5, 2, "memories", None, embeds=False), "set EMBEDDING_MODEL"),
        (Findable(5, 2, "memory_embeddings", "small", embeds=True), "the next daily run embeds them"),
        (
            Findable(5, 0, "memory_embeddings", "small", embeds=True),
            "a search there finds them all; RAE's engine searches Qdrant",
        ),
        (Findable(5, 5, None, None, embeds=False), "keeps no vectors"),
    ],
)
def test_the_sentence_says_what_to_do(counts, said):
    assert said in in_words(counts)

"""A reflection of whose sources some are gone is written again from what is left, or removed."""

from datetime import timedelta

import pytest

from memory_maintenance.store.pool import execute, fetch, fetch_value
from tests.agents import AS_OF, derived, write
from tests.dreaming.test_updating import dreamer
from tests.fake_model import FakeModel

DAY = timedelta(days=1)


LINES = [
    "Mara's bread oven lost heat at noon.",
    "The baker Bergstrom asked for a new door of the bread oven.",
    "The bread oven was cleaned by Piet.",
    "A repairman looked at the bread oven.",
    "Insurance refused to pay the bread oven.",
]


async def told(pool, tenant):
    """Five sessions in which an oven recurs; the second names a person."""
    ids = []
    for n, line in enumerate(LINES):
        day = AS_OF - timedelta(hours=20) + n * timedelta(hours=4)
        ids += await write(pool, tenant, [line], session=f"s{n}", importance=0.9, start=day)
    return ids


async def reflections(pool, tenant):
    return await derived(pool, tenant, "reflection_engine_v2")


@pytest.mark.parametrize("backend", ["extractive", "openai"])
async def test_a_reflection_is_written_again_from_what_is_left(any_pool, tenant, backend):
    ids = await told(any_pool, tenant)
    one = dreamer(any_pool, backend, FakeModel() if backend == "openai" else None)
    await one.dream(tenant, "shop", as_of=AS_OF)
    before = await reflections(any_pool, tenant)
    await execute(any_pool, "DELETE FROM memories WHERE id = $1", ids[1])
    done = await one.do(tenant, "shop", as_of=AS_OF + DAY)
    after = await reflections(any_pool, tenant)
    assert (done.counts.of("updated"), [row["id"] for row in after]) == (1, [row["id"] for row in before])
    left = {row["source_id"] for row in await fetch(any_pool, "SELECT source_id FROM maintenance.lineage")}
    assert left <= {*ids} - {ids[1]}
    texts = "\n".join(row["content"] + str(row["metadata"]) for row in after)
    assert "Bergstrom" not in texts
    assert "oven" in texts


async def test_a_reflection_of_which_too_little_is_left_is_removed_with_its_strategy(any_pool, tenant):
    ids = await told(any_pool, tenant)
    one = dreamer(any_pool, "openai", FakeModel())
    await one.dream(tenant, "shop", as_of=AS_OF)
    assert len(await reflections(any_pool, tenant)) == 2
    await execute(any_pool, "DELETE FROM memories WHERE id = ANY ($1)", ids[:3])
    done = await one.do(tenant, "shop", as_of=AS_OF + DAY)
    assert done.counts.reasons == {"sources_gone": 1}
    assert await reflections(any_pool, tenant) == []
    assert await fetch_value(any_pool, "SELECT count(*) FROM maintenance.lineage") == 0


async def test_a_memory_that_the_model_read_without_naming_it_makes_the_reflection_stale(pool, tenant):
    ids = await told(pool, tenant)

    one = dreamer(pool, "openai", FakeModel())
    await one.dream(tenant, "shop", as_of=AS_OF)
    named = {row["source_id"] for row in await fetch(pool, "SELECT source_id FROM maintenance.lineage")}
    assert len(named) == 2
    await execute(pool, "DELETE FROM memories WHERE id = $1", next(one for one in ids if one not in named))
    assert (await one.do(tenant, "shop", as_of=AS_OF + DAY)).counts.of("updated") == 1

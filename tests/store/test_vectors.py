from memory_maintenance.store.pool import execute, fetch_value
from memory_maintenance.store.vectors import vectors_of
from tests.agents import write

TENANT = "00000000-0000-0000-0000-000000000007"
OTHER_TENANT = "00000000-0000-0000-0000-000000000008"
INSERT = "INSERT INTO memory_embeddings (memory_id, model_name, embedding) VALUES ($1, $2, $3::real[])"


async def test_vectors_are_of_the_named_model_else_of_the_one_that_most_memories_have(rae_pool):
    one, other = await write(rae_pool, TENANT, ["A tent", "A lamp"])
    [foreign] = await write(rae_pool, OTHER_TENANT, ["A boat"])
    for memory_id, name, vector in (
        (one, "a", [1.0, 0.0]),
        (one, "b", [0.5]),
        (other, "b", [0.25]),
        (foreign, "b", [2.0]),
    ):
        await execute(rae_pool, INSERT, memory_id, name, vector)

    async def vectors(name):
        return {key: list(vector) for key, vector in (await vectors_of(rae_pool, TENANT, ids, name=name)).items()}

    ids = [one, other, foreign]
    assert await vectors("a") == {one: [1.0, 0.0]}
    assert await vectors(None) == {one: [0.5], other: [0.25]}
    assert await vectors("c") == {}


async def test_of_vectors_of_two_dimensions_in_the_column_those_of_most_memories_count(rae_pool):
    await execute(rae_pool, "DROP TABLE memory_embeddings")
    ids = await write(rae_pool, TENANT, ["A tent", "A lamp", "A boat", "A door"])
    for memory_id, vector in zip(ids, ([1.0], [0.5, 0.5], [0.25, 1.0]), strict=False):
        await execute(rae_pool, "UPDATE memories SET embedding = $2::real[] WHERE id = $1", memory_id, vector)
    found = await vectors_of(rae_pool, TENANT, ids, name=None)
    assert {key: list(vector) for key, vector in found.items()} == {ids[1]: [0.5, 0.5], ids[2]: [0.25, 1.0]}


async def test_a_store_without_vectors_has_none(pool):
    [memory_id] = await write(pool, TENANT, ["A tent"])
    assert await fetch_value(pool, "SELECT to_regclass('memory_embeddings') IS NULL")
    assert await vectors_of(pool, TENANT, [memory_id], name=None) == {}

import pytest

from memory_maintenance.changes.change import changes
from memory_maintenance.changes.undoing import undo
from memory_maintenance.duplicates.task import Duplicates
from memory_maintenance.store.pool import execute, fetch
from tests.agents import write
from tests.changes.nights import TENANT, demoted, night, rows
from tests.duplicates.vectors import MODEL, TEXTS, vector

TEXT = "The lamp in the hall is red."


async def _night(pool):
    return await night(pool, Duplicates, memory_duplicates="apply", memory_duplicates_near="propose")


async def test_exact_duplicates_are_folded_and_near_ones_proposed(any_pool):
    await write(any_pool, TENANT, [TEXT, TEXT.lower(), "In the hall is red lamp, the", "Red is the lamp in the hall"])
    before = await rows(any_pool)
    counts = await _night(any_pool)
    assert (counts.of("folded"), counts.of("proposed")) == (1, 1)
    assert (await rows(any_pool)).keys() == before.keys()
    assert await demoted(any_pool) == 1
    [fold] = await changes(any_pool)
    assert (fold.kind, fold.reason, fold.task) == ("exact", "same_text", "duplicates")
    [row] = await fetch(any_pool, "SELECT metadata FROM memories WHERE id = $1", fold.memory_id)
    assert row["metadata"]["duplicate_of"] == str(fold.evidence[0])
    assert [one.refused for one in await undo(any_pool, str(fold.change_id))] == [None]
    assert await rows(any_pool) == before


REPHRASED = [
    {"My sister Ruth is allergic to walnuts.", "Ruth, my sister, has a walnut allergy."},
    {"Camille préfère les réunions du matin.", "Camille aime mieux se réunir le matin."},
    # What no vector tells apart, a person does.
    {"The flower shop was sold by Emma.", "Emma bought the flower shop."},
]


async def _embed(pool, *, in_table):
    for row in await fetch(pool, "SELECT id, content FROM memories"):
        if in_table:
            insert = "INSERT INTO memory_embeddings (memory_id, model_name, embedding) VALUES ($1, $2, $3::real[])"
            await execute(pool, insert, row["id"], MODEL, vector(row["content"]))
            await execute(pool, insert, row["id"], "another", [1.0, 0.0])
        else:
            update = "UPDATE memories SET embedding = $2::real[] WHERE id = $1"
            await execute(pool, update, row["id"], vector(row["content"]))


@pytest.mark.parametrize("in_table", [True, False])
async def test_what_only_vectors_find_is_proposed_and_never_folded(rae_pool, in_table):
    if not in_table:
        await execute(rae_pool, "DROP TABLE memory_embeddings")
    texts = [text for text in TEXTS if text != "Emma sold the flower shop."]
    await write(rae_pool, TENANT, texts)
    await _embed(rae_pool, in_table=in_table)
    counts = await night(
        rae_pool, Duplicates, memory_duplicates="apply", memory_duplicates_near="apply", embedding_name=MODEL
    )
    assert (counts.of("folded"), counts.of("proposed"), await demoted(rae_pool)) == (0, len(REPHRASED), 0)
    said = {row["id"]: row["content"] for row in await fetch(rae_pool, "SELECT id, content FROM memories")}
    proposed = await changes(rae_pool, status="proposed")
    assert {(one.kind, one.reason) for one in proposed} == {("near", "near_vectors")}
    pairs = [{said[one.memory_id], said[one.evidence[0]]} for one in proposed]
    assert sorted(pairs, key=sorted) == sorted(REPHRASED, key=sorted)


async def test_vectors_of_two_projects_are_not_compared(rae_pool):
    one, other = sorted(REPHRASED[0])
    await write(rae_pool, TENANT, [one], project="house")
    await write(rae_pool, TENANT, [other], project="shop")
    await _embed(rae_pool, in_table=True)
    assert not (await night(rae_pool, Duplicates, memory_duplicates_near="propose", embedding_name=MODEL)).of(
        "proposed"
    )


async def test_whatever_is_folded_undoing_all_in_reverse_restores_every_row_to_the_last_bit(any_pool):
    words = ["lamp", "door", "shop", "room"]
    texts = [f"The {word} in hall {number % 2} is open" for word in words for number in range(5)]
    await write(any_pool, TENANT, texts + [text.upper() for text in texts[::3]])
    await execute(
        any_pool, "UPDATE memories SET importance = random(), usage_count = random() * 9 WHERE random() < 0.7"
    )
    before = await rows(any_pool)
    await _night(any_pool)
    folded = await changes(any_pool)
    assert len(folded) > 10
    for fold in folded:
        assert [one.refused for one in await undo(any_pool, str(fold.change_id))] == [None]
    assert await rows(any_pool) == before

from memory_maintenance.changes.change import changes
from memory_maintenance.changes.undoing import undo
from memory_maintenance.duplicates.task import Duplicates
from memory_maintenance.store.pool import execute, fetch
from tests.agents import write
from tests.changes.nights import TENANT, demoted, night, rows

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

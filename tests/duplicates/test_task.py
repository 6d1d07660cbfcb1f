from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from memory_maintenance.changes.change import changes
from memory_maintenance.changes.undoing import undo
from memory_maintenance.cycles.step import do_unit
from memory_maintenance.duplicates import task as duplicates
from memory_maintenance.duplicates.task import Duplicates
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch, fetch_value
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Run
from tests.agents import AS_OF, write
from tests.pools import DiedError, dying

TENANT = "00000000-0000-0000-0000-000000000007"
TEXT = "The lamp in the hall is red."
APPLY: dict[str, Any] = {"memory_duplicates": "apply", "memory_duplicates_near": "propose"}


async def _night(pool, as_of=AS_OF, *, dry_run=False, **modes) -> Counts:
    settings = Settings(_env_file=None, **(modes or APPLY))
    task, run = Duplicates(Tools(pool, settings)), Run(cycle_id=uuid4(), as_of=as_of, dry_run=dry_run)
    planned = await task.plan([Tenant(TENANT, settings)], run)
    counts = Counts()
    unit: dict[str, Any] | None = {} if planned else None
    while unit is not None:
        done = await do_unit(task, TENANT, unit, run)
        counts, unit = counts.plus(done.counts), done.next
    return counts


async def _rows(pool):
    return {row[0]: row[1] for row in await fetch(pool, "SELECT id, m::text FROM memories m")}


async def _demoted(pool) -> int:
    return int(await fetch_value(pool, "SELECT count(*) FROM memories WHERE demotion IS NOT NULL"))


async def test_exact_duplicates_are_folded_and_near_ones_proposed(any_pool):
    await write(any_pool, TENANT, [TEXT, TEXT.lower(), "In the hall is red lamp, the", "Red is the lamp in the hall"])
    before = await _rows(any_pool)
    counts = await _night(any_pool)
    assert (counts.of("folded"), counts.of("proposed")) == (1, 1)
    assert (await _rows(any_pool)).keys() == before.keys()
    assert await _demoted(any_pool) == 1
    [fold] = await changes(any_pool)
    assert (fold.kind, fold.reason, fold.task) == ("exact", "same_text", "duplicates")
    [row] = await fetch(any_pool, "SELECT metadata FROM memories WHERE id = $1", fold.memory_id)
    assert row["metadata"]["duplicate_of"] == str(fold.evidence[0])
    assert [one.refused for one in await undo(any_pool, str(fold.change_id))] == [None]
    assert await _rows(any_pool) == before


async def test_a_second_night_does_nothing_and_what_was_undone_stays_undone(pool):
    await write(pool, TENANT, [TEXT] * 3)
    assert (await _night(pool)).of("folded") == 2
    [*folds] = await changes(pool)
    assert not await _night(pool, AS_OF + timedelta(seconds=1))
    for fold in folds:
        await undo(pool, str(fold.change_id))
    await write(pool, TENANT, [TEXT], start=AS_OF)
    await _night(pool, AS_OF + timedelta(days=1))
    undone = {(fold.memory_id, fold.evidence) for fold in folds}
    assert not undone & {(one.memory_id, one.evidence) for one in await changes(pool, status="applied")}


async def test_a_new_memory_is_folded_into_an_old_one(pool):
    await write(pool, TENANT, [TEXT], start=AS_OF - timedelta(days=40))
    assert not (await _night(pool)).of("folded")
    await write(pool, TENANT, [TEXT], start=AS_OF + timedelta(hours=1))
    assert (await _night(pool, AS_OF + timedelta(days=1))).of("folded") == 1


@pytest.mark.parametrize("mode", ["propose", "apply"])
async def test_a_dry_run_counts_and_writes_nothing(pool, mode):
    await write(pool, TENANT, [TEXT] * 3)
    before = await _rows(pool)
    foreseen = await _night(pool, dry_run=True, memory_duplicates=mode)
    assert (await _rows(pool), await fetch_value(pool, "SELECT count(*) FROM maintenance.changes")) == (before, 0)
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.duplicates_passes") == 0
    assert await _night(pool, memory_duplicates=mode) == foreseen


async def test_only_a_tenants_own_memories_of_one_project_and_class_are_folded(pool):
    await write(pool, TENANT, [TEXT], project="shop")
    await write(pool, TENANT, [TEXT], project="house")
    await write(pool, TENANT, [TEXT], project="shop", metadata={"info_class": "restricted"})
    await write(pool, "00000000-0000-0000-0000-000000000008", [TEXT], project="shop")
    assert not (await _night(pool)).of("folded", "proposed")


async def test_derived_expired_and_demoted_memories_are_left_out(pool):
    await write(pool, TENANT, [TEXT], source="summarization_worker", tags=["session_summary"])
    await write(pool, TENANT, [TEXT], source="expired")
    await write(pool, TENANT, [TEXT], source="demoted")
    await write(pool, TENANT, [TEXT])
    await execute(pool, "UPDATE memories SET expires_at = $1 WHERE source = 'expired'", AS_OF - timedelta(days=1))
    await execute(pool, "UPDATE memories SET demotion = 0.5 WHERE source = 'demoted'")
    assert not (await _night(pool)).of("folded", "proposed")


async def test_a_night_that_dies_is_finished_by_the_next_call(pool, monkeypatch):
    monkeypatch.setattr(duplicates, "BATCH", 3)
    await write(pool, TENANT, [TEXT] * 5)
    for after in (1, 2):
        with pytest.raises(DiedError):
            await _night(dying(pool, after=after))
    await _night(pool)
    assert await _demoted(pool) == 4
    assert len(await changes(pool)) == 4


async def test_a_tenant_without_new_memories_has_nothing_due(pool):
    await write(pool, TENANT, [TEXT])
    await _night(pool)
    settings = Settings(_env_file=None, **APPLY)
    assert (
        await Duplicates(Tools(pool, settings)).plan([Tenant(TENANT, settings)], Run(cycle_id=uuid4(), as_of=AS_OF))
        == {}
    )


async def test_a_fold_is_taken_back_where_the_memory_that_stayed_is_gone(pool):
    await write(pool, TENANT, [TEXT, TEXT])
    await _night(pool)
    [fold] = await changes(pool)
    await execute(pool, "DELETE FROM memories WHERE id = $1", fold.evidence[0])
    foreseen = await _night(pool, AS_OF + timedelta(days=1), dry_run=True)
    counts = await _night(pool, AS_OF + timedelta(days=1))
    assert foreseen.of("unfolded") == counts.of("unfolded") == 1
    assert await _demoted(pool) == 0
    assert not (await _night(pool, AS_OF + timedelta(days=2))).of("unfolded")


async def test_whatever_is_folded_undoing_all_in_reverse_restores_every_row_to_the_last_bit(any_pool):
    words = ["lamp", "door", "shop", "room"]
    texts = [f"The {word} in hall {number % 2} is open" for word in words for number in range(5)]
    await write(any_pool, TENANT, texts + [text.upper() for text in texts[::3]])
    await execute(
        any_pool, "UPDATE memories SET importance = random(), usage_count = random() * 9 WHERE random() < 0.7"
    )
    before = await _rows(any_pool)
    await _night(any_pool)
    folded = await changes(any_pool)
    assert len(folded) > 10
    for fold in folded:
        assert [one.refused for one in await undo(any_pool, str(fold.change_id))] == [None]
    assert await _rows(any_pool) == before

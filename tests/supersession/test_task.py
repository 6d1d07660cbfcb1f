from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from memory_maintenance.changes.applying import apply_change
from memory_maintenance.changes.change import changes
from memory_maintenance.changes.undoing import undo
from memory_maintenance.cycles.step import do_unit
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch, fetch_value
from memory_maintenance.supersession import task as supersession
from memory_maintenance.supersession.task import SupersessionTask
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Run
from tests.agents import AS_OF, write
from tests.pools import DiedError, dying

TENANT = "00000000-0000-0000-0000-000000000007"
OTHER_TENANT = "00000000-0000-0000-0000-000000000008"
OLD, NEW = "The night export runs at 2:00.", "The night export runs at 4:00 instead of 2:00."
RENT, NEW_RENT = "The rent for the office is 900 euros.", "The rent for the office is 950 euros."


async def _night(pool, as_of=AS_OF, *, dry_run=False, mode: Any = "apply") -> Counts:
    settings = Settings(_env_file=None, memory_supersession=mode)
    task, run = SupersessionTask(Tools(pool, settings)), Run(cycle_id=uuid4(), as_of=as_of, dry_run=dry_run)
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


async def test_the_older_one_is_demoted_linked_and_dated_where_its_value_is_quoted_else_proposed(any_pool):
    old, new, rent, new_rent = await write(any_pool, TENANT, [OLD, NEW, RENT, NEW_RENT])
    before = await _rows(any_pool)
    counts = await _night(any_pool)
    assert (counts.of("superseded"), counts.of("proposed")) == (1, 1)
    [made] = await changes(any_pool)
    assert (made.memory_id, made.evidence, made.kind, made.reason) == (old, (new,), "superseded", "old_value_quoted")
    [row] = await fetch(any_pool, "SELECT metadata, demotion, importance FROM memories WHERE id = $1", old)
    assert (row["metadata"]["superseded_by"], row["demotion"]) == (str(new), 0.25)
    assert float(row["importance"]) == 0.125
    created_at = await fetch_value(any_pool, "SELECT created_at FROM memories WHERE id = $1", new)
    assert datetime.fromisoformat(row["metadata"]["valid_until"]) == created_at
    [proposed] = await changes(any_pool, status="proposed")
    assert (proposed.memory_id, proposed.evidence, proposed.reason) == (rent, (new_rent,), "new_value")
    await apply_change(any_pool, proposed.change_id, as_of=AS_OF, by="ana")
    assert await _demoted(any_pool) == 2
    for one in await changes(any_pool):
        assert [undone.refused for undone in await undo(any_pool, str(one.change_id))] == [None]
    assert await _rows(any_pool) == before


async def test_a_second_night_does_nothing_and_what_was_undone_stays_undone(pool):
    await write(pool, TENANT, [OLD, NEW])
    assert (await _night(pool)).of("superseded") == 1
    assert not await _night(pool, AS_OF + timedelta(seconds=1))
    [made] = await changes(pool)
    await undo(pool, str(made.change_id))
    await write(pool, TENANT, ["Ben waters the plants."], start=AS_OF)
    assert not (await _night(pool, AS_OF + timedelta(days=1))).of("superseded", "proposed")
    assert await _demoted(pool) == 0


async def test_a_new_memory_replaces_an_old_one(pool):
    await write(pool, TENANT, [OLD], start=AS_OF - timedelta(days=40))
    await _night(pool)
    await write(pool, TENANT, [NEW], start=AS_OF + timedelta(hours=1))
    assert (await _night(pool, AS_OF + timedelta(days=1))).of("superseded") == 1


@pytest.mark.parametrize("mode", ["propose", "apply"])
async def test_a_dry_run_counts_and_writes_nothing(pool, mode):
    await write(pool, TENANT, [OLD, NEW, RENT, NEW_RENT])
    before = await _rows(pool)
    foreseen = await _night(pool, dry_run=True, mode=mode)
    assert (await _rows(pool), await fetch_value(pool, "SELECT count(*) FROM maintenance.changes")) == (before, 0)
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.supersession_passes") == 0
    assert await _night(pool, mode=mode) == foreseen
    assert await _demoted(pool) == (mode == "apply")


async def test_only_a_tenants_own_memories_of_one_project_and_class_are_compared(pool):
    await write(pool, TENANT, [OLD], project="house")
    await write(pool, TENANT, [OLD], metadata={"info_class": "restricted"})
    await write(pool, OTHER_TENANT, [OLD])
    await write(pool, TENANT, [NEW], start=AS_OF - timedelta(hours=1))
    assert not (await _night(pool)).of("superseded", "proposed")


async def test_derived_expired_demoted_and_protected_memories_are_left_out(pool):
    await write(pool, TENANT, [OLD], source="summarization_worker", tags=["session_summary"])
    await write(pool, TENANT, [OLD], source="expired")
    await write(pool, TENANT, [OLD], source="demoted")
    await write(pool, TENANT, [OLD], tags=["protected"])
    await write(pool, TENANT, [NEW], start=AS_OF - timedelta(hours=1))
    await execute(pool, "UPDATE memories SET expires_at = $1 WHERE source = 'expired'", AS_OF - timedelta(days=1))
    await execute(pool, "UPDATE memories SET demotion = 0.5 WHERE source = 'demoted'")
    protected = sorted(Settings(_env_file=None).memory_decay_protected_tags)
    await execute(pool, "UPDATE memories SET tags = $1 WHERE tags = '{protected}'", protected)
    assert not (await _night(pool)).of("superseded", "proposed")


async def test_a_night_that_dies_is_finished_by_the_next_call(pool, monkeypatch):
    monkeypatch.setattr(supersession, "BATCH", 2)
    subjects = ("night export", "day export", "backup of Oslo")
    versions = [
        f"The {subject} {rest}" for subject in subjects for rest in ("runs at 2:00.", "runs at 4:00 instead of 2:00.")
    ]
    await write(pool, TENANT, versions)
    for after in (1, 2):
        with pytest.raises(DiedError):
            await _night(dying(pool, after=after))
    await _night(pool)
    found = await changes(pool)
    assert len(found) == await _demoted(pool) == 3


async def test_a_demotion_is_taken_back_where_the_newer_memory_is_gone(pool):
    await write(pool, TENANT, [OLD, NEW])
    await _night(pool)
    [made] = await changes(pool)
    await execute(pool, "DELETE FROM memories WHERE id = $1", made.evidence[0])
    foreseen = await _night(pool, AS_OF + timedelta(days=1), dry_run=True)
    counts = await _night(pool, AS_OF + timedelta(days=1))
    assert foreseen.of("reinstated") == counts.of("reinstated") == 1
    assert await _demoted(pool) == 0
    assert not (await _night(pool, AS_OF + timedelta(days=2))).of("reinstated")

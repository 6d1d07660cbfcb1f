"""What holds for every task that compares, whatever it compares by."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from memory_maintenance.changes import comparing
from memory_maintenance.changes.change import changes
from memory_maintenance.changes.comparing import ComparingTask
from memory_maintenance.changes.undoing import undo
from memory_maintenance.duplicates.task import Duplicates
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import execute, fetch, fetch_value
from memory_maintenance.supersession.task import SupersessionTask
from memory_maintenance.tasks import TASKS
from tests.agents import AS_OF, write
from tests.changes.nights import OTHER_TENANT, TENANT, demoted, night, rows
from tests.pools import DiedError, dying


@dataclass(frozen=True)
class Case:
    """A task, its setting, and two memories of which it demotes the first or the second."""

    task: type[ComparingTask]
    setting: str
    one: str
    other: str

    @property
    def counted(self) -> str:
        return self.task.spec.done[0]

    @property
    def taken_back(self) -> str:
        return self.task.spec.done[-1]

    async def night(self, pool, as_of=AS_OF, *, mode="apply", **options: Any):
        return await night(pool, self.task, as_of, **{self.setting: mode}, **options)


CASES = [
    Case(Duplicates, "memory_duplicates", "The lamp in the hall is red.", "The lamp in the hall is red"),
    Case(
        SupersessionTask,
        "memory_supersession",
        "The night export runs at 2:00.",
        "The night export runs at 4:00 instead of 2:00.",
    ),
]
each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.task.spec.name)


def test_every_task_that_compares_is_a_case():
    assert {case.task for case in CASES} == {task for task in TASKS if issubclass(task, ComparingTask)}


@each
async def test_a_second_night_does_nothing_and_what_was_undone_stays_undone(pool, case):
    await write(pool, TENANT, [case.one, case.other])
    before = await rows(pool)
    assert (await case.night(pool)).of(case.counted) == 1
    assert not await case.night(pool, AS_OF + timedelta(seconds=1))
    [made] = await changes(pool)
    await undo(pool, str(made.change_id))
    assert await rows(pool) == before
    await write(pool, TENANT, ["Ben waters the plants."], start=AS_OF)
    assert not (await case.night(pool, AS_OF + timedelta(days=1))).of(case.counted, "proposed")
    assert await demoted(pool) == 0


@each
async def test_a_new_memory_is_compared_with_an_old_one_and_nothing_is_due_without_a_new_one(pool, case):
    await write(pool, TENANT, [case.one], start=AS_OF - timedelta(days=40))
    assert not await case.night(pool)
    assert await fetch_value(pool, "SELECT array_agg(task) FROM maintenance.passes") == [case.task.spec.name]
    await write(pool, TENANT, [case.other], start=AS_OF + timedelta(hours=1))
    assert (await case.night(pool, AS_OF + timedelta(days=1))).of(case.counted) == 1


@each
@pytest.mark.parametrize("mode", ["propose", "apply"])
async def test_a_dry_run_counts_and_writes_nothing(pool, case, mode):
    await write(pool, TENANT, [case.one, case.other])
    before = await rows(pool)
    foreseen = await case.night(pool, dry_run=True, mode=mode)
    assert (await rows(pool), await fetch_value(pool, "SELECT count(*) FROM maintenance.changes")) == (before, 0)
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.passes") == 0
    assert await case.night(pool, mode=mode) == foreseen
    assert foreseen.of(case.counted if mode == "apply" else "proposed") == 1
    assert await demoted(pool) == (mode == "apply")


@each
async def test_only_a_tenants_own_memories_of_one_project_and_class_are_compared(pool, case):
    await write(pool, TENANT, [case.one], project="house")
    await write(pool, TENANT, [case.one], metadata={"info_class": "restricted"})
    await write(pool, OTHER_TENANT, [case.one])
    await write(pool, TENANT, [case.other], start=AS_OF - timedelta(hours=1))
    assert not (await case.night(pool)).of(case.counted, "proposed")


@each
async def test_derived_expired_and_demoted_memories_are_left_out(pool, case):
    await write(pool, TENANT, [case.one], source="summarization_worker", tags=["session_summary"])
    await write(pool, TENANT, [case.one], source="expired")
    await write(pool, TENANT, [case.one], source="demoted")
    await write(pool, TENANT, [case.other], start=AS_OF - timedelta(hours=1))
    await execute(pool, "UPDATE memories SET expires_at = $1 WHERE source = 'expired'", AS_OF - timedelta(days=1))
    await execute(pool, "UPDATE memories SET demotion = 0.5 WHERE source = 'demoted'")
    assert not (await case.night(pool)).of(case.counted, "proposed")


@each
async def test_a_night_that_dies_is_finished_by_the_next_call(pool, case, monkeypatch):
    monkeypatch.setattr(comparing, "BATCH", 2)
    texts = [
        text.replace("The", f"The {place}") for place in ("old", "new", "small") for text in (case.one, case.other)
    ]
    await write(pool, TENANT, texts)
    for after in (1, 2):
        with pytest.raises(DiedError):
            await case.night(dying(pool, after=after))
    await case.night(pool)
    assert len(await changes(pool)) == await demoted(pool) == 3


async def test_one_pair_that_is_refused_keeps_no_other_from_being_folded(pool, monkeypatch):
    await write(pool, TENANT, [f"The lamp in room {n} is red{dot}" for n in range(3) for dot in (".", "")])
    found = Duplicates.compare

    async def edited_meanwhile(self, batch):
        pairs = await found(self, batch)
        await execute(pool, "UPDATE memories SET content = 'Blue.' WHERE id = $1", pairs[1][0].other_id)
        return pairs

    monkeypatch.setattr(Duplicates, "compare", edited_meanwhile)
    counts = await night(pool, Duplicates, memory_duplicates="apply")
    assert (counts.of("folded"), counts.reasons) == (2, {"changed_meanwhile": 1})
    assert [made.status for made in await changes(pool)] == ["applied", "applied"]
    assert await demoted(pool) == 2


async def test_what_was_folded_into_a_memory_that_another_one_replaces_is_undone_to_the_last_bit(pool):
    texts = ["The shop opens on Monday at 9", "the shop opens on monday at 9.", "On Monday at 9 the shop opens"]
    for place, text in enumerate(texts):
        importance = (0.5, 0.4, 0.6)[place]
        await write(pool, TENANT, [text.upper()], start=AS_OF - timedelta(hours=9 - place), importance=importance)
    before = await rows(pool)
    counts = await night(pool, Duplicates, memory_duplicates="apply", memory_duplicates_near="apply")
    first, second = reversed(await changes(pool))
    assert (counts.of("folded"), first.evidence[0]) == (2, second.memory_id)
    await undo(pool, str(second.change_id))
    await undo(pool, str(first.change_id))
    assert await rows(pool) == before


@each
async def test_a_demotion_is_taken_back_where_the_memory_that_stayed_is_gone(pool, case):
    await write(pool, TENANT, [case.one, case.other])
    await case.night(pool)
    [made] = await changes(pool)
    await execute(pool, "DELETE FROM memories WHERE id = $1", made.evidence[0])
    foreseen = await case.night(pool, AS_OF + timedelta(days=1), dry_run=True)
    counts = await case.night(pool, AS_OF + timedelta(days=1))
    assert foreseen.of(case.taken_back) == counts.of(case.taken_back) == 1
    assert await demoted(pool) == 0
    assert not (await case.night(pool, AS_OF + timedelta(days=2))).of(case.taken_back)


async def test_passes_of_both_earlier_tables_are_kept(pool, store_url):
    await execute(pool, "DROP TABLE maintenance.passes")
    await execute(pool, "DELETE FROM maintenance.migrations WHERE name = '0019_passes'")
    for task, days in (("duplicates", 1), ("supersession", 2)):
        table = f"maintenance.{task}_passes"
        await execute(pool, f"CREATE TABLE {table} (tenant_id text PRIMARY KEY, examined_until timestamptz NOT NULL)")
        insert = f"INSERT INTO {table} VALUES ($1, $2)"  # noqa: S608  a table of this test
        await execute(pool, insert, TENANT, AS_OF - timedelta(days=days))
    await migrate(store_url)
    kept = await fetch(pool, "SELECT task, examined_until FROM maintenance.passes WHERE tenant_id = $1", TENANT)
    assert {row["task"]: (AS_OF - row["examined_until"]).days for row in kept} == {"duplicates": 1, "supersession": 2}
    assert await fetch_value(pool, "SELECT to_regclass('maintenance.duplicates_passes') IS NULL")

from datetime import datetime, timedelta

from memory_maintenance.changes.applying import apply_change
from memory_maintenance.changes.change import changes
from memory_maintenance.changes.undoing import undo
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch, fetch_value
from memory_maintenance.supersession.task import SupersessionTask
from tests.agents import AS_OF, write
from tests.changes.nights import TENANT, demoted, night, rows

OLD, NEW = "The night export runs at 2:00.", "The night export runs at 4:00 instead of 2:00."
RENT, NEW_RENT = "The rent for the office is 900 euros.", "The rent for the office is 950 euros."


async def _night(pool):
    return await night(pool, SupersessionTask, memory_supersession="apply")


async def test_the_older_one_is_demoted_linked_and_dated_where_its_value_is_quoted_else_proposed(any_pool):
    old, new, rent, new_rent = await write(any_pool, TENANT, [OLD, NEW, RENT, NEW_RENT])
    before = await rows(any_pool)
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
    assert await demoted(any_pool) == 2
    for one in await changes(any_pool):
        assert [undone.refused for undone in await undo(any_pool, str(one.change_id))] == [None]
    assert await rows(any_pool) == before


async def test_a_protected_memory_is_left_out(pool):
    tags = sorted(Settings(_env_file=None).memory_decay_protected_tags)
    await write(pool, TENANT, [OLD], tags=tags)
    await write(pool, TENANT, [NEW], start=AS_OF - timedelta(hours=1))
    assert not (await _night(pool)).of("superseded", "proposed")

"""A text that is written again leaves its earlier one as a change: shown, put back where that is right, and forgotten."""

from datetime import timedelta
from uuid import UUID

import pytest

from memory_maintenance.changes.change import changes
from memory_maintenance.changes.undoing import undo, undo_change
from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.erasure.carrying_out import Erasure
from memory_maintenance.erasure.orders import order_erasure
from memory_maintenance.erasure.selection import Selector
from memory_maintenance.store.pool import execute, fetch, fetch_value
from tests.agents import AS_OF, derived, talk, write
from tests.dreaming.test_updating import dreamer, nights, reflections
from tests.summarization.test_stale import ANNA, NEXT, NIGHT, OTHERS, SETTINGS, found_anywhere, night

DAY = timedelta(days=1)
SUMMARY = "SELECT m::text FROM memories m WHERE source = 'summarization_worker'"
KEPT = "SELECT count(*) FROM maintenance.changes WHERE before IS NOT NULL OR after IS NOT NULL"


STILL = SETTINGS.model_copy(update={"memory_importance_decay_enabled": False})
"""What a night goes by whose decay leaves the rows alone."""


async def written_again(pool, tenant) -> list[UUID]:
    """Summarize a session that grows, in two nights; return the ids of its first events."""
    ids = await write(pool, tenant, ANNA + OTHERS, session="s", importance=0.8)
    await night(pool, NIGHT)
    await execute(pool, "UPDATE memories SET metadata = metadata || '{\"exact\": 1.10}' WHERE source <> 'agent'")
    await write(pool, tenant, talk(12), session="s", start=NIGHT + timedelta(hours=3), importance=0.8)
    return ids


async def test_an_earlier_summary_is_kept_shown_and_put_back_to_the_last_bit(any_pool, tenant):
    await written_again(any_pool, tenant)
    before = await fetch_value(any_pool, SUMMARY)
    cycle = UUID((await run_maintenance(any_pool, STILL, as_of=NEXT))["cycle_id"])
    after = await fetch_value(any_pool, SUMMARY)
    [made] = await changes(any_pool, task="summarization")
    [summary] = await derived(any_pool, tenant)
    assert (made.task, made.kind, made.reason, made.revision) == ("summarization", "rewritten", "updated", 1)
    assert (made.memory_id, made.evidence, made.cycle_id) == (summary["id"], (), cycle)
    assert made.before is not None
    assert made.after is not None
    assert made.before[str(summary["id"])]["content"] != made.after[str(summary["id"])]["content"] == summary["content"]
    [undone] = await undo(any_pool, str(cycle), by="ana")
    assert (undone.refused, await fetch_value(any_pool, SUMMARY)) == (None, before)
    assert (await undo_change(any_pool, made.change_id)).already
    assert after != before


async def test_what_was_put_back_stays_until_there_is_something_new(pool, tenant):
    await written_again(pool, tenant)
    before = (await derived(pool, tenant))[0]["content"]
    await night(pool)
    await undo(pool, str((await changes(pool, task="summarization"))[0].change_id))
    assert (await night(pool, NEXT + DAY))["summarization"]["updated"] == 0
    await night(pool, NEXT + 9 * DAY)
    assert (await derived(pool, tenant))[0]["content"] == before
    await write(pool, tenant, talk(12, 40), session="s", start=NEXT + 9 * DAY, importance=0.8)
    assert (await night(pool, NEXT + 10 * DAY))["summarization"]["updated"] == 1
    assert [one.revision for one in await changes(pool, task="summarization")] == [2, 1]


async def test_a_text_is_put_back_after_decay_with_the_base_that_it_had(pool, tenant):
    await written_again(pool, tenant)
    await night(pool)
    await night(pool, NEXT + 20 * DAY)
    [made] = await changes(pool, task="summarization")
    await undo_change(pool, made.change_id)
    [row] = await fetch(pool, "SELECT id, base_importance::text AS base FROM memories WHERE id = $1", made.memory_id)
    assert made.before is not None
    assert row["base"] == made.before[str(row["id"])]["base_importance"]


async def test_an_importance_that_an_agent_has_set_since_stays(pool, tenant):
    await written_again(pool, tenant)
    await night(pool)
    await execute(pool, "UPDATE memories SET importance = 0.123 WHERE source <> 'agent'")
    [undone] = await undo(pool, str((await changes(pool, task="summarization"))[0].change_id))
    assert undone.refused is None
    assert (await derived(pool, tenant))[0]["importance"] == 0.123


@pytest.mark.parametrize(
    ("wrote", "why"),
    [
        ("UPDATE memories SET content = 'My own.' WHERE source <> 'agent'", "written again or edited since"),
        ("UPDATE memories SET metadata = metadata || '{\"x\": 1}' WHERE source <> 'agent'", "or edited since"),
        ("DELETE FROM memories WHERE source <> 'agent'", "is gone"),
        ("UPDATE memories SET content = 'New.' WHERE content LIKE 'Order 3 %'", "a source of memory"),
        ("UPDATE memories SET expires_at = now() WHERE content LIKE 'Tom Vermeer asked%'", "a source of memory"),
        ("DELETE FROM memories WHERE content LIKE 'Mara Claes got%'", "a source of memory"),
    ],
)
async def test_a_text_is_not_put_back_where_somebody_has_written_since(pool, tenant, wrote, why):
    await written_again(pool, tenant)
    await night(pool)
    await execute(pool, wrote)
    before = await fetch_value(pool, SUMMARY)
    [undone] = await undo(pool, str((await changes(pool, task="summarization"))[0].change_id))
    assert why in (undone.refused or "")
    assert await fetch_value(pool, SUMMARY) == before


async def test_several_texts_are_put_back_in_reverse_order(pool, tenant):
    await written_again(pool, tenant)
    first = await fetch_value(pool, SUMMARY)
    await run_maintenance(pool, STILL, as_of=NEXT)
    await write(pool, tenant, talk(12, 40), session="s", start=NEXT + timedelta(hours=3), importance=0.8)
    await run_maintenance(pool, STILL, as_of=NEXT + DAY)
    newest, oldest = await changes(pool, task="summarization")
    assert "undo the later change first" in ((await undo_change(pool, oldest.change_id)).refused or "")
    assert [one.refused for one in await undo(pool, str(newest.memory_id))] == [None, None]
    assert (newest.revision, await fetch_value(pool, SUMMARY)) == (2, first)


@pytest.mark.parametrize(
    "deed",
    [
        pytest.param("DELETE FROM memories WHERE content LIKE '%Bergstrom%'", id="a person's rows"),
        pytest.param("UPDATE memories SET content = 'A. paid.' WHERE content LIKE '%Bergstrom%'", id="edited"),
        pytest.param("UPDATE memories SET expires_at = '2026-03-11' WHERE content LIKE '%Bergstrom%'", id="expired"),
        pytest.param(
            "DELETE FROM memories WHERE source <> 'agent' OR content LIKE '%Bergstrom%'", id="the summary too"
        ),
    ],
)
async def test_an_earlier_text_goes_with_what_it_was_made_from(any_pool, tenant, deed):
    await written_again(any_pool, tenant)
    await night(any_pool)
    assert "maintenance.changes" in await found_anywhere(any_pool)
    await execute(any_pool, deed)
    await night(any_pool, NEXT + 2 * DAY)
    assert await found_anywhere(any_pool) <= ({"public.memories"} if "expires_at" in deed else set())
    assert await fetch_value(any_pool, KEPT) == 0
    for one in await changes(any_pool):
        assert "its earlier text is not kept" in ((await undo_change(any_pool, one.change_id)).refused or "")


async def test_an_earlier_reflection_goes_with_the_one_that_somebody_deleted_where_no_summary_is_written(pool, tenant):
    await nights(pool, tenant, dreamer(pool))
    assert await fetch_value(pool, KEPT) == 4
    await execute(pool, "DELETE FROM memories WHERE source <> 'agent'")
    alone = SETTINGS.model_copy(update={"summarization_enabled": False})
    await run_maintenance(pool, alone, as_of=AS_OF + 6 * DAY)
    assert await fetch_value(pool, KEPT) == 0


async def test_forgetting_reaches_earlier_texts_whatever_the_present_one_says(any_pool, tenant):
    await written_again(any_pool, tenant)
    await night(any_pool)
    await execute(any_pool, "UPDATE memories SET content = 'A. moved.' WHERE source <> 'agent'")
    order = await order_erasure(any_pool, Selector(tenant, subject="Bergstrom"), by="ana", reason=None)
    certificate = await Erasure(any_pool, SETTINGS).carry_out(order)
    assert (certificate["residue"]["score"], await found_anywhere(any_pool)) == (0.0, set())
    assert await fetch_value(any_pool, KEPT) == 0


async def test_a_text_written_again_by_an_order_to_forget_is_no_change_that_could_be_taken_back(pool, tenant):
    await written_again(pool, tenant)
    order = await order_erasure(pool, Selector(tenant, subject="Bergstrom"), by="ana", reason=None)
    await Erasure(pool, SETTINGS).carry_out(order)
    [summary] = await derived(pool, tenant)
    assert ("Vermeer" in summary["content"], await fetch_value(pool, KEPT)) == (True, 0)


async def test_a_reflection_that_is_updated_in_place_leaves_each_of_its_texts(pool, tenant):
    await nights(pool, tenant, dreamer(pool))
    [now] = await reflections(pool, tenant)
    made = await changes(pool, task="dreaming")
    assert ([one.revision for one in made], {one.memory_id for one in made}) == ([4, 3, 2, 1], {now["id"]})
    assert [one.refused for one in await undo(pool, str(now["id"]))] == [None] * 4
    [first] = await reflections(pool, tenant)
    assert (first["metadata"]["revision"], first["metadata"]["evidence_count"]) == (1, 2)


async def test_revisions_are_of_one_tenant(pool, tenant):
    await written_again(pool, tenant)
    await night(pool)
    await execute(pool, "UPDATE maintenance.changes SET tenant_id = 'another'")
    before = await fetch_value(pool, SUMMARY)
    [undone] = await undo(pool, str((await changes(pool))[0].change_id))
    assert ("is gone" in (undone.refused or ""), await fetch_value(pool, SUMMARY)) == (True, before)

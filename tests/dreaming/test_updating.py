"""A theme is one reflection: updated in place with its evidence, however often it comes back."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from memory_maintenance.dreaming.outcome import DreamOutcome
from memory_maintenance.dreaming.policy import is_same_theme
from memory_maintenance.rae.context import ReflectionResult
from memory_maintenance.rae.engine import ReflectionEngineV2
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value
from tests.agents import AS_OF, derived, others, sources_of, write
from tests.fake_model import FakeModel, answer_to
from tests.steps import Dreamer

DAY = timedelta(days=1)
OVENS = [
    "Mara's bread oven lost heat at noon.",
    "The baker asked for a new door of the bread oven.",
    "The bread oven was cleaned by Piet.",
    "A repairman looked at the bread oven.",
    "Insurance refused to pay the bread oven.",
    "The bread oven is running again.",
]
OTHERS = ["Lunch was soup.", "A train left Utrecht.", "Blue paint dries slowly."]


def dreamer(pool: Pool, backend: str = "extractive", model: FakeModel | None = None, **changed: Any) -> Dreamer:
    values = {"rae_llm_backend": backend, "dreaming_lookback_hours": 168, **changed}
    return Dreamer(pool, Settings.model_validate(values), model or FakeModel())


async def say(pool: Pool, tenant: str, lines: Sequence[str], at: datetime, **how: Any) -> list[UUID]:
    how = {"session": f"{at:%m-%d %H}", "importance": 0.8, **how}
    return await write(pool, tenant, lines, start=at - timedelta(hours=1), **how)


async def reflections(pool: Pool, tenant: str) -> list[dict[str, Any]]:
    return [row for row in await derived(pool, tenant, "reflection_engine_v2") if "strategy" not in row["tags"]]


async def nights(pool: Pool, tenant: str, one: Dreamer) -> list[DreamOutcome]:
    """Dream over two days of ovens, and then on four nights, each with one more memory of it."""
    await say(pool, tenant, [OVENS[0], *OTHERS], AS_OF - DAY)
    await say(pool, tenant, OVENS[1:2], AS_OF)
    found = [await one.dream(tenant, "shop", as_of=AS_OF)]
    for night in range(1, 5):
        await say(pool, tenant, OVENS[night + 1 : night + 2], AS_OF + night * DAY)
        found.append(await one.dream(tenant, "shop", as_of=AS_OF + night * DAY))
    return found


async def test_four_nights_with_one_new_memory_each_update_the_same_reflection(any_pool, tenant):
    outcomes = await nights(any_pool, tenant, dreamer(any_pool))
    assert [one.status for one in outcomes] == ["stored", *["updated"] * 4]
    assert len({one.reflection_id for one in outcomes}) == 1
    (row,) = await reflections(any_pool, tenant)
    kept = row["metadata"]
    assert (kept["evidence_count"], kept["revision"]) == (6, 5)
    assert kept["first_event_at"] < kept["last_event_at"]
    assert datetime.fromisoformat(kept["last_event_at"]) == AS_OF + 4 * DAY - timedelta(hours=1)
    assert len(await sources_of(any_pool, row["id"])) == 6
    assert row["created_at"] == AS_OF


async def test_with_a_model_four_nights_update_the_same_reflection_and_its_strategy(any_pool, tenant):
    outcomes = await nights(any_pool, tenant, dreamer(any_pool, "openai"))
    assert [one.status for one in outcomes] == ["stored", *["updated"] * 4]
    assert len(await derived(any_pool, tenant, "reflection_engine_v2")) == 2
    (row,) = await reflections(any_pool, tenant)
    assert row["metadata"]["strategy_id"] == str(outcomes[-1].strategy_id)


async def test_a_theme_is_named_by_lineage_whatever_its_wording(pool, tenant):
    await nights(pool, tenant, dreamer(pool))
    (row,) = await reflections(pool, tenant)
    rows = await fetch(pool, "SELECT DISTINCT subject FROM maintenance.lineage WHERE derived_id = $1", row["id"])
    assert [one["subject"] for one in rows] == ["bread oven"]
    assert row["metadata"]["themes"] == [{"name": "bread oven", "keys": ["bread", "oven"]}]


async def test_a_second_night_without_anything_new_writes_nothing(any_pool, tenant):
    one = dreamer(any_pool)
    await nights(any_pool, tenant, one)
    before = await fetch_value(any_pool, "SELECT md5(string_agg(m::text, '|' ORDER BY id)) FROM memories m")
    assert (await one.dream(tenant, "shop", as_of=AS_OF + 5 * DAY)).reason == "already_reflected"
    await say(any_pool, tenant, ["The gardener came on foot."], AS_OF + 5 * DAY)
    again = await one.dream(tenant, "shop", as_of=AS_OF + 5 * DAY)
    assert again.reason == "already_reflected"
    unchanged = (
        "SELECT md5(string_agg(m::text, '|' ORDER BY id)) FROM memories m WHERE content NOT LIKE 'The gardener%'"
    )
    assert await fetch_value(any_pool, unchanged) == before


@pytest.mark.parametrize("backend", ["extractive", "openai"])
async def test_a_step_repeated_after_its_commit_reports_the_update(pool, tenant, backend):
    one = dreamer(pool, backend)
    await nights(pool, tenant, one)
    await say(pool, tenant, ["Somebody sold the bread oven."], AS_OF + 5 * DAY)
    cycle = uuid4()
    first = await one.dream(tenant, "shop", as_of=AS_OF + 5 * DAY, cycle_id=cycle)
    assert first.status == "updated"
    assert await one.dream(tenant, "shop", as_of=AS_OF + 5 * DAY, cycle_id=cycle) == first


async def test_dreamers_at_the_same_time_update_once(pool, tenant):
    await nights(pool, tenant, dreamer(pool))
    await say(pool, tenant, ["Somebody sold the bread oven."], AS_OF + 5 * DAY)
    outcomes = await asyncio.gather(*(dreamer(pool).dream(tenant, "shop", as_of=AS_OF + 5 * DAY) for _ in range(4)))
    assert sorted(one.reason or one.status for one in outcomes) == ["already_reflected"] * 3 + ["updated"]
    (row,) = await reflections(pool, tenant)
    assert row["metadata"]["revision"] == 6


async def test_evidence_is_looked_for_in_the_window_and_not_behind_it(any_pool, tenant):
    near = await say(any_pool, tenant, OVENS[:1], AS_OF - 40 * DAY)
    await say(any_pool, tenant, OVENS[1:2], AS_OF - 50 * DAY)
    await say(any_pool, tenant, OVENS[2:3], AS_OF - 2 * DAY, importance=0.3)
    new = await say(any_pool, tenant, [OVENS[3], *OTHERS], AS_OF)
    one = dreamer(any_pool, dreaming_lookback_hours=24)
    assert (await one.dream(tenant, "shop", as_of=AS_OF)).status == "stored"
    (row,) = await reflections(any_pool, tenant)
    assert await sources_of(any_pool, row["id"]) == {near[0], new[0]}
    assert row["importance"] == pytest.approx(0.8)
    none = dreamer(any_pool, dreaming_lookback_hours=24, dreaming_theme_window_days=30)
    await execute(any_pool, "DELETE FROM maintenance.dreams")
    assert (await none.dream(tenant, "shop", as_of=AS_OF)).reason == "nothing_recurs"


async def test_a_theme_that_comes_back_after_its_window_is_still_the_same(pool, tenant):
    one, later = dreamer(pool), AS_OF + 90 * DAY
    await nights(pool, tenant, one)
    await say(pool, tenant, [OVENS[0], *OTHERS], later - DAY)
    await say(pool, tenant, OVENS[1:2], later)
    assert (await one.dream(tenant, "shop", as_of=later)).status == "updated"
    (row,) = await reflections(pool, tenant)
    assert row["metadata"]["evidence_count"] == 8
    assert datetime.fromisoformat(row["metadata"]["first_event_at"]) == AS_OF - DAY - timedelta(hours=1)


async def test_what_somebody_edited_is_left_as_it_is(pool, tenant):
    one = dreamer(pool)
    await nights(pool, tenant, one)
    await execute(pool, "UPDATE memories SET content = 'Mine.' WHERE source = 'reflection_engine_v2'")
    await say(pool, tenant, ["Somebody sold the bread oven."], AS_OF + 5 * DAY)
    assert (await one.dream(tenant, "shop", as_of=AS_OF + 5 * DAY)).reason == "already_reflected"
    assert [row["content"] for row in await reflections(pool, tenant)] == ["Mine."]


async def test_a_strategy_that_somebody_edited_is_left_as_it_is(pool, tenant):
    one = dreamer(pool, "openai")
    await nights(pool, tenant, one)
    await execute(pool, "UPDATE memories SET content = 'Mine.' WHERE 'strategy' = ANY (tags)")
    await say(pool, tenant, ["Somebody sold the bread oven."], AS_OF + 5 * DAY)
    assert (await one.dream(tenant, "shop", as_of=AS_OF + 5 * DAY)).status == "updated"
    assert await fetch_value(pool, "SELECT content FROM memories WHERE 'strategy' = ANY (tags)") == "Mine."


async def test_what_a_caller_of_the_library_stored_is_no_theme_of_the_nights(pool, tenant):
    await nights(pool, tenant, dreamer(pool))
    (row,) = await reflections(pool, tenant)
    sources = tuple(map(str, await sources_of(pool, row["id"])))
    engine = ReflectionEngineV2(pool, Settings.model_validate({"rae_llm_backend": "extractive"}))
    told = ReflectionResult(reflection_text="Ovens break.", source_event_ids=sources)
    stored = await engine.store_reflection(told, tenant, "shop")
    await execute(pool, "DELETE FROM memories WHERE id = $1", row["id"])
    await say(pool, tenant, ["Somebody sold the bread oven."], AS_OF + 5 * DAY)
    outcome = await dreamer(pool).dream(tenant, "shop", as_of=AS_OF + 5 * DAY)
    assert (outcome.status, str(outcome.reflection_id) != stored["reflection_id"]) == ("stored", True)


async def test_the_same_theme_in_two_projects_is_two_reflections(pool, tenant):
    one = dreamer(pool)
    for project in ("shop", "home"):
        await say(pool, tenant, [OVENS[0], *OTHERS], AS_OF - DAY, project=project)
        await say(pool, tenant, OVENS[1:2], AS_OF, project=project)
        assert (await one.dream(tenant, project, as_of=AS_OF)).status == "stored"
    assert sorted(row["project"] for row in await reflections(pool, tenant)) == ["home", "shop"]


async def test_without_the_model_its_wording_stays_and_the_evidence_grows(pool, tenant):
    await nights(pool, tenant, dreamer(pool, "openai"))
    (before,) = await reflections(pool, tenant)
    await say(pool, tenant, ["Somebody sold the bread oven."], AS_OF + 5 * DAY)
    assert (await dreamer(pool).dream(tenant, "shop", as_of=AS_OF + 5 * DAY)).status == "updated"
    (after,) = await reflections(pool, tenant)
    assert (after["content"], after["metadata"]["backend"]) == (before["content"], "openai")
    assert after["metadata"]["evidence_count"] > before["metadata"]["evidence_count"]


async def test_a_dream_that_is_only_foreseen_says_what_it_would_update_and_writes_nothing(pool, tenant):
    one = dreamer(pool)
    await nights(pool, tenant, one)
    await say(pool, tenant, ["Somebody sold the bread oven."], AS_OF + 5 * DAY)
    before = await others(pool, "nobody")
    foreseen = await one.dream(tenant, "shop", as_of=AS_OF + 5 * DAY, dry_run=True)
    assert await others(pool, "nobody") == before
    done = await one.dream(tenant, "shop", as_of=AS_OF + 5 * DAY)
    assert (foreseen.status, foreseen.reflection_id) == (done.status, done.reflection_id)


async def test_raes_method_returns_every_reflection_that_was_written(pool, tenant):
    now = await fetch_value(pool, "SELECT now()")
    kettles = ["The copper kettle leaks.", "Piet mended the copper kettle."]
    for at, lines in ((now - 2 * DAY, [OVENS[0], kettles[0]]), (now, [OVENS[1], kettles[1]])):
        await say(pool, tenant, lines, at)
    found = await dreamer(pool).run_dreaming_cycle(tenant, "shop", lookback_hours=72)
    assert [one.keys() for one in found] == [{"reflection_id", "strategy_id"}] * 2
    assert {one["reflection_id"] for one in found} == {str(row["id"]) for row in await reflections(pool, tenant)}


async def test_a_model_that_speaks_of_something_else_gets_a_reflection_of_its_own(pool, tenant):
    await nights(pool, tenant, dreamer(pool))
    await say(pool, tenant, OTHERS, AS_OF + 5 * DAY)

    def about_the_latest(question: Any) -> dict[str, Any]:
        return {**answer_to(question), "evidence": [1, 2, 3], "strategy": None}

    one = dreamer(pool, "openai", FakeModel(reply=about_the_latest), dreaming_lookback_hours=24)
    assert (await one.dream(tenant, "shop", as_of=AS_OF + 5 * DAY)).status == "stored"
    assert len(await reflections(pool, tenant)) == 2


@pytest.mark.parametrize(
    ("keys", "other_keys", "evidence", "other", "same"),
    [
        pytest.param("a b", "a b", {1, 2}, {8, 9}, True, id="the same words"),
        pytest.param("a b", "a c", {1, 2}, {8, 9}, False, id="one word in common"),
        pytest.param("a b", "a c", {1, 2, 3}, {3, 8, 9}, True, id="one word and a third of the memories"),
        pytest.param("a b", "c d", {1, 2, 3}, {3, 8, 9}, False, id="a third of the memories"),
        pytest.param("a b", "c d", {1, 2, 3}, {2, 3, 8, 9}, True, id="two thirds of the memories"),
        pytest.param("", "", {1, 2, 3}, {8, 9}, False, id="nothing in common"),
        pytest.param("", "", {1, 2, 3}, {1, 2, 3, 4, 5}, True, id="the same memories, of no theme"),
    ],
)
def test_themes_are_the_same_by_their_words_or_by_their_evidence(keys, other_keys, evidence, other, same):
    assert is_same_theme(frozenset(keys.split()), evidence, frozenset(other_keys.split()), other) == same

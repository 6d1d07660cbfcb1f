from datetime import timedelta
from typing import Any

import pytest

from memory_maintenance.errors import ModelUnavailableError
from memory_maintenance.rae.context import (
    ErrorCategory,
    ErrorInfo,
    Event,
    EventType,
    OutcomeType,
    ReflectionContext,
    ReflectionResult,
)
from memory_maintenance.rae.engine import ReflectionEngineV2
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from tests.agents import AS_OF, derived, talk, write
from tests.fake_model import FakeModel


def engine(pool: Pool, backend: str = "openai", model: FakeModel | None = None) -> ReflectionEngineV2:
    return ReflectionEngineV2(pool, Settings.model_validate({"rae_llm_backend": backend}), model or FakeModel())


def context(tenant: str, outcome: OutcomeType = OutcomeType.SUCCESS, **more: Any) -> ReflectionContext:
    events = tuple(Event(event_id=f"step {n}", timestamp=AS_OF, content=text) for n, text in enumerate(talk(4)))
    return ReflectionContext(**{"events": events, "outcome": outcome, "tenant_id": tenant, "project": "shop", **more})


@pytest.mark.parametrize("outcome", OutcomeType)
async def test_every_outcome_is_a_field_of_the_prompt(pool, tenant, outcome):
    model = FakeModel()
    result = await engine(pool, model=model).generate_reflection(context(tenant, outcome, task_goal="ship it"))
    assert f"\nOutcome: {outcome.value}\n" in model.questions[0].prompt
    assert model.questions[0].prompt.startswith("Goal: ship it\n")
    assert result is not None
    assert (result.source_event_ids, result.metadata["outcome"]) == (["step 0", "step 1"], outcome.value)


async def test_an_error_and_the_tools_are_in_the_prompt(pool, tenant):
    error = ErrorInfo(error_category=ErrorCategory.TOOL_ERROR, error_message="no such table")
    call = Event(
        event_id="1",
        event_type=EventType.TOOL_CALL,
        tool_name="psql",
        timestamp=AS_OF,
        content="SELECT 1",
        error={"message": "broken"},
    )
    model = FakeModel()
    result = await engine(pool, model=model).generate_reflection(
        context(tenant, OutcomeType.ERROR, events=(call, call), error=error)
    )
    assert "Error: tool_error: no such table" in model.questions[0].prompt
    assert "1. 2026-03-10 tool_call, psql: SELECT 1 (error: broken)" in model.questions[0].prompt
    assert result is not None
    assert result.error_category is ErrorCategory.TOOL_ERROR


async def test_no_writer_is_an_error(pool, tenant):
    with pytest.raises(ModelUnavailableError, match="none"):
        await engine(pool, "none").generate_reflection(context(tenant))


async def test_without_a_model_events_of_any_name_are_evidence(pool, tenant):
    days = tuple(
        Event(event_id=f"step {n}", timestamp=AS_OF - timedelta(days=n), content=text) for n, text in enumerate(talk(4))
    )
    result = await engine(pool, "extractive").generate_reflection(context(tenant, events=days))
    assert result is not None
    assert result.strategy_text is None
    assert set(result.source_event_ids) <= {f"step {n}" for n in range(4)}


async def test_without_a_model_what_one_day_says_does_not_recur(pool, tenant):
    assert await engine(pool, "extractive").generate_reflection(context(tenant)) is None


async def test_storing_twice_is_storing_once(any_pool, tenant):
    result = ReflectionResult(
        reflection_text="Orders are late.", strategy_text="Ask first.", importance=0.95, source_event_ids=("a",)
    )
    one = engine(any_pool)
    ids = await one.store_reflection(result, tenant, "shop", session_id="s")
    assert await one.store_reflection(result, tenant, "shop", session_id="s") == ids
    stored = {str(row["id"]): row for row in await derived(any_pool, tenant, "reflection_engine_v2")}
    assert stored.keys() == set(ids.values())
    strategy = stored[ids["strategy_id"]]
    assert (strategy["content"], strategy["importance"], strategy["tags"]) == ("Ask first.", 1.0, ["strategy"])
    assert (strategy["session_id"], strategy["layer"]) == ("s", "reflective")


async def test_different_reflections_on_events_of_the_same_name_are_both_kept(pool, tenant):
    one = engine(pool)
    for text in ("Orders are late.", "Kettles break."):
        result = ReflectionResult(reflection_text=text, source_event_ids=("dream_event_0",))
        assert (await one.store_reflection(result, tenant, "shop")).keys() == {"reflection_id"}
    assert len(await derived(pool, tenant, "reflection_engine_v2")) == 2


async def test_a_reflection_is_stored_in_the_spelling_of_the_tenant(any_pool, tenant):
    await write(any_pool, tenant, talk(1), layer="em")
    await engine(any_pool).store_reflection(ReflectionResult(reflection_text="Orders are late."), tenant, None)
    (row,) = await derived(any_pool, tenant, "reflection_engine_v2")
    assert (row["layer"], row["project"]) == ("rm", None)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["kettles", "orders"]),
        ({"k": 1}, ["kettles"]),
        ({"query_text": "late orders & more | (odd"}, ["orders"]),
        ({"query_text": "breaking a kettle"}, ["kettles"]),
        ({"query_text": "the"}, []),
        ({"tags": ["shop", "none"]}, ["orders"]),
        ({"min_importance": 0.0}, ["kettles", "minor", "orders"]),
        ({"project_id": "other"}, []),
    ],
)
async def test_reflections_are_found_by_words_tags_and_importance(any_pool, tenant, asked, found):
    how: dict[str, Any] = {"source": "reflection_engine_v2", "layer": "reflective"}
    await write(any_pool, tenant, ["orders arrive late"], importance=0.8, tags=["shop"], **how)
    await write(any_pool, tenant, ["minor thing"], importance=0.2, **how)
    await write(any_pool, tenant, ["kettles break"], importance=0.8, layer="rm", source=None, start=AS_OF)
    asked = {"project_id": "shop", **asked}
    rows = await engine(any_pool).query_reflections(tenant, **asked)
    assert sorted(row["content"].split()[0] for row in rows) == found

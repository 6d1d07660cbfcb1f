"""What RAE's own tests expect of the reflection engine, on its table and through its pool."""

from datetime import UTC, datetime
from typing import Any

import pytest

from memory_maintenance import ReflectionEngineV2
from memory_maintenance.rae.context import (
    ErrorCategory,
    ErrorInfo,
    Event,
    EventType,
    OutcomeType,
    ReflectionContext,
    ReflectionResult,
)
from tests.fake_model import FakeModel
from tests.rae.raes_tests import LIKE, OTHERWISE, like, raes_tests
from tests.rae.rows import flags, raising, remember, saying, theirs

__all__ = ["theirs"]

ENGINE = "test_reflection_engine_v2.py::"
FLOW = "test_reflection_flow.py::"
NOW = datetime.now(UTC)


def context(tenant: str, **more: Any) -> ReflectionContext:
    call = Event("evt1", EventType.TOOL_CALL, NOW, "Calling tool search", {}, "search")
    usual = {"events": [call], "task_goal": "Find information", "task_description": "Search for X"}
    return ReflectionContext(**usual | {"outcome": OutcomeType.SUCCESS, "tenant_id": tenant, "project": "shop"} | more)


@like(ENGINE + "generate_reflection_success")
async def test_of_a_success_the_models_words_come_back(theirs, tenant):
    said = {"strategy": "Use this pattern", "importance": 8, "confidence": 9, "tags": ["search", "pattern"]}
    model = saying(reflection="The search tool found it", evidence=[1], **said)
    result = await ReflectionEngineV2(theirs, flags(), model).generate_reflection(context(tenant))
    assert result is not None
    assert (result.reflection_text, result.strategy_text) == ("The search tool found it", "Use this pattern")
    assert (result.importance, result.confidence, result.tags) == (0.8, 0.9, ["search", "pattern"])
    assert "Outcome: success" in model.questions[0].prompt


@like(ENGINE + "generate_reflection_failure")
async def test_of_a_failure_the_model_reads_the_error(theirs, tenant):
    asked = context(tenant)
    asked.outcome = OutcomeType.FAILURE
    asked.error = ErrorInfo(error_category=ErrorCategory.TIMEOUT_ERROR, error_message="Task timed out")
    model = saying(strategy="Increase timeout", tags=["timeout"], evidence=[1])
    result = await ReflectionEngineV2(theirs, flags(), model).generate_reflection(asked)
    assert result is not None
    assert (result.strategy_text, result.tags) == ("Increase timeout", ["timeout"])
    assert "Outcome: failure\nError: timeout_error: Task timed out" in model.questions[0].prompt


@like(ENGINE + "generate_reflection_partial")
async def test_of_a_partial_outcome_there_need_be_neither_strategy_nor_tags(theirs, tenant):
    model = saying(strategy=None, importance=5, confidence=5, tags=[], evidence=[1])
    asked = context(tenant, outcome=OutcomeType.PARTIAL)
    result = await ReflectionEngineV2(theirs, flags(), model).generate_reflection(asked)
    assert result is not None
    assert (result.strategy_text, result.importance, result.confidence, result.tags) == (None, 0.5, 0.5, [])


@like(ENGINE + "format_events")
async def test_content_tool_and_error_of_every_event_reach_the_model(theirs, tenant):
    steps = [
        Event("1", EventType.TOOL_CALL, NOW.replace(tzinfo=None), "Call tool", {}, "tool1"),
        Event("2", EventType.ERROR_EVENT, NOW.replace(tzinfo=None), "Error occurred", {}, error={"msg": "bad"}),
    ]
    model = FakeModel()
    await ReflectionEngineV2(theirs, flags(), model).generate_reflection(context(tenant, events=steps))
    assert "tool_call, tool1: Call tool" in model.questions[0].prompt
    assert "Error occurred (error: msg: bad)" in model.questions[0].prompt


@like(ENGINE + "error_handling")
async def test_what_the_model_raises_reaches_the_caller(theirs, tenant):
    engine = ReflectionEngineV2(theirs, flags(), raising(Exception("LLM Error")))
    with pytest.raises(Exception, match="LLM Error"):
        await engine.generate_reflection(context(tenant))


@like(ENGINE + "store_reflection", ENGINE + "store_reflection_no_strategy")
@pytest.mark.parametrize("strategy", ["Ask the carrier first", None])
async def test_a_reflection_and_its_strategy_if_any_are_stored(theirs, tenant, strategy):
    result = ReflectionResult("Parcels wait at night", strategy, 0.8, 0.9, ["tag1"], generated_at=NOW)
    ids = await ReflectionEngineV2(theirs, flags()).store_reflection(result, tenant, "proj1")
    assert list(ids) == (["reflection_id"] if strategy is None else ["reflection_id", "strategy_id"])
    rows = await theirs.fetch("SELECT id::text, layer, source FROM memories")
    assert {row["id"] for row in rows} == set(ids.values())
    assert {(row["layer"], row["source"]) for row in rows} == {("reflective", "reflection_engine_v2")}


@like(ENGINE + "query_reflections")
async def test_reflections_of_too_little_importance_are_not_found(theirs, tenant):
    engine = ReflectionEngineV2(theirs, flags())
    stored = {
        importance: (
            await engine.store_reflection(ReflectionResult(f"At {importance}", None, importance), tenant, "p1")
        )
        for importance in (0.9, 0.4, 0.8)
    }
    found = await engine.query_reflections(tenant, "p1", min_importance=0.5)
    assert {one["id"] for one in found} == {stored[importance]["reflection_id"] for importance in (0.9, 0.8)}
    assert await engine.query_reflections(tenant, "another", min_importance=0) == []


FAILED = [
    Event("evt_1", EventType.TOOL_CALL, NOW, "Executing SQL: SELECT * FROM large_table", {}, "sql_executor"),
    Event(
        *("evt_2", EventType.ERROR_EVENT, NOW, "Query timeout after 30 seconds", {"error_code": "TIMEOUT"}),
        error={"type": "TimeoutError", "code": "QUERY_TIMEOUT"},
    ),
]
LESSON = "The SQL query of large_table ran into a timeout after 30 seconds"


@like(FLOW + "generate_reflection_from_failure")
async def test_from_a_failure_a_reflection_is_written_and_stored(theirs, tenant):
    error = ErrorInfo(ErrorCategory.TIMEOUT_ERROR, "SQL query timeout", "QUERY_TIMEOUT", tool_name="sql_executor")
    asked = context(tenant, events=FAILED, outcome=OutcomeType.FAILURE, error=error)
    engine = ReflectionEngineV2(theirs, flags(), saying(reflection=LESSON, tags=["sql", "timeout"]))
    result = await engine.generate_reflection(asked)
    assert result is not None
    assert (result.error_category, result.source_event_ids) == (ErrorCategory.TIMEOUT_ERROR, ["evt_1", "evt_2"])
    assert (result.importance > 0.3, result.confidence > 0, "timeout" in result.tags) == (True, True, True)
    ids = await engine.store_reflection(result=result, tenant_id=tenant, project="shop")
    stored = await theirs.fetchrow("SELECT content, importance FROM memories WHERE id = $1", ids["reflection_id"])
    assert (stored["content"], stored["importance"]) == (LESSON, pytest.approx(result.importance))


@like(FLOW + "generate_reflection_from_success")
async def test_from_a_success_a_strategy_is_stored_too(theirs, tenant):
    engine = ReflectionEngineV2(theirs, flags(), saying(strategy="Always add LIMIT to queries", evidence=[1]))
    result = await engine.generate_reflection(context(tenant))
    assert result is not None
    assert "strategy_id" in await engine.store_reflection(result=result, tenant_id=tenant, project="shop")


@like(FLOW + "reflection_retrieval_in_context", FLOW + "end_to_end_reflection_flow")
async def test_a_stored_reflection_is_found_by_what_the_next_task_is_about(theirs, tenant):
    engine = ReflectionEngineV2(theirs, flags(), saying(reflection=LESSON))
    result = await engine.generate_reflection(context(tenant, events=FAILED, outcome=OutcomeType.FAILURE))
    assert result is not None
    ids = await engine.store_reflection(result=result, tenant_id=tenant, project="shop")
    [of_others] = await remember(
        theirs, tenant, ["Always LIMIT a query of a large table"], project="shop", layer="reflective"
    )
    found = await engine.query_reflections(tenant, "shop", query="query of a table", min_importance=0.1)
    assert {ids["reflection_id"], str(of_others)} <= {str(one["id"]) for one in found}


def test_every_test_of_raes_is_one_here_or_has_a_reason():
    from tests.rae import test_raes_decay, test_raes_writing  # noqa: F401  they say which they are like

    assert sorted(LIKE | OTHERWISE) == sorted(raes_tests())
    assert LIKE.keys() & OTHERWISE.keys() == set()
    assert (len(raes_tests()), len(LIKE)) == (59, 50)

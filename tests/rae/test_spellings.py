"""A project, and what is looked for, by each of the names that RAE has had for it."""

import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import memory_maintenance
from memory_maintenance import DreamingWorker, ReflectionEngineV2, SummarizationWorker
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.rae.context import Event, EventType, ReflectionContext, ReflectionResult
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch_value
from tests.workflows.conftest import remember_session

EXTRACTIVE = Settings(_env_file=None, rae_llm_backend="extractive")
RESULT = ReflectionResult("Tents leak at the seam", importance=0.8, tags=["tents"])


async def summarize_session(pool: Pool, *given: Any, **named: Any) -> Any:
    worker: Any = SummarizationWorker(pool, EXTRACTIVE)
    summary = await worker.summarize_session(*given, session_id="s1", **named)
    return summary and summary["project"]


async def summarize_long_sessions(pool: Pool, *given: Any, **named: Any) -> Any:
    worker: Any = SummarizationWorker(pool, EXTRACTIVE)
    [summary] = await worker.summarize_long_sessions(*given, event_threshold=10, **named)
    return summary["project"]


async def run_dreaming_cycle(pool: Pool, *given: Any, **named: Any) -> Any:
    [dream, *_] = await DreamingWorker(pool, EXTRACTIVE).run_dreaming_cycle(*given, **named)
    return await fetch_value(pool, "SELECT project FROM memories WHERE id = $1", dream["reflection_id"])


async def store_reflection(pool: Pool, *given: Any, **named: Any) -> Any:
    ids = await ReflectionEngineV2(pool, EXTRACTIVE).store_reflection(RESULT, *given, **named)
    return await fetch_value(pool, "SELECT project FROM memories WHERE id = $1", ids["reflection_id"])


async def query_reflections(pool: Pool, *given: Any, **named: Any) -> Any:
    engine = ReflectionEngineV2(pool, EXTRACTIVE)
    await engine.store_reflection(RESULT, "acme", "shop")
    [found] = await engine.query_reflections(*given, **named)
    return found["project"]


async def a_context(_: Pool, *given: Any, **named: Any) -> Any:
    events = [Event("1", EventType.USER_INPUT, datetime.now(UTC), "hello")]
    return ReflectionContext(events, "success", *given, **named).project


CALLS: list[Callable[..., Awaitable[Any]]] = [
    summarize_session,
    summarize_long_sessions,
    run_dreaming_cycle,
    store_reflection,
    query_reflections,
    a_context,
]
SPELLINGS = [
    pytest.param(("acme", "shop"), {}, id="by position"),
    pytest.param(("acme",), {"project": "shop"}, id="project"),
    pytest.param(("acme",), {"project_id": "shop"}, id="project_id"),
    pytest.param((), {"tenant_id": "acme", "project": "shop", "project_id": "shop"}, id="both, the same"),
]


@pytest.mark.parametrize(("given", "named"), SPELLINGS)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
async def test_a_project_is_taken_by_position_and_by_either_name(pool, call, given, named):
    await remember_session(pool, "acme", events=14)
    assert await call(pool, *given, **named) == "shop"


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
async def test_two_names_that_say_different_things_are_refused(pool, call):
    with pytest.raises(InvalidRequestError, match="give one of them"):
        await call(pool, tenant_id="acme", project="shop", project_id="van")


def test_no_method_takes_a_project_by_one_name_only():
    methods = {
        name: set(inspect.signature(method).parameters)
        for owner in memory_maintenance.__all__
        for name, method in inspect.getmembers(getattr(memory_maintenance, owner), inspect.isfunction)
    }
    of_projects = {name for name, taken in methods.items() if taken & {"project", "project_id"}}
    assert of_projects == {call.__name__ for call in CALLS} - {"a_context"}
    assert [name for name in of_projects if not methods[name] >= {"project", "project_id"}] == []


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param(("seam",), {}, id="by position"),
        pytest.param((), {"query": "seam"}, id="query"),
        pytest.param((), {"query_text": "seam"}, id="query_text"),
        pytest.param((), {"query": "seam", "query_text": "seam", "tags": []}, id="both, the same, and no tags"),
    ],
)
async def test_what_is_looked_for_is_taken_by_position_and_by_either_name(pool, given, named):
    engine = ReflectionEngineV2(pool, EXTRACTIVE)
    stored = await engine.store_reflection(RESULT, "acme", "shop")
    await engine.store_reflection(ReflectionResult("Parcels wait at night", importance=0.9), "acme", "shop")
    found = await engine.query_reflections("acme", "shop", *given, **named)
    assert [(one["id"], one["tags"]) for one in found] == [(stored["reflection_id"], ["tents"])]
    with pytest.raises(InvalidRequestError, match="query_text is 'a' and query is 'b': give one of them"):
        await engine.query_reflections("acme", "shop", query_text="a", query="b")


async def test_a_session_has_to_be_named(pool):
    with pytest.raises(InvalidRequestError, match="session_id: name the session"):
        await SummarizationWorker(pool, EXTRACTIVE).summarize_session("acme", project="shop")

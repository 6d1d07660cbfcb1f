"""RAE's arguments and results, as its document and its newest code spell them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from memory_maintenance import DecayWorker, DreamingWorker, ReflectionEngineV2, SummarizationWorker
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.rae.context import Event, EventType, OutcomeType, ReflectionContext, ReflectionResult
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from tests.fake_model import FakeModel, answer_to
from tests.workflows.conftest import remember_session

NOW = datetime.now(UTC)


def extractive(**chosen: Any) -> Settings:
    return Settings(_env_file=None, **{"rae_llm_backend": "extractive", **chosen})


async def summarize(pool: Pool, *args: Any, **named: Any) -> dict[str, Any] | None:
    return await SummarizationWorker(pool, extractive()).summarize_session(*args, **named)


@pytest.mark.parametrize(
    ("positions", "names"),
    [
        pytest.param(("acme", "shop", "s1"), {}, id="by position"),
        pytest.param((), {"tenant_id": "acme", "project_id": "shop", "session_id": "s1"}, id="project_id"),
        pytest.param((), {"tenant_id": "acme", "project": "shop", "session_id": "s1"}, id="project"),
        pytest.param(("acme",), {"project": "shop", "project_id": "shop", "session_id": "s1"}, id="both, the same"),
    ],
)
async def test_a_project_is_given_by_either_name(pool, positions, names):
    await remember_session(pool, "acme", events=12)
    summary = await summarize(pool, *positions, **names)
    assert summary is not None
    assert (summary["project"], summary["session_id"]) == ("shop", "s1")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        pytest.param({"project": "a", "project_id": "b", "session_id": "s1"}, "give one of them", id="two projects"),
        pytest.param({"project": "shop"}, "session_id: name the session", id="no session"),
    ],
)
async def test_arguments_that_do_not_go_together_are_refused(pool, names, said):
    with pytest.raises(InvalidRequestError, match=said):
        await summarize(pool, "acme", **names)


async def test_long_sessions_and_dreams_take_both_names_too(pool):
    await remember_session(pool, "acme", events=12)
    [summary] = await SummarizationWorker(pool, extractive()).summarize_long_sessions(
        "acme", project="shop", event_threshold=10
    )
    [dream] = await DreamingWorker(pool, extractive()).run_dreaming_cycle(tenant_id="acme", project="shop")
    assert (summary["session_id"], dream["strategy_id"]) == ("s1", None)


async def test_a_reflection_is_stored_and_found_by_both_names(pool):
    engine = ReflectionEngineV2(pool, extractive())
    result = ReflectionResult(reflection_text="Tents leak at the seam", importance=0.8, tags=["tents"])
    stored = await engine.store_reflection(result, "acme", project="shop")
    [found] = await engine.query_reflections("acme", project="shop", query="seam")
    assert (found["id"], found["tags"], type(result.tags)) == (stored["reflection_id"], ["tents"], list)


async def test_a_model_that_raises_what_it_likes_gives_no_dream(pool):
    await remember_session(pool, "acme", events=12)

    def broken(_: Any) -> dict[str, Any]:
        raise ConnectionResetError("somewhere inside")

    worker = DreamingWorker(pool, Settings(_env_file=None, rae_llm_backend="openai"), FakeModel(reply=broken))
    with capture_logs() as logs:
        assert await worker.run_dreaming_cycle("acme", "shop") == []
    [said] = [entry for entry in logs if entry["event"] == "dreaming_cycle_failed"]
    assert (said["tenant_id"], said["error_type"]) == ("acme", "ConnectionResetError")


async def test_an_engine_may_be_injected_and_another_kind_is_refused(pool):
    await remember_session(pool, "acme", events=12)
    engine = ReflectionEngineV2(pool, Settings(_env_file=None, rae_llm_backend="openai"), FakeModel(reply=answer_to))
    [dream] = await DreamingWorker(pool, reflection_engine=engine).run_dreaming_cycle("acme", "shop")
    assert dream["strategy_id"] is not None
    with pytest.raises(InvalidRequestError, match="reflection_engine: give"):
        DreamingWorker(pool, reflection_engine=object())  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError, match="scoring_service: importance is computed"):
        DecayWorker(pool, scoring_service=object())


def test_an_event_takes_its_fields_by_position():
    event = Event("1", EventType.USER_INPUT, NOW, "hello", {"importance": 0.7})
    assert (event.event_id, event.content, event.metadata) == ("1", "hello", {"importance": 0.7})


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param({"message": "no route", "type": "net"}, "(error: no route)", id="its message"),
        pytest.param({"type": "net"}, "(error: net)", id="its type"),
        pytest.param({"code": 7, "where": "psql"}, "(error: code: 7, where: psql)", id="all of it"),
    ],
)
async def test_what_an_events_error_says_reaches_the_model(pool, error, told):
    events = tuple(Event(str(n), EventType.TOOL_CALL, NOW - timedelta(hours=n), "query", error=error) for n in range(3))
    model = FakeModel()
    engine = ReflectionEngineV2(pool, Settings(_env_file=None, rae_llm_backend="openai"), model)
    await engine.generate_reflection(ReflectionContext(events=events, outcome=OutcomeType.ERROR, tenant_id="acme"))
    assert told in model.questions[0].prompt

"""RAE's arguments and results, as its document and its newest code spell them."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints, is_typeddict
from unittest.mock import MagicMock

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from memory_maintenance import (
    DecayWorker,
    DreamingWorker,
    MaintenanceScheduler,
    ReflectionEngineV2,
    SummarizationWorker,
)
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.rae.context import ErrorInfo, Event, EventType, OutcomeType, ReflectionContext, ReflectionResult
from memory_maintenance.rae.returned import MaintenanceStatistics, StoredReflection, StoredSummary
from memory_maintenance.settings import Settings
from tests.fake_model import FakeModel, answer_to
from tests.workflows.conftest import remember_session

NOW = datetime.now(UTC)


def extractive(**chosen: Any) -> Settings:
    return Settings(_env_file=None, **{"rae_llm_backend": "extractive", **chosen})


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
    others: tuple[Any, ...] = (
        object(),
        MagicMock(spec=ReflectionEngineV2),
        type("Own", (ReflectionEngineV2,), {})(pool, extractive()),
    )
    for other in others:
        with pytest.raises(InvalidRequestError, match="reflection_engine: give"):
            DreamingWorker(pool, reflection_engine=other)
    with pytest.raises(InvalidRequestError, match="scoring_service: importance is computed"):
        DecayWorker(pool, scoring_service=object())


async def test_what_is_returned_has_the_keys_of_its_type(pool):
    await remember_session(pool, "acme", events=12)
    scheduler = MaintenanceScheduler(pool, extractive(memory_expiry="archive"))
    for stats in (await scheduler.run_daily_maintenance(dry_run=True), await scheduler.run_daily_maintenance()):
        _has_keys_of(stats, MaintenanceStatistics)
    [reflection, *_] = await ReflectionEngineV2(pool, extractive()).query_reflections("acme", "shop", min_importance=0)
    _has_keys_of(reflection, StoredReflection)
    await remember_session(pool, "acme", events=12, session="s2")
    _has_keys_of(await SummarizationWorker(pool, extractive()).summarize_session("acme", "shop", "s2"), StoredSummary)


def _has_keys_of(value: Any, typed: Any) -> None:
    assert typed.__required_keys__ <= set(value) <= typed.__required_keys__ | typed.__optional_keys__
    for name, hint in get_type_hints(typed).items():
        if is_typeddict(hint):
            _has_keys_of(value[name], hint)


EVENT = Event("1", EventType.USER_INPUT, NOW, "hello", {"importance": 0.7})


@pytest.mark.parametrize(
    ("shape", "values", "said"),
    [
        pytest.param(Event, ("1", "user_input", NOW, "hello"), {"event_id": "1", "content": "hello"}, id="Event"),
        pytest.param(
            ErrorInfo,
            ("tool_error", "broken", "E1", "line 3"),
            {"error_code": "E1", "traceback": "line 3"},
            id="ErrorInfo",
        ),
        pytest.param(
            ReflectionContext,
            ([EVENT], "error", "acme", "shop", None, "a task"),
            {"events": [EVENT], "project": "shop", "task_description": "a task"},
            id="ReflectionContext",
        ),
        pytest.param(
            ReflectionResult,
            ("text", None, 0.8, 0.9, None, None, ["1"]),
            {"importance": 0.8, "tags": [], "source_event_ids": ["1"], "metadata": {}},
            id="ReflectionResult",
        ),
    ],
)
def test_a_shape_takes_its_fields_in_raes_order_and_none_for_a_default(shape, values, said):
    made = shape(*values)
    assert {name: getattr(made, name) for name in said} == said


@pytest.mark.parametrize(("values", "named"), [((), {"content": "x"}), (("1",) * 8, {}), (("1",), {"event_id": "2"})])
def test_too_few_too_many_and_twice_given_fields_are_refused(values, named):
    with pytest.raises((TypeError, ValidationError)):
        Event(*values, **named)


def test_a_field_of_a_context_can_be_set_and_is_checked():
    context = ReflectionContext([EVENT], OutcomeType.SUCCESS, "acme")
    context.outcome = "failure"  # type: ignore[assignment]
    assert context.outcome is OutcomeType.FAILURE
    with pytest.raises(ValidationError):
        context.outcome = "nonsense"  # type: ignore[assignment]


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

"""What RAE's own tests expect of summaries, dreams, the scheduler and their flags, on its table and through its pool."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from memory_maintenance import DreamingWorker, MaintenanceScheduler, ReflectionEngineV2, SummarizationWorker
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.overrides import override
from scripted_endpoint.server import ScriptedEndpoint
from tests.fake_model import FakeModel
from tests.model_path import honest
from tests.rae.raes_tests import like
from tests.rae.rows import events, flags, raising, remember, saying, theirs
from tests.workflows.conftest import remember_session

__all__ = ["theirs"]

SESSION = "7b1f0c52-6b4e-4a5e-9a0c-1d2f3a4b5c6d"
SUMMARIES = "SELECT id::text, content, layer, tags FROM memories WHERE source = 'summarization_worker'"


# --- summaries ----------------------------------------------------------------------------------


@like("test_summarization_worker.py::summarize_session_llm", "test_workers.py::summarize_session_success")
async def test_a_summary_has_the_models_words_topics_and_mood_and_is_returned(theirs, tenant):
    await remember(theirs, tenant, ["User asked for help", "Agent provided help"], session=SESSION)
    said = "User asked for help and agent provided it."
    model = saying(summary=said, key_topics=["help", "support"], sentiment="positive")
    summary = await SummarizationWorker(theirs, flags(), model).summarize_session(
        tenant_id=tenant, project="default", session_id=UUID(SESSION), min_events=2
    )
    assert summary is not None
    [stored] = await theirs.fetch(SUMMARIES)
    assert (str(summary["id"]), summary["content"]) == (stored["id"], stored["content"])
    assert stored["content"] == f"{said}\n\nKey Topics: help, support\n\nSentiment: positive"
    assert (stored["layer"], stored["tags"]) == ("episodic", ["session_summary", "auto_generated"])
    assert len(model.questions) == 1


@like("test_summarization_worker.py::summarize_long_sessions", "test_workers.py::summarize_long_sessions")
async def test_every_long_session_is_summarized_and_no_short_one(theirs, tenant):
    sessions = {str(uuid4()): count for count in (20, 25, 19)}
    for session, count in sessions.items():
        await remember(theirs, tenant, events(count), session=session)
    summaries = await SummarizationWorker(theirs, flags(), FakeModel()).summarize_long_sessions(
        tenant_id=tenant, project="default", event_threshold=20
    )
    assert {one["session_id"] for one in summaries} == {session for session, count in sessions.items() if count >= 20}


@like("test_workers.py::summarize_session_insufficient_events")
async def test_a_session_of_too_few_events_has_no_summary(theirs, tenant):
    await remember(theirs, tenant, events(1), session=SESSION)
    with capture_logs() as logs:
        worker = SummarizationWorker(theirs, flags(), FakeModel())
        assert await worker.summarize_session(tenant, "default", UUID(SESSION), min_events=10) is None
    assert [log["reason"] for log in logs if log["event"] == "session_summarization_skipped"] == ["insufficient_events"]
    assert await theirs.fetch(SUMMARIES) == []


@like("test_workers.py::summarize_session_disabled", "test_reflective_flags.py::summarization_disabled_no_summary")
async def test_summaries_that_are_switched_off_are_not_written(theirs, tenant):
    await remember(theirs, tenant, events(12), session=SESSION)
    worker = SummarizationWorker(theirs, flags(summarization_enabled=False), FakeModel())
    assert await worker.summarize_session(tenant_id=tenant, project="default", session_id=UUID(SESSION)) is None


@like("test_reflective_flags.py::summarization_enabled_creates_summary")
async def test_summaries_that_are_switched_on_are_written_from_as_few_events_as_asked_for(theirs, tenant):
    await remember(theirs, tenant, events(2), session=SESSION)
    worker = SummarizationWorker(theirs, flags(summarization_enabled=True), FakeModel())
    assert await worker.summarize_session(tenant, "default", UUID(SESSION), min_events=1)


async def test_a_model_that_raises_what_it_likes_leaves_the_first_five_events(theirs, tenant):
    await remember(theirs, tenant, events(7), session=SESSION)
    with capture_logs() as logs:
        worker = SummarizationWorker(theirs, flags(), raising(ConnectionResetError("secret")))
        summary = await worker.summarize_session(tenant, "default", SESSION, min_events=5)
    assert summary is not None
    assert summary["content"].endswith(" ... and 2 more events")
    assert [log["reason"] for log in logs if log["event"] == "llm_summarization_failed"] == ["model_error"]
    assert "secret" not in str(logs)


# --- dreams -------------------------------------------------------------------------------------


async def dreams(pool: Pool, tenant: str, model: FakeModel, settings: Settings | None = None, **asked: Any) -> Any:
    asked = {"lookback_hours": 24, "min_importance": 0.6, "max_samples": 20, **asked}
    return await DreamingWorker(pool, settings or flags(), model).run_dreaming_cycle(
        tenant_id=tenant, project="default", **asked
    )


def told_to(model: FakeModel) -> list[str]:
    """Return the lines of memories that a model was asked about."""
    [question] = model.questions
    return list(question.sources)


@like(
    "test_dreaming_worker.py::basic_cycle",
    "test_workers.py::dreaming_cycle_success",
    "test_reflective_flags.py::dreaming_enabled_runs_dreaming",
)
async def test_a_dream_stores_one_reflection_and_returns_its_ids(theirs, tenant):
    await remember(theirs, tenant, events(5))
    engine = ReflectionEngineV2(theirs, flags(), saying(strategy=None))
    [found] = await DreamingWorker(theirs, reflection_engine=engine).run_dreaming_cycle(
        tenant_id=tenant, project="default", lookback_hours=24, min_importance=0.6, max_samples=20
    )
    assert found["strategy_id"] is None
    [stored] = await theirs.fetch("SELECT id::text, layer FROM memories WHERE source = 'reflection_engine_v2'")
    assert (stored["id"], stored["layer"]) == (found["reflection_id"], "reflective")


@like(
    "test_dreaming_worker.py::disabled",
    "test_workers.py::dreaming_cycle_disabled",
    "test_reflective_flags.py::dreaming_disabled_no_dreaming",
)
@pytest.mark.parametrize("off", [{"dreaming_enabled": False}, {"reflective_memory_enabled": False}])
async def test_dreams_that_are_switched_off_are_not_dreamt(theirs, tenant, off):
    await remember(theirs, tenant, events(5))
    model = FakeModel()
    with capture_logs() as logs:
        assert await dreams(theirs, tenant, model, flags(**off)) == []
    assert [log["reason"] for log in logs if log["event"] == "dreaming_cycle_skipped"] == ["disabled_by_config"]
    assert model.questions == []


@like(
    "test_dreaming_worker.py::insufficient_memories",
    "test_dreaming_worker.py::no_recent_memories",
    "test_workers.py::dreaming_cycle_insufficient_memories",
)
@pytest.mark.parametrize("count", [0, 2])
async def test_fewer_than_three_memories_are_not_dreamt_about(theirs, tenant, count):
    await remember(theirs, tenant, events(count))
    with capture_logs() as logs:
        assert await dreams(theirs, tenant, FakeModel()) == []
    assert [log["reason"] for log in logs if log["event"] == "dreaming_cycle_skipped"] == ["insufficient_memories"]


@like("test_dreaming_worker.py::lookback_window")
async def test_a_dream_is_about_memories_of_the_last_hours_only(theirs, tenant):
    await remember(theirs, tenant, ["Long ago the alarm rang"] * 3, days_ago=2)
    await remember(theirs, tenant, events(3))
    model = FakeModel()
    assert len(await dreams(theirs, tenant, model, lookback_hours=24)) == 1
    assert [len(told_to(model)), "Long ago" in str(told_to(model))] == [3, False]


@like("test_dreaming_worker.py::importance_filter")
async def test_a_dream_is_about_important_memories_only(theirs, tenant):
    await remember(theirs, tenant, ["A trifle"] * 3, importance=0.3)
    await remember(theirs, tenant, events(4), importance=0.8)
    model = FakeModel()
    assert len(await dreams(theirs, tenant, model, min_importance=0.6)) == 1
    assert [len(told_to(model)), "trifle" in str(told_to(model))] == [4, False]


@like("test_dreaming_worker.py::max_samples_limit")
async def test_a_dream_is_about_so_many_memories_at_most(theirs, tenant):
    await remember(theirs, tenant, events(15))
    model = FakeModel()
    await dreams(theirs, tenant, model, max_samples=10)
    assert len(told_to(model)) == 10


@like("test_dreaming_worker.py::error_handling")
async def test_a_dream_whose_model_raises_any_error_is_not_stored(theirs, tenant):
    await remember(theirs, tenant, events(5))
    with capture_logs() as logs:
        assert await dreams(theirs, tenant, raising(Exception("LLM service unavailable"))) == []
    assert [log["error_type"] for log in logs if log["event"] == "dreaming_cycle_failed"] == ["Exception"]


# --- the scheduler and its flags ----------------------------------------------------------------


@like("test_workers.py::hourly_maintenance")
async def test_an_hourly_run_says_when_it_began_and_ended(theirs):
    stats = await MaintenanceScheduler(theirs, flags()).run_hourly_maintenance()
    assert stats["started_at"] <= stats["completed_at"]


@like("test_workers.py::daily_maintenance", "test_reflective_flags.py::maintenance_with_all_flags_enabled")
async def test_a_daily_run_decays_and_dreams(theirs, tenant, endpoint: ScriptedEndpoint):
    endpoint.otherwise = honest
    await remember(theirs, tenant, [f"Mara ordered the kettle number {n} for Gent." for n in range(10)])
    settings = flags(openai_base_url=endpoint.base_url, dreaming_enabled=True)
    stats = await MaintenanceScheduler(theirs, settings).run_daily_maintenance(tenant_ids=[tenant])
    assert (stats["decay"], stats["dreaming"]["reflections_generated"]) == (
        stats["decay"] | {"total_tenants": 1, "total_updated": 10},
        1,
    )
    assert not stats["dreaming"].get("skipped")
    assert (stats["config"]["reflective_enabled"], stats["config"]["dreaming_enabled"]) == (True, True)


@like(
    "test_workers.py::daily_maintenance_dreaming_disabled",
    "test_reflective_flags.py::maintenance_with_all_flags_disabled",
)
async def test_with_everything_else_off_a_daily_run_decays_and_says_why_it_does_not_dream(theirs, tenant):
    await remember(theirs, tenant, events(10), session=SESSION)
    off = flags(reflective_memory_enabled=False, dreaming_enabled=False, summarization_enabled=False)
    stats = await MaintenanceScheduler(theirs, off).run_daily_maintenance(tenant_ids=[tenant])
    assert stats["decay"]["total_updated"] == 10
    assert (stats["dreaming"]["skipped"], stats["dreaming"]["reason"]) == (True, "disabled_by_config")
    assert (stats["config"]["reflective_enabled"], stats["config"]["dreaming_enabled"]) == (False, False)
    assert await theirs.fetch(SUMMARIES) == []


@pytest.mark.parametrize("lets_in", [True, False])
async def test_dreams_of_a_tenant_that_an_override_lets_in_are_counted_where_dreams_are_off(theirs, tenant, lets_in):
    await remember_session(theirs, tenant, events=12)
    if lets_in:
        await override(theirs, tenant, {"dreaming_enabled": True})
    settings = flags(rae_llm_backend="extractive", dreaming_enabled=False)
    dreaming = (await MaintenanceScheduler(theirs, settings).run_daily_maintenance())["dreaming"]
    assert (dreaming["reflections_generated"] > 0, dreaming.get("skipped")) == (
        (True, None) if lets_in else (False, True)
    )


async def test_dreams_that_are_left_out_are_counted_under_a_name_of_their_own(theirs, tenant):
    await remember(theirs, tenant, ["It rains in Gent", "Mara asks for tea", "The clock stops"], importance=0.9)
    scheduler = MaintenanceScheduler(theirs, flags(rae_llm_backend="extractive"))
    dreaming = (await scheduler.run_daily_maintenance())["dreaming"]
    assert (dreaming["dreams_skipped"], dreaming["reasons"], "skipped" in dreaming) == (1, {"nothing_recurs": 1}, False)

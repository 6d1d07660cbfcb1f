import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from memory_maintenance.errors import (
    AnswerRefusedError,
    AnswersExhaustedError,
    BudgetExhaustedError,
    ContextTooLongError,
    LanguageModelError,
    ModelBusyError,
    ModelForbiddenError,
    ModelUnavailableError,
)
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch_value
from memory_maintenance.summarization.outcome import SummaryOutcome
from memory_maintenance.summarization.policy import SessionKey, summary_id
from memory_maintenance.tenants.control import pause, resume
from memory_maintenance.tenants.overrides import override
from memory_maintenance.work import Counts, Done
from tests.agents import AS_OF, derived, others, talk, write
from tests.fake_model import FakeModel, answer_to
from tests.steps import Summarizing


def settings(backend: str = "openai", **changed: Any) -> Settings:
    return Settings.model_validate({"rae_llm_backend": backend, **changed})


def worker(pool: Pool, backend: str = "openai", model: FakeModel | None = None, **changed: Any) -> Summarizing:
    return Summarizing(pool, settings(backend, **changed), model or FakeModel())


async def summarize(one: Summarizing, tenant: str, session: str = "s", **asked: Any) -> SummaryOutcome:
    return await one.summarize(SessionKey(tenant, "shop", session), **{"as_of": AS_OF, **asked})


@pytest.mark.parametrize(
    ("count", "status", "reason"),
    [(3, "skipped", "insufficient_events"), (12, "stored", None), (40, "stored", None), (126, "stored", None)],
)
@pytest.mark.parametrize("backend", ["openai", "extractive"])
async def test_a_session_with_enough_events_gets_one_summary(any_pool, tenant, backend, count, status, reason):
    events = await write(any_pool, tenant, talk(count), session="s")
    before = await others(any_pool, tenant)
    outcome = await summarize(worker(any_pool, backend), tenant)
    assert (outcome.status, outcome.reason, outcome.events) == (status, reason, count)
    stored = await derived(any_pool, tenant)
    assert [row["id"] for row in stored] == ([] if reason else [outcome.summary_id])
    covered = await fetch_value(any_pool, "SELECT count(*) FROM maintenance.lineage WHERE source_id = ANY ($1)", events)
    assert covered == (0 if reason else count)
    assert await others(any_pool, tenant) == before


async def test_a_summary_is_stored_as_rae_does(any_pool, tenant):
    await write(any_pool, tenant, talk(10), session="s", importance=0.5)
    await summarize(worker(any_pool, model=FakeModel()), tenant, cycle_id=(cycle := uuid4()))
    (row,) = await derived(any_pool, tenant)
    assert (row["layer"], row["source"], row["tags"]) == (
        "episodic",
        "summarization_worker",
        ["session_summary", "auto_generated"],
    )
    assert (row["project"], row["session_id"], row["agent_id"]) == ("shop", "s", "default")
    assert row["importance"] == pytest.approx(0.8 * 0.5)
    assert row["content"].endswith("\n\nKey Topics: courier, orders\n\nSentiment: neutral")
    metadata = row["metadata"]
    assert metadata["event_count"] == 10
    assert metadata["first_event_at"] == (AS_OF - timedelta(hours=5)).isoformat()
    assert metadata["last_event_at"] == (AS_OF - timedelta(hours=5) + timedelta(seconds=9)).isoformat()
    wrote = ("openai", False, "fake", "session-summary/2", "question-1", str(cycle), "s")
    keys = ("backend", "fallback", "model", "prompt_version", "question", "cycle_id", "session_id")
    assert tuple(metadata[key] for key in keys) == wrote


@pytest.mark.parametrize("layer", ["episodic", "em"])
async def test_a_summary_takes_its_events_spelling_of_the_layer(any_pool, tenant, layer):
    await write(any_pool, tenant, talk(10), session="s", layer=layer)
    await summarize(worker(any_pool, "extractive"), tenant)
    assert [row["layer"] for row in await derived(any_pool, tenant)] == [layer]


async def test_a_session_id_may_stand_only_in_the_metadata(any_pool, tenant):
    long_id = "s" * 300
    for session in ("old", long_id):
        await write(any_pool, tenant, talk(10), metadata={"session_id": session})
        assert (await summarize(worker(any_pool, "extractive"), tenant, session)).status == "stored"
    stored = {row["metadata"]["session_id"]: row["session_id"] for row in await derived(any_pool, tenant)}
    assert stored == {"old": "old", long_id: None}


async def test_who_speaks_is_read_from_the_metadata_where_no_text_says_it(pool, tenant):
    start = AS_OF - timedelta(hours=2)
    asked = [f"My ketch in berth {n} leaks at its stern tube." for n in range(6)]
    said = [f"A stern tube of {n + 40} mm needs a packing of flax." for n in range(6)]
    await write(pool, tenant, asked, session="s", start=start, metadata={"role": "user", "more": "x" * 1000})
    await write(pool, tenant, said, session="s", start=start + timedelta(minutes=9), metadata={"role": "assistant"})
    assert (await summarize(worker(pool, "extractive"), tenant)).status == "stored"
    [summary] = await derived(pool, tenant)
    assert "user: My ketch in berth" in summary["content"]
    assert "assistant: A stern tube of" in summary["content"]


async def test_memories_without_a_project_are_one_session_with_those_of_default_and_null_stays_null(any_pool, tenant):
    await write(any_pool, tenant, talk(10), session="s", project=None)
    one = worker(any_pool, "extractive")
    assert (await one.summarize(SessionKey(tenant, None, "s"), as_of=AS_OF)).status == "stored"
    assert (await one.summarize(SessionKey(tenant, "default", "s"), as_of=AS_OF)).reason == "insufficient_events"
    assert [row["project"] for row in await derived(any_pool, tenant)] == [None]


async def test_the_agent_is_the_one_that_all_events_have(rae_pool, tenant):
    for session, agents in [("one", ["ana", "ana"]), ("two", ["ana", "bo"])]:
        for agent in agents:
            ids = await write(rae_pool, tenant, talk(5), session=session)
            await execute(rae_pool, "UPDATE memories SET agent_id = $2 WHERE id = ANY ($1)", ids, agent)
        await summarize(worker(rae_pool, "extractive"), tenant, session)
    assert {row["session_id"]: row["agent_id"] for row in await derived(rae_pool, tenant)} == {
        "one": "ana",
        "two": "default",
    }


async def test_summarizing_twice_is_summarizing_once(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    one = worker(any_pool)
    first = await summarize(one, tenant)
    stored = await derived(any_pool, tenant)
    assert (await summarize(one, tenant)).reason == "insufficient_events"
    assert first.status == "stored"
    assert await derived(any_pool, tenant) == stored


@pytest.mark.parametrize("backend", ["openai", "extractive", "none"])
async def test_no_summary_outranks_its_events_or_counts_as_recalled(any_pool, tenant, backend):
    ids = await write(any_pool, tenant, talk(12), session="s", importance=0.9)
    decay = "UPDATE memories SET base_importance = 0.9, decayed_importance = 0.3, importance = 0.3 WHERE id = ANY ($1)"
    await execute(any_pool, decay, ids[:6])
    await summarize(worker(any_pool, backend), tenant)
    (row,) = await derived(any_pool, tenant)
    assert row["importance"] == pytest.approx(0.8 * (6 * 0.3 + 6 * 0.9) / 12)
    assert (row["created_at"], row["last_accessed_at"]) == (AS_OF, None)


async def test_a_step_repeated_after_its_commit_reports_what_it_did(pool, tenant):
    await write(pool, tenant, talk(12), session="s")
    one, cycle = worker(pool), uuid4()
    assert await summarize(one, tenant, cycle_id=cycle) == await summarize(one, tenant, cycle_id=cycle)


async def test_callers_at_the_same_time_store_one_summary(pool, tenant):
    await write(pool, tenant, talk(12), session="s")
    outcomes = await asyncio.gather(*(summarize(worker(pool), tenant) for _ in range(8)))
    assert sorted(one.status for one in outcomes) == ["skipped"] * 7 + ["stored"]
    assert len(await derived(pool, tenant)) == 1


async def test_a_grown_session_is_updated_in_place_from_its_summary_and_the_new_events(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    model = FakeModel()
    await summarize(worker(any_pool, model=model), tenant)
    (before,) = await derived(any_pool, tenant)
    await write(any_pool, tenant, talk(11, first=50), session="s", start=AS_OF - timedelta(hours=2), importance=0.9)
    outcome = await summarize(worker(any_pool, model=model), tenant)
    (after,) = await derived(any_pool, tenant)
    assert (outcome.status, outcome.summary_id, outcome.events) == ("updated", before["id"], 23)
    assert after["created_at"] == before["created_at"]
    assert after["importance"] == pytest.approx(0.8 * (12 * 0.5 + 11 * 0.9) / 23)
    asked = model.questions[1].prompt
    assert before["content"].partition("\n\n")[0] in asked
    assert "Order 50 " in asked
    assert "Order 3 " not in asked


async def test_what_others_put_into_a_summarys_metadata_and_its_access_stats_stay(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    await summarize(worker(any_pool), tenant)
    mark = (
        """UPDATE memories SET metadata = metadata || '{"pinned_by": "ana"}', usage_count = 7 WHERE source <> 'agent'"""
    )
    await execute(any_pool, mark)
    await write(any_pool, tenant, talk(12, first=50), session="s", start=AS_OF - timedelta(hours=2))
    assert (await summarize(worker(any_pool), tenant)).status == "updated"
    (row,) = await derived(any_pool, tenant)
    assert (row["metadata"]["pinned_by"], row["metadata"]["revision"], row["usage_count"]) == ("ana", 2, 7)


async def test_an_extractive_summary_of_a_grown_session_is_made_of_all_its_events(pool, tenant):
    await write(pool, tenant, ["The contract with Mara was signed in Gent for 4,200 euros.", *talk(11)], session="s")
    await summarize(worker(pool, "extractive"), tenant)
    await write(pool, tenant, talk(12, first=90), session="s", start=AS_OF - timedelta(hours=2))
    await summarize(worker(pool, "extractive"), tenant)
    (row,) = await derived(pool, tenant)
    assert row["metadata"]["event_count"] == 24


async def test_the_embedding_of_the_old_text_goes_with_it(rae_pool, tenant):
    await write(rae_pool, tenant, talk(12), session="s")
    outcome = await summarize(worker(rae_pool), tenant)
    await execute(rae_pool, "UPDATE memories SET embedding = '{1,2}'::real[]::vector WHERE tenant_id = $1", tenant)
    await execute(
        rae_pool,
        "INSERT INTO memory_embeddings (memory_id, model_name, embedding) SELECT id, 'm', '{1,2}'::real[]::vector FROM memories WHERE tenant_id = $1",
        tenant,
    )
    await write(rae_pool, tenant, talk(12, first=50), session="s", start=AS_OF - timedelta(hours=2))
    await summarize(worker(rae_pool), tenant)
    without = "SELECT array_agg(id) FROM memories WHERE tenant_id = $1 AND embedding IS NULL AND source <> 'agent'"
    assert await fetch_value(rae_pool, without, tenant) == [outcome.summary_id]
    assert await fetch_value(rae_pool, "SELECT count(*) FROM memory_embeddings") == 12


async def test_events_that_come_late_are_covered_too(pool, tenant):
    await write(pool, tenant, talk(12), session="s", start=AS_OF - timedelta(hours=3))
    await summarize(worker(pool), tenant)
    late = await write(pool, tenant, talk(10, first=70), session="s", start=AS_OF - timedelta(hours=9))
    assert (await summarize(worker(pool), tenant)).status == "updated"
    covered = "SELECT count(*) FROM maintenance.lineage WHERE source_id = ANY ($1)"
    assert await fetch_value(pool, covered, late) == 10


async def test_an_edited_summary_is_left_alone_and_a_second_one_takes_the_new_events(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    first = await summarize(worker(any_pool), tenant)
    await execute(any_pool, "UPDATE memories SET content = 'by hand' WHERE id = $1", first.summary_id)
    assert (await summarize(worker(any_pool), tenant)).reason == "insufficient_events"
    model = FakeModel()
    await write(any_pool, tenant, talk(12, first=50), session="s", start=AS_OF - timedelta(hours=2))
    second = await summarize(worker(any_pool, model=model), tenant)
    assert (second.status, second.summary_id, second.events) == (
        "stored",
        summary_id(SessionKey(tenant, "shop", "s"), 2),
        12,
    )
    assert "Order 3 " not in model.questions[0].prompt
    assert [row["content"] for row in await derived(any_pool, tenant) if row["id"] == first.summary_id] == ["by hand"]


async def test_an_edit_while_the_model_thinks_is_not_overwritten(pool, tenant):
    await write(pool, tenant, talk(12), session="s")
    first = await summarize(worker(pool), tenant)
    await write(pool, tenant, talk(12, first=50), session="s", start=AS_OF - timedelta(hours=2))
    edited: list[Any] = []

    class EditedMeanwhile(FakeModel):
        async def ask(self, question: Any) -> Any:
            edited.append(
                await execute(pool, "UPDATE memories SET content = 'by hand' WHERE id = $1", first.summary_id)
            )
            return await super().ask(question)

    assert (await summarize(worker(pool, model=EditedMeanwhile()), tenant)).reason == "already_summarized"
    assert edited == [1]
    assert [row["content"] for row in await derived(pool, tenant)] == ["by hand"]


async def test_summaries_and_reflections_are_no_events(any_pool, tenant):
    await write(any_pool, tenant, talk(9), session="s")
    await write(any_pool, tenant, talk(9), session="s", source="reflection_engine_v2")
    await write(any_pool, tenant, talk(9), session="s", tags=["session_summary"], start=AS_OF - timedelta(days=3))
    await write(any_pool, tenant, talk(9), session="s", layer="semantic")
    assert (await summarize(worker(any_pool), tenant)).events == 9


async def test_events_after_as_of_wait_for_the_next_run(pool, tenant):
    await write(pool, tenant, talk(12), session="s")
    await write(pool, tenant, talk(12, first=50), session="s", start=AS_OF + timedelta(seconds=1))
    assert (await summarize(worker(pool), tenant)).events == 12


async def test_raes_own_earlier_summary_covers_what_came_before_it(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    theirs: dict[str, Any] = {"session": "s", "source": "summarization_worker", "tags": ["session_summary"]}
    await write(any_pool, tenant, ["A summary by RAE."], start=AS_OF - timedelta(hours=4), **theirs)
    assert (await summarize(worker(any_pool), tenant)).events == 0
    await write(any_pool, tenant, talk(11), session="s", start=AS_OF - timedelta(hours=3))
    assert (await summarize(worker(any_pool), tenant)).events == 11


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AnswersExhaustedError("repeats", "m"), "fallback"),
        (ModelUnavailableError("server_error", "m"), "fallback"),
        (LanguageModelError("bad_request", "m"), "fallback"),
        (ModelForbiddenError("quota", "m"), "failed"),
        (BudgetExhaustedError("budget_exhausted", "m"), "skipped"),
    ],
)
async def test_a_final_error_leads_to_the_fallback_or_leaves_the_session_due(pool, tenant, error, status):
    await write(pool, tenant, talk(12), session="s")
    outcome = await summarize(worker(pool, model=FakeModel(error)), tenant)
    assert (outcome.status, outcome.reason) == (status, error.reason)
    texts = [row["content"] for row in await derived(pool, tenant)]
    assert texts == (
        ["Session summary (12 events): " + " | ".join(talk(5)) + " ... and 7 more events"]
        if status == "fallback"
        else []
    )
    assert (await summarize(worker(pool), tenant)).status in ("stored", "updated")


@pytest.mark.parametrize("error", [ModelBusyError("rate_limit", "m"), AnswerRefusedError("repeats", "m")])
async def test_an_error_that_waiting_helps_is_passed_on_and_stores_nothing(pool, tenant, error):
    await write(pool, tenant, talk(12), session="s")
    one = worker(pool, model=FakeModel(error, failures=1))
    with pytest.raises(type(error)):
        await summarize(one, tenant)
    assert await derived(pool, tenant) == []
    assert (await summarize(one, tenant)).status == "stored"


async def test_a_fallback_is_replaced_in_place_when_the_model_is_back_and_by_all_its_events(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    down = FakeModel(ModelUnavailableError("server_error", "m"))
    first = await summarize(worker(any_pool, model=down), tenant)
    assert (await summarize(worker(any_pool, model=down), tenant)).status == "fallback"
    model = FakeModel()
    second = await summarize(worker(any_pool, model=model), tenant)
    assert (first.status, second.status, second.summary_id) == ("fallback", "updated", first.summary_id)
    assert "Order 1 " in model.questions[0].prompt
    (row,) = await derived(any_pool, tenant)
    assert (row["metadata"]["fallback"], row["metadata"]["backend"]) == (False, "openai")


async def test_an_older_cycle_replaces_a_fallback_by_all_that_it_covers(pool, tenant):
    """Two cycles at once: the later one stored a fallback of more events than the earlier one looks at."""
    await write(pool, tenant, talk(12), session="s", start=AS_OF - timedelta(hours=5))
    await write(pool, tenant, talk(4, first=50), session="s", start=AS_OF - timedelta(hours=2))
    failing = FakeModel(failures=1, error=ModelUnavailableError("server_error", "the breaker is open"))
    assert (await summarize(worker(pool, model=failing), tenant)).status == "fallback"
    older = await summarize(worker(pool, model=FakeModel()), tenant, as_of=AS_OF - timedelta(hours=3))
    assert (older.status, older.events) == ("updated", 16)


async def test_the_fallback_may_be_chosen_sentences(pool, tenant):
    await write(pool, tenant, talk(12), session="s")
    down = FakeModel(ModelUnavailableError("server_error", "m"))
    await summarize(worker(pool, model=down, summarization_fallback="extractive"), tenant)
    (row,) = await derived(pool, tenant)
    assert (row["metadata"]["backend"], row["metadata"]["fallback"]) == ("extractive", True)
    assert "Key Topics: " in row["content"]


async def test_a_fallback_never_replaces_better_text(pool, tenant):
    await write(pool, tenant, talk(12), session="s")
    await summarize(worker(pool), tenant)
    before = await derived(pool, tenant)
    await write(pool, tenant, talk(12, first=50), session="s", start=AS_OF - timedelta(hours=2))
    down = FakeModel(ModelUnavailableError("server_error", "m"))
    assert (await summarize(worker(pool, model=down), tenant)).status == "failed"
    assert (await summarize(worker(pool, "none"), tenant)).reason == "llm_not_configured"
    assert await derived(pool, tenant) == before
    assert (await summarize(worker(pool), tenant)).status == "updated"


async def test_without_any_writer_the_fallback_is_stored(pool, tenant):
    await write(pool, tenant, talk(12), session="s")
    assert (await summarize(worker(pool, "none"), tenant)).status == "fallback"
    assert (await summarize(worker(pool, "extractive"), tenant)).status == "updated"


@pytest.mark.parametrize(
    ("everybody", "here", "backend"),
    [
        ({"model_daily_tokens_per_tenant": 0}, {}, "extractive"),
        ({"model_daily_tokens_per_tenant": 0}, {"daily_tokens": 5000}, "openai"),
        ({}, {"daily_tokens": 0}, "extractive"),
        ({}, {"daily_cost": 0}, "extractive"),
        ({}, {"daily_cost": "0.50"}, "openai"),
        ({"model_daily_tokens": 0}, {"daily_tokens": 5000}, "extractive"),
    ],
    ids=str,
)
async def test_a_budget_of_nothing_means_the_extractive_writer(pool, tenant, everybody, here, backend):
    await write(pool, tenant, talk(12), session="s")
    await override(pool, tenant, here)
    model = FakeModel()
    outcome = await summarize(worker(pool, model=model, **everybody), tenant)
    assert (outcome.backend, bool(model.questions)) == (backend, backend == "openai")


async def test_dates_that_a_summary_drops_are_counted(pool, tenant):
    said = ["The demo is tomorrow.", "The fair opens on 2026-05-01 in Gent.", "Mara is away on 4 April.", *talk(9)]
    await write(pool, tenant, said, session="s")
    model = FakeModel(reply=lambda question: {**answer_to(question), "summary": "The demo is on 10 March 2026."})
    await summarize(worker(pool, model=model), tenant)
    assert "2026-03-09 The demo is tomorrow [2026-03-10]." in model.questions[0].prompt.splitlines()
    (row,) = await derived(pool, tenant)
    assert (row["metadata"]["dates_in_sources"], row["metadata"]["dates_kept"]) == (3, 1)


async def test_a_long_session_is_summarized_in_chunks_that_fit_and_merged(pool, tenant):
    await write(pool, tenant, talk(126), session="s")
    model = FakeModel()
    one = worker(pool, model=model, model_context_tokens=2048)
    assert (await summarize(one, tenant)).events == 126
    purposes = [question.purpose for question in model.questions]
    assert purposes == ["summary_chunk"] * (len(purposes) - 1) + ["summary"]
    assert len(purposes) > 3
    chunks = "".join(question.prompt for question in model.questions[:-1])
    assert all(f"Order {n} " in chunks for n in range(1, 127))
    (row,) = await derived(pool, tenant)
    assert row["metadata"]["prompt_version"] == "summary-merge/2"
    assert row["metadata"]["input_tokens"] == sum(len(question.prompt) // 4 for question in model.questions)


async def test_a_question_that_does_not_fit_is_asked_in_smaller_chunks(pool, tenant):
    await write(pool, tenant, talk(40), session="s")
    model = FakeModel(most_characters=1500, too_long=ContextTooLongError("context_length", "m"))
    assert (await summarize(worker(pool, model=model), tenant)).status == "stored"
    assert len(model.questions[-1].prompt) <= 1500


async def test_a_question_that_fits_in_no_size_ends_in_the_fallback(pool, tenant):
    await write(pool, tenant, talk(12), session="s")
    model = FakeModel(ContextTooLongError("context_length", "m"))
    assert (await summarize(worker(pool, model=model), tenant)).status == "fallback"
    assert len(model.questions) < 20


async def test_a_paused_tenant_is_left_alone_until_it_is_resumed(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    await pause(any_pool, tenant)
    one, session = worker(any_pool), SessionKey(tenant, "shop", "s")
    assert await one.do(session, as_of=AS_OF) == Done(counts=Counts(skipped=1), paused=True)
    assert await one.summarize_session(tenant, "shop", "s") is None
    assert await derived(any_pool, tenant) == []
    await resume(any_pool, tenant)
    assert (await one.do(session, as_of=AS_OF)).counts.of("stored") == 1


@pytest.mark.parametrize(
    ("everywhere", "here", "status"), [(False, None, "skipped"), (True, False, "skipped"), (False, True, "stored")]
)
async def test_summaries_are_switched_off_by_setting_and_by_tenant(pool, tenant, everywhere, here, status):
    await write(pool, tenant, talk(12), session="s")
    await override(pool, tenant, {"summarization_enabled": here})
    one = worker(pool, summarization_enabled=everywhere)
    counts = (await one.do(SessionKey(tenant, "shop", "s"), as_of=AS_OF)).counts
    assert (counts.of(status), counts.reasons) == (1, {"summarization_disabled": 1} if status == "skipped" else {})
    await write(pool, tenant, talk(12), session="t")
    assert (await one.summarize_session(tenant, "shop", "t") is None) == (status == "skipped")


async def test_skips_and_summaries_are_logged_as_rae_does_and_without_their_text(pool, tenant):
    await write(pool, tenant, ["canary-4711 " + text for text in talk(3)], session="s")
    await write(pool, tenant, ["canary-4711 " + text for text in talk(12)], session="t")
    down = FakeModel(ModelUnavailableError("server_error", "m"))
    with capture_logs() as logged:
        await summarize(worker(pool), tenant)
        await worker(pool, summarization_enabled=False).do(SessionKey(tenant, "shop", "s"))
        await worker(pool, summarization_enabled=False).summarize_session(tenant, "shop", "s")
        await summarize(worker(pool, model=down), tenant, "t")
    events = [(line["event"], line.get("reason")) for line in logged]
    assert events == [
        ("session_summarization_skipped", "insufficient_events"),
        ("session_summarization_skipped", "summarization_disabled"),
        ("session_summarization_skipped", "summarization_disabled"),
        ("llm_summarization_failed", "server_error"),
        ("session_summarization_completed", None),
    ]
    assert "canary" not in str(logged)


async def test_raes_methods_return_what_was_stored(pool, tenant):
    await write(pool, tenant, talk(12), session=(session := str(uuid4())), start=AS_OF)
    await write(pool, tenant, talk(101), session="long")
    await write(pool, tenant, talk(101), session="long elsewhere", project="other")
    one = worker(pool)
    assert await one.summarize_session(tenant, "shop", session, min_events=13) is None
    summary = await one.summarize_session(tenant, "shop", session)
    assert summary is not None
    assert (summary["id"], summary["session_id"]) == (str(summary_id(SessionKey(tenant, "shop", session))), session)
    assert [row["session_id"] for row in await one.summarize_long_sessions(tenant, "shop")] == ["long"]
    assert await one.summarize_long_sessions(tenant, "shop") == []


async def test_what_a_model_writes_is_cleaned_before_it_is_stored(pool, tenant):
    await write(pool, tenant, talk(12), session="s")

    def dirty(question: Any) -> dict[str, Any]:
        return {**answer_to(question), "summary": "Order 1\x00 was \u202eshipped."}

    await summarize(worker(pool, model=FakeModel(reply=dirty)), tenant)
    (row,) = await derived(pool, tenant)
    assert row["content"].startswith("Order 1 was shipped.\n\nKey Topics")

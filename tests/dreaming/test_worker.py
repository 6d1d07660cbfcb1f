import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from memory_maintenance.cycles.step import do_unit
from memory_maintenance.dreaming.due import due_projects, planned_dreams
from memory_maintenance.dreaming.outcome import DreamOutcome
from memory_maintenance.dreaming.policy import DreamRule
from memory_maintenance.dreaming.task import DreamUnit
from memory_maintenance.errors import (
    AnswerRefusedError,
    AnswersExhaustedError,
    BudgetExhaustedError,
    ContextTooLongError,
    ModelBusyError,
    ModelForbiddenError,
)
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override
from memory_maintenance.work import Counts, Done, as_json
from tests.agents import AS_OF, derived, others, sources_of, talk, write
from tests.fake_model import FakeModel, answer_to
from tests.steps import Dreamer, a_run

DAY = timedelta(days=1)
THEMES = [
    "The supplier Hoekstra delivered the ceramic kettles two days late.",
    "Called the supplier Hoekstra about the late ceramic kettles again.",
    "The supplier Hoekstra promised ceramic kettles by 12 March 2026.",
    "Lunch was soup.",
]


def settings(backend: str = "openai", **changed: Any) -> Settings:
    return Settings.model_validate({"rae_llm_backend": backend, **changed})


def worker(pool: Pool, backend: str = "openai", model: FakeModel | None = None, **changed: Any) -> Dreamer:
    return Dreamer(pool, settings(backend, **changed), model or FakeModel())


async def dream(one: Dreamer, tenant: str, project: str | None = "shop", **asked: Any) -> DreamOutcome:
    return await one.dream(tenant, project, **{"as_of": AS_OF, **asked})


async def important(pool: Pool, tenant: str, count: int = 5, **how: Any) -> list[Any]:
    return await write(pool, tenant, talk(count), **{"importance": 0.8, **how})


async def due(pool: Pool, tenant: str, at: datetime = AS_OF, **changed: Any) -> list[str]:
    return await due_projects(pool, tenant, as_of=at, settings=settings(**changed))


async def test_a_reflection_and_its_strategy_are_stored_as_rae_does(any_pool, tenant):
    memories = await important(any_pool, tenant)
    before = await others(any_pool, tenant)
    outcome = await dream(worker(any_pool), tenant, cycle_id=(cycle := uuid4()))
    assert (outcome.status, outcome.sources, outcome.backend) == ("stored", 2, "openai")
    stored = {row["id"]: row for row in await derived(any_pool, tenant, "reflection_engine_v2")}
    assert stored.keys() == {outcome.reflection_id, outcome.strategy_id}
    reflection, strategy = (stored[one] for one in (outcome.reflection_id, outcome.strategy_id))
    assert (reflection["layer"], reflection["project"], reflection["session_id"]) == ("reflective", "shop", None)
    assert (reflection["tags"], strategy["tags"]) == (["courier", "orders"], ["courier", "orders", "strategy"])
    assert (reflection["importance"], strategy["importance"]) == (pytest.approx(0.8), pytest.approx(0.8))
    # The latest of equally important memories is number 1.
    assert [await sources_of(any_pool, one) for one in stored] == [{memories[-1], memories[-2]}] * 2
    kept = {
        key: reflection["metadata"][key]
        for key in ("backend", "model", "prompt_version", "confidence", "cycle_id", "outcome")
    }
    assert kept == {
        "backend": "openai",
        "model": "fake",
        "prompt_version": "reflection/2",
        "confidence": 0.7,
        "cycle_id": str(cycle),
        "outcome": "partial",
    }
    assert await others(any_pool, tenant) == before


@pytest.mark.parametrize(("layer", "reflective"), [("episodic", "reflective"), ("em", "rm")])
async def test_a_reflection_takes_its_sources_spelling_of_layers(any_pool, tenant, layer, reflective):
    await important(any_pool, tenant, layer=layer)
    await dream(worker(any_pool), tenant)
    assert {row["layer"] for row in await derived(any_pool, tenant, "reflection_engine_v2")} == {reflective}


async def test_memories_without_a_project_dream_as_default_and_null_stays_null(any_pool, tenant):
    await important(any_pool, tenant, project=None)
    assert await due(any_pool, tenant) == ["default"]
    assert (await dream(worker(any_pool), tenant, None)).status == "stored"
    assert (await dream(worker(any_pool), tenant, "default")).reason == "already_reflected"
    assert {row["project"] for row in await derived(any_pool, tenant, "reflection_engine_v2")} == {None}


async def test_without_a_model_a_dream_tells_what_recurs_and_invents_no_strategy(any_pool, tenant):
    memories = [
        (await write(any_pool, tenant, [text], session=f"call {n}", importance=0.8))[0] for n, text in enumerate(THEMES)
    ]
    outcome = await dream(worker(any_pool, "extractive"), tenant)
    assert (outcome.status, outcome.strategy_id, outcome.backend) == ("stored", None, "extractive")
    (row,) = await derived(any_pool, tenant, "reflection_engine_v2")
    assert "Hoekstra" in row["content"]
    sources = await sources_of(any_pool, row["id"])
    assert sources <= set(memories[:3])
    assert outcome.sources == len(sources) >= 2
    assert row["metadata"]["themes"][0]["name"] == "supplier Hoekstra"


async def test_where_nothing_recurs_nothing_is_written(pool, tenant):
    await write(pool, tenant, ["Lunch was soup.", "A train left Utrecht.", "Blue paint dries slowly."], importance=0.8)
    assert (await dream(worker(pool, "extractive"), tenant)).reason == "nothing_recurs"
    assert await derived(pool, tenant, "reflection_engine_v2") == []


async def test_where_nothing_recurs_is_due_again_when_something_new_makes_it_recur(pool, tenant):
    evening, morning = AS_OF - timedelta(hours=3), AS_OF + timedelta(hours=20)
    await write(pool, tenant, THEMES[:3], importance=0.8, start=evening)
    one = worker(pool, "extractive")
    assert (await dream(one, tenant)).reason == "nothing_recurs"  # all of it was said on one day
    assert await due(pool, tenant) == []
    await write(
        pool, tenant, ["The supplier Hoekstra sent the ceramic kettles at last."], importance=0.8, start=morning
    )
    later = AS_OF + timedelta(hours=22)
    assert await due(pool, tenant, later) == ["shop"]
    outcome = await dream(one, tenant, as_of=later)
    assert (outcome.status, outcome.sources) == ("stored", 4)


async def test_the_same_memories_are_dreamt_about_once(any_pool, tenant):
    await important(any_pool, tenant)
    one = worker(any_pool)
    await dream(one, tenant)
    stored = await derived(any_pool, tenant, "reflection_engine_v2")
    assert await due(any_pool, tenant) == []
    assert (await dream(one, tenant)).reason == "already_reflected"
    await important(any_pool, tenant, count=1, start=AS_OF - timedelta(hours=1))
    assert await due(any_pool, tenant) == ["shop"]
    assert (await dream(one, tenant)).status == "stored"
    assert len(await derived(any_pool, tenant, "reflection_engine_v2")) == len(stored) + 2


async def test_a_reflection_says_when_its_evidence_was_and_is_of_the_instant_of_its_run(any_pool, tenant):
    memories = await important(any_pool, tenant)
    await dream(worker(any_pool), tenant)
    for row in await derived(any_pool, tenant, "reflection_engine_v2"):
        assert (row["created_at"], row["last_accessed_at"]) == (AS_OF, None)
        first, last = (datetime.fromisoformat(row["metadata"][name]) for name in ("first_event_at", "last_event_at"))
        times = await fetch(any_pool, "SELECT created_at FROM memories WHERE id = ANY ($1)", memories[-2:])
        assert (first, last) == tuple(row["created_at"] for row in times)


async def test_no_reflection_outranks_its_evidence_as_decay_has_left_it(any_pool, tenant):
    memories = await important(any_pool, tenant, count=4, importance=0.9)
    decay = "UPDATE memories SET base_importance = 0.9, decayed_importance = $2, importance = $2 WHERE id = $1"
    await execute(any_pool, decay, memories[-1], 0.5)
    await execute(any_pool, decay, memories[-2], 0.6)
    await dream(worker(any_pool), tenant)
    stored = [row["importance"] for row in await derived(any_pool, tenant, "reflection_engine_v2")]
    assert stored == [pytest.approx(0.55), pytest.approx(0.55)]


async def test_a_step_repeated_after_its_commit_reports_what_it_did(pool, tenant):
    await important(pool, tenant)
    model, cycle = FakeModel(), uuid4()
    one = worker(pool, model=model)
    assert await dream(one, tenant, cycle_id=cycle) == await dream(one, tenant, cycle_id=cycle)
    assert len(model.questions) == 1


async def test_dreamers_at_the_same_time_store_one_reflection(pool, tenant):
    await important(pool, tenant)
    outcomes = await asyncio.gather(*(dream(worker(pool), tenant) for _ in range(6)))
    assert sorted(one.reason or one.status for one in outcomes) == ["already_reflected"] * 5 + ["stored"]
    assert len(await derived(pool, tenant, "reflection_engine_v2")) == 2


@pytest.mark.parametrize("count", [0, 2])
async def test_fewer_than_three_memories_are_no_dream(any_pool, tenant, count):
    await important(any_pool, tenant, count=count)
    assert await due(any_pool, tenant) == []
    assert (await dream(worker(any_pool), tenant)).reason == "insufficient_memories"


async def test_only_recent_important_events_are_dreamt_about(any_pool, tenant):
    await important(any_pool, tenant, count=3)
    for unfit in (
        {"importance": 0.59},
        {"importance": None},
        {"importance": float("nan")},
        {"layer": "semantic"},
        {"source": "summarization_worker"},
        {"source": "reflection_engine_v2"},
        {"tags": ["session_summary"]},
        {"project": "other"},
        {"start": AS_OF - timedelta(hours=25)},
        {"start": AS_OF + timedelta(seconds=1)},
    ):
        await important(any_pool, tenant, count=2, **unfit)
    model = FakeModel()
    await dream(worker(any_pool, model=model), tenant)
    assert len(model.questions[0].sources) == 3


async def test_the_most_important_and_then_the_latest_are_dreamt_about(pool, tenant):
    await write(pool, tenant, talk(3, first=1), importance=0.7)
    await write(pool, tenant, talk(3, first=11), importance=0.9)
    model = FakeModel()
    await dream(worker(pool, model=model, dreaming_max_samples=4), tenant)
    numbers = [source.split()[2] for source in model.questions[0].sources]
    assert numbers == ["13", "12", "11", "3"]
    assert await due(pool, tenant, dreaming_max_samples=4) == []
    assert await due(pool, tenant, dreaming_max_samples=5) == ["shop"]


async def test_what_decay_lowered_is_still_dreamt_about_and_what_an_agent_lowered_is_not(any_pool, tenant):
    faded = await important(any_pool, tenant, count=3, importance=0.5)
    lowered = await important(any_pool, tenant, count=3, importance=0.4)
    decay = "UPDATE memories SET base_importance = 0.8, decayed_importance = 0.5 WHERE id = ANY ($1)"
    await execute(any_pool, decay, [*faded, *lowered])
    model = FakeModel()
    assert await due(any_pool, tenant) == ["shop"]
    assert (await dream(worker(any_pool, model=model), tenant)).status == "stored"
    assert len(model.questions[0].sources) == 3


async def test_a_missed_night_is_dreamt_later_but_no_more_than_a_week_is(any_pool, tenant):
    await important(any_pool, tenant)
    await dream(worker(any_pool), tenant)
    later = AS_OF + 9 * DAY
    await important(any_pool, tenant, count=3, start=AS_OF + timedelta(hours=1))
    await important(any_pool, tenant, count=3, start=later - 6 * DAY)
    model = FakeModel()
    assert await due(any_pool, tenant, later) == ["shop"]
    assert (await dream(worker(any_pool, model=model), tenant, as_of=later)).status == "stored"
    assert len(model.questions[0].sources) == 3
    ended = await fetch_value(any_pool, "SELECT dreamt_until FROM maintenance.dreams WHERE tenant_id = $1", tenant)
    assert ended == later


async def test_a_project_that_never_dreamt_looks_back_a_day(pool, tenant):
    await important(pool, tenant, start=AS_OF - 3 * DAY)
    assert await due(pool, tenant) == []
    assert (await dream(worker(pool), tenant)).reason == "insufficient_memories"
    wide = DreamRule(timedelta(days=4), 0.6, 20)
    assert (await dream(worker(pool), tenant, rule=wide)).status == "stored"


@pytest.mark.parametrize("evidence", [[99, 1], [1, 1]])
async def test_only_memories_of_the_sample_are_evidence(pool, tenant, evidence):
    await important(pool, tenant)
    model = FakeModel(reply=lambda question: {**answer_to(question), "evidence": evidence, "strategy": None})
    outcome = await dream(worker(pool, model=model), tenant)
    assert (outcome.sources, outcome.strategy_id) == (1, None)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AnswersExhaustedError("off_schema", "m"), "failed"),
        (ModelForbiddenError("quota", "m"), "failed"),
        (BudgetExhaustedError("budget_exhausted", "m"), "skipped"),
        (ContextTooLongError("context_length", "m"), "failed"),
    ],
)
async def test_a_final_error_stores_nothing_and_the_dream_stays_due(pool, tenant, error, status):
    await important(pool, tenant)
    outcome = await dream(worker(pool, model=FakeModel(error)), tenant)
    assert (outcome.status, outcome.reason) == (status, error.reason)
    assert await derived(pool, tenant, "reflection_engine_v2") == []
    assert await due(pool, tenant) == ["shop"]
    assert (await dream(worker(pool), tenant)).status == "stored"


@pytest.mark.parametrize("error", [ModelBusyError("rate_limit", "m"), AnswerRefusedError("repeats", "m")])
async def test_an_error_that_waiting_helps_is_passed_on(pool, tenant, error):
    await important(pool, tenant)
    one = worker(pool, model=FakeModel(error, failures=1))
    with pytest.raises(type(error)):
        await dream(one, tenant)
    assert (await dream(one, tenant)).status == "stored"


async def test_a_sample_that_does_not_fit_is_shortened(pool, tenant):
    await write(pool, tenant, [text + " and so on" * 300 for text in talk(20)], importance=0.8)
    model = FakeModel(most_characters=5000, too_long=ContextTooLongError("context_length", "m"))
    assert (await dream(worker(pool, model=model), tenant)).status == "stored"
    assert len(model.questions[-1].sources) == 20


async def test_a_paused_tenant_does_not_dream(any_pool, tenant):
    await important(any_pool, tenant)
    await pause(any_pool, tenant)
    assert await worker(any_pool).do(tenant, "shop", as_of=AS_OF) == Done(counts=Counts(skipped=1), paused=True)
    assert await worker(any_pool).run_dreaming_cycle(tenant, "shop") == []
    assert await derived(any_pool, tenant, "reflection_engine_v2") == []


@pytest.mark.parametrize(
    ("changed", "here", "reason"),
    [
        ({"reflective_memory_enabled": False}, None, "disabled_by_config"),
        ({"reflective_memory_enabled": False}, True, "disabled_by_config"),
        ({"reflective_memory_mode": "lite"}, None, "disabled_by_config"),
        ({"reflective_memory_mode": "lite", "dreaming_enabled": True}, None, None),
        ({"dreaming_enabled": False}, None, "disabled_by_config"),
        ({"dreaming_enabled": False}, True, None),
        ({}, False, "disabled_by_config"),
        ({"backend": "none"}, None, "llm_not_configured"),
    ],
)
async def test_dreams_are_switched_off_by_settings_and_by_tenant(pool, tenant, changed, here, reason):
    await important(pool, tenant)
    await override(pool, tenant, {"dreaming_enabled": here})
    counts = (await worker(pool, **changed).do(tenant, "shop", as_of=AS_OF)).counts
    assert (counts.of("skipped"), counts.of("reflections")) == ((1, 0) if reason else (0, 1))
    assert counts.reasons == ({reason: 1} if reason else {})


@pytest.mark.parametrize(
    ("gate", "own", "dreams"),
    [(0, None, True), (20, None, True), (21, None, False), (0, 21, False), (1440, 0, True)],
)
async def test_a_tenant_in_the_middle_of_a_conversation_dreams_later(any_pool, tenant, gate, own, dreams):
    await important(any_pool, tenant)
    await write(any_pool, tenant, ["Mara is typing."], project="other", start=AS_OF - timedelta(minutes=20))
    await override(any_pool, tenant, {"idle_gate_minutes": own})
    chosen = {"maintenance_idle_gate_minutes": gate}
    assert await due(any_pool, tenant, **chosen) == (["shop"] if dreams else [])
    assert await due(any_pool, tenant, AS_OF + timedelta(hours=1), maintenance_idle_gate_minutes=60) == ["shop"]
    counts = (await worker(any_pool, **chosen).do(tenant, "shop", as_of=AS_OF)).counts
    assert (counts.of("reflections"), counts.reasons) == ((1, {}) if dreams else (0, {"not_idle": 1}))


async def test_a_project_that_an_operator_names_dreams_also_in_the_middle_of_a_conversation(pool, tenant):
    await important(pool, tenant, start=AS_OF - timedelta(minutes=1))
    task = worker(pool, maintenance_idle_gate_minutes=60).task
    run = await a_run(pool, AS_OF, project="shop")
    done = await do_unit(task, tenant, as_json(DreamUnit(project="shop")), run)
    assert done.counts.of("reflections") == 1


async def test_projects_that_can_dream_are_counted_and_paged(any_pool):
    tenants = sorted(str(uuid4()) for _ in range(3))
    for project in ("a", "b", "c"):
        await important(any_pool, tenants[0], project=project)
    await important(any_pool, tenants[1])
    await override(any_pool, tenants[1], {"dreaming_enabled": False})
    assert await planned_dreams(any_pool, tenants, AS_OF, settings=settings(), few=2) == {tenants[0]: 3}
    pages = [
        await due_projects(any_pool, tenants[0], as_of=AS_OF, settings=settings(), after=after, limit=2)
        for after in (None, "b")
    ]
    assert pages == [["a", "b"], ["c"]]


async def test_dreams_are_logged_as_rae_does_and_without_their_text(pool, tenant):
    await write(pool, tenant, ["canary-4711 " + text for text in talk(4)], importance=0.8)
    with capture_logs() as logged:
        await worker(pool, dreaming_enabled=False).do(tenant, "shop", as_of=AS_OF)
        await worker(pool, dreaming_enabled=False).run_dreaming_cycle(tenant, "shop")
        await dream(worker(pool, model=FakeModel(AnswersExhaustedError("repeats", "m"))), tenant)
        await dream(worker(pool), tenant)
        await dream(worker(pool), tenant, "empty")
    assert [(line["event"], line.get("reason")) for line in logged] == [
        ("dreaming_cycle_skipped", "disabled_by_config"),
        ("dreaming_cycle_skipped", "disabled_by_config"),
        ("dreaming_cycle_failed", "repeats"),
        ("dreaming_cycle_completed", None),
        ("dreaming_cycle_skipped", "insufficient_memories"),
    ]
    assert "canary" not in str(logged)


async def test_raes_method_returns_the_ids(pool, tenant):
    now = await fetch_value(pool, "SELECT now()")
    await important(pool, tenant, start=now - timedelta(hours=2))
    (ids,) = await worker(pool).run_dreaming_cycle(tenant, "shop")
    assert ids.keys() == {"reflection_id", "strategy_id"}
    assert await worker(pool).run_dreaming_cycle(tenant, "shop") == []


async def test_a_theme_that_fails_the_gate_is_not_stored_says_why_and_waits_for_something_new(pool, tenant):
    # Quoted without the sentence between, they make a date, "4. March", that no memory has.
    text = (
        "The supplier Hoekstra booked, for himself and for both of his brothers from Meppel, room 4. "
        "Lunch was soup. March is when the supplier Hoekstra pays."
    )
    for n in range(3):
        await write(pool, tenant, [f"{text} Call {n}."], session=f"call {n}", importance=0.8)
    one = worker(pool, "extractive")
    outcome = await dream(one, tenant)
    assert (outcome.status, outcome.reason) == ("skipped", "unsupported_numbers")
    assert await derived(pool, tenant, "reflection_engine_v2") == []
    assert await due(pool, tenant) == []

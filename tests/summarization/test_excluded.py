"""Classes of memories that no model is sent, and classes from which nothing is derived."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from memory_maintenance.inspection.sessions import session_reports
from memory_maintenance.rae.context import Event, EventType, OutcomeType, ReflectionContext
from memory_maintenance.rae.engine import ReflectionEngineV2
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.tenants.overrides import override
from tests.agents import AS_OF, derived, sources_of, talk, write
from tests.fake_model import FakeModel
from tests.steps import Dreamer, Summarizing, dreams_due, sessions_due

WITH_CODE = "The code of Gent's safe is XW4711."
WITHHELD = {"model_excluded_classes": "confidential,restricted"}
UNDERIVED = {"derivation_excluded_classes": "restricted"}


def settings(backend: str = "openai", **chosen: Any) -> Settings:
    return Settings.model_validate({"rae_llm_backend": backend, "dreaming_enabled": True, **chosen})


async def classify(pool: Pool, ids: list[UUID], info_class: str) -> None:
    """Give memories a class where the store has the column; where not, as an import keeps it."""
    column = "SELECT 1 FROM pg_attribute WHERE attrelid = 'memories'::regclass AND attname = 'info_class'"
    if await pool.fetchval(column):
        await execute(pool, "UPDATE memories SET info_class = $2 WHERE id = ANY ($1)", ids, info_class)
    else:
        keep = (
            "UPDATE memories SET metadata = metadata || jsonb_build_object('info_class', $2::text) WHERE id = ANY ($1)"
        )
        await execute(pool, keep, ids, info_class)


@pytest.fixture
def summarize(any_pool: Pool, tenant: str) -> Callable[..., Any]:
    async def one(model: FakeModel, **chosen: Any) -> Any:
        worker = Summarizing(any_pool, settings(**chosen), model)
        return await worker.summarize(SessionKey(tenant, "shop", "s"), as_of=AS_OF)

    return one


async def due(pool: Pool, tenant: str, **chosen: Any) -> list[str]:
    return [one.session_id for one in await sessions_due(pool, tenant, as_of=AS_OF, settings=settings(**chosen))]


@pytest.mark.parametrize("info_class", ["confidential", "Restricted", "unknown to RAE"])
async def test_a_session_with_a_memory_that_no_model_is_sent_is_summarized_without_one(
    any_pool, tenant, summarize, info_class
):
    await write(any_pool, tenant, talk(11), session="s")
    await classify(any_pool, await write(any_pool, tenant, [WITH_CODE], session="s"), info_class)
    outcome = await summarize(model := FakeModel(), **WITHHELD)
    assert (outcome.status, outcome.backend, outcome.events, model.questions) == ("stored", "extractive", 12, [])
    assert await due(any_pool, tenant, **WITHHELD) == []  # no model will write it better
    [report] = await session_reports(any_pool, settings(**WITHHELD), tenant, "s", as_of=AS_OF)
    assert (report.due_daily, report.why) == (False, ("every event of it is in a summary",))


async def test_a_text_that_was_made_of_such_a_memory_is_not_sent_either(any_pool, tenant, summarize):
    secret = await write(any_pool, tenant, [WITH_CODE], session="s", start=AS_OF - timedelta(hours=9))
    await classify(any_pool, secret, "confidential")
    await write(any_pool, tenant, talk(11), session="s", start=AS_OF - timedelta(hours=8))
    assert (await summarize(FakeModel())).backend == "openai"  # nothing was excluded yet
    await execute(any_pool, "DELETE FROM memories WHERE id = ANY ($1)", secret)
    await write(any_pool, tenant, talk(12, first=50), session="s", start=AS_OF - timedelta(hours=2))
    outcome = await summarize(model := FakeModel(), **WITHHELD)
    assert (outcome.status, outcome.backend, model.questions) == ("updated", "extractive", [])


async def test_a_set_aside_session_that_no_model_is_sent_waits_for_none(any_pool, tenant, summarize):
    ids = await write(any_pool, tenant, talk(12), session="s")
    aside = "INSERT INTO maintenance.set_aside (kind, tenant_id, project, name, session_id, failures, last_round, reason, set_aside_at) VALUES ('session', $1, 'shop', 's', 's', 3, 'r', 'off_schema', now())"
    await execute(any_pool, aside, tenant)
    await classify(any_pool, ids, "confidential")
    assert await due(any_pool, tenant, **WITHHELD) == ["s"]
    assert (await summarize(FakeModel(), **WITHHELD)).status == "stored"


@pytest.mark.parametrize(
    ("deployment", "own", "asked"),
    [
        pytest.param("", [], 1, id="nothing is excluded"),
        pytest.param("confidential,restricted", None, 0, id="by the deployment"),
        pytest.param("", ["Confidential"], 0, id="by the tenant"),
        pytest.param("confidential,restricted", [], 1, id="the tenant lets it in again"),
    ],
)
async def test_a_tenant_may_have_classes_of_its_own(any_pool, tenant, summarize, deployment, own, asked):
    await classify(any_pool, await write(any_pool, tenant, talk(12), session="s", importance=0.9), "confidential")
    if own is not None:
        await override(any_pool, tenant, {"model_excluded_classes": own})
    assert await due(any_pool, tenant, model_excluded_classes=deployment) == ["s"]
    model = FakeModel()
    await summarize(model, model_excluded_classes=deployment)
    await Dreamer(any_pool, settings(model_excluded_classes=deployment), model).dream(tenant, "shop", as_of=AS_OF)
    assert len(model.questions) == 2 * asked
    assert (await due(any_pool, tenant, model_excluded_classes=deployment)) == []


async def test_a_dream_with_such_a_memory_is_dreamt_without_a_model(any_pool, tenant):
    days = (AS_OF - timedelta(hours=20), AS_OF - timedelta(hours=1))
    said = "The supplier Hoekstra delivers ceramic kettles late."
    ids = [
        (await write(any_pool, tenant, [f"{said[:-1]} {n}."], start=days[n % 2], importance=0.9))[0] for n in range(4)
    ]
    await classify(any_pool, ids[:1], "confidential")
    dreamer = Dreamer(any_pool, settings(**WITHHELD), model := FakeModel())
    foreseen = await dreamer.dream(tenant, "shop", as_of=AS_OF, dry_run=True)
    outcome = await dreamer.dream(tenant, "shop", as_of=AS_OF)
    assert (outcome.status, outcome.backend, model.questions) == ("stored", "extractive", [])
    assert (foreseen.status, foreseen.backend, foreseen.input_tokens) == ("stored", "extractive", 0)


async def test_a_class_from_which_nothing_is_derived_is_no_event(any_pool, tenant, summarize):
    restricted = await write(any_pool, tenant, talk(12), session="s", importance=0.9)
    await classify(any_pool, restricted, "restricted")
    await write(any_pool, tenant, talk(2, first=50), session="s", importance=0.9, start=AS_OF - timedelta(hours=3))
    chosen: dict[str, Any] = {"backend": "extractive", **UNDERIVED}
    assert await due(any_pool, tenant, backend="extractive") == ["s"]
    assert await due(any_pool, tenant, **chosen) == []
    assert await dreams_due(any_pool, tenant, as_of=AS_OF, settings=settings()) == ["shop"]
    assert await dreams_due(any_pool, tenant, as_of=AS_OF, settings=settings(**UNDERIVED)) == []
    summarized = await summarize(FakeModel(), **chosen)
    dreamt = await Dreamer(any_pool, settings(**UNDERIVED), FakeModel()).dream(tenant, "shop", as_of=AS_OF)
    assert (summarized.reason, summarized.events) == ("insufficient_events", 2)
    assert dreamt.reason == "insufficient_memories"
    [report] = await session_reports(any_pool, settings(**chosen), tenant, "s", as_of=AS_OF)
    assert (report.events, report.new_events) == (2, 2)
    ordinary = await write(any_pool, tenant, talk(10, first=90), session="s", start=AS_OF - timedelta(hours=2))
    outcome = await summarize(FakeModel(), **chosen)
    assert (outcome.status, outcome.events) == ("stored", 12)
    assert not set(restricted) & await sources_of(any_pool, outcome.summary_id)
    assert set(ordinary) < await sources_of(any_pool, outcome.summary_id)


async def test_a_tenant_may_have_memories_summarized_that_the_deployment_leaves_alone(any_pool, tenant):
    ids = await write(any_pool, tenant, talk(12), session="s", importance=0.9)
    await classify(any_pool, ids, "restricted")
    await override(any_pool, tenant, {"derivation_excluded_classes": []})
    assert await due(any_pool, tenant, **UNDERIVED) == ["s"]
    assert await dreams_due(any_pool, tenant, as_of=AS_OF, settings=settings(**UNDERIVED)) == ["shop"]


async def test_a_summary_of_memories_that_are_excluded_by_now_is_not_gone_on_from(any_pool, tenant, summarize):
    secret = await write(any_pool, tenant, [WITH_CODE], session="s", start=AS_OF - timedelta(hours=9))
    await classify(any_pool, secret, "restricted")
    await write(any_pool, tenant, talk(11), session="s", start=AS_OF - timedelta(hours=8))
    first = await summarize(FakeModel())
    assert "XW4711" in str(await derived(any_pool, tenant))
    await write(any_pool, tenant, talk(12, first=50), session="s", start=AS_OF - timedelta(hours=2))
    outcome = await summarize(model := FakeModel(), **UNDERIVED)
    assert (outcome.summary_id, outcome.events) == (first.summary_id, 23)
    assert "XW4711" not in str(await derived(any_pool, tenant)) + model.questions[0].prompt


async def test_events_of_a_caller_say_their_class_in_their_metadata(pool):
    events = tuple(
        Event(str(n), EventType.USER_INPUT, AS_OF, f"Hoekstra was late {n} times.", {"info_class": "Confidential"})
        for n in range(3)
    )
    engine = ReflectionEngineV2(pool, settings(**WITHHELD), model := FakeModel())
    await engine.generate_reflection(ReflectionContext(events=events, outcome=OutcomeType.PARTIAL, tenant_id="acme"))
    assert model.questions == []

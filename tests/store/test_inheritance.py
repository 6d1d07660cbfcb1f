"""What summaries and reflections take over from their sources: the most restricted class, governance, the agent."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from memory_maintenance.rae.context import ReflectionResult
from memory_maintenance.rae.engine import ReflectionEngineV2
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch_value
from memory_maintenance.summarization.outcome import SummaryOutcome
from memory_maintenance.summarization.policy import SessionKey
from tests.agents import AS_OF, derived, sources_of, talk, write
from tests.fake_model import FakeModel
from tests.steps import Dreamer, Summarizing

REFLECTIONS = "reflection_engine_v2"


def settings(backend: str = "extractive") -> Settings:
    return Settings.model_validate({"rae_llm_backend": backend, "dreaming_enabled": True})


async def summarize(pool: Pool, tenant: str, backend: str = "extractive", project: str = "shop") -> SummaryOutcome:
    worker = Summarizing(pool, settings(backend), FakeModel())
    return await worker.summarize(SessionKey(tenant, project, "s"), as_of=AS_OF)


async def mark(pool: Pool, ids: list[UUID], **columns: Any) -> None:
    for name, value in columns.items():
        await execute(pool, f"UPDATE memories SET {name} = $2 WHERE id = ANY ($1)", ids, value)  # noqa: S608


@pytest.mark.parametrize("backend", ["openai", "extractive"])
@pytest.mark.parametrize(
    ("classes", "inherited"),
    [
        pytest.param(("public",), "public", id="all public"),
        pytest.param(("public", "internal"), "internal", id="public and internal"),
        pytest.param(("internal", "confidential", "public"), "confidential", id="one confidential"),
        pytest.param(("confidential", "restricted"), "restricted", id="one restricted"),
        pytest.param(("confidential", "secret"), "secret", id="unknown to RAE: counts as restricted"),
        pytest.param(("hr", "legal"), "restricted", id="two unknown ones: neither covers the other"),
        pytest.param(("secret", "restricted"), "restricted", id="an unknown one and restricted"),
    ],
)
async def test_what_is_derived_has_the_most_restricted_class_of_its_sources(
    rae_pool, tenant, backend, classes, inherited
):
    ids = await write(rae_pool, tenant, talk(12), session="s", importance=0.9)
    for one, info_class in zip(ids, classes * 12, strict=False):
        await mark(rae_pool, [one], info_class=info_class)
    await summarize(rae_pool, tenant, backend)
    await Dreamer(rae_pool, settings("openai"), FakeModel()).dream(tenant, "shop", as_of=AS_OF)
    rows = [*await derived(rae_pool, tenant), *await derived(rae_pool, tenant, REFLECTIONS)]
    assert [row["info_class"] for row in rows] == [inherited] * 3


async def test_a_reflection_without_a_model_has_the_class_of_the_memories_it_quotes(rae_pool, tenant):
    days = (AS_OF - timedelta(hours=20), AS_OF - timedelta(hours=1))
    said = [
        "The supplier Hoekstra delivers ceramic kettles late.",
        "Hoekstra the supplier was late with ceramic kettles.",
        "Lunch was soup.",
    ]
    quoted = [
        (await write(rae_pool, tenant, [text], start=day, importance=0.9))[0] for text in said[:2] for day in days
    ]
    [other] = await write(rae_pool, tenant, said[2:], importance=0.9)
    await mark(rae_pool, [other], info_class="restricted")
    await mark(rae_pool, quoted, info_class="confidential")
    dream = await Dreamer(rae_pool, settings()).dream(tenant, "shop", as_of=AS_OF)
    assert await sources_of(rae_pool, dream.reflection_id) <= set(quoted)
    assert [row["info_class"] for row in await derived(rae_pool, tenant, REFLECTIONS)] == ["confidential"]


@pytest.mark.parametrize("backend", ["openai", "extractive"])
async def test_an_updated_summary_is_raised_and_never_lowered(rae_pool, tenant, backend):
    first = await write(rae_pool, tenant, talk(12), session="s", start=AS_OF - timedelta(hours=9))
    await summarize(rae_pool, tenant, backend)
    assert [row["info_class"] for row in await derived(rae_pool, tenant)] == ["internal"]
    second = await write(rae_pool, tenant, talk(12, first=50), session="s")
    await mark(rae_pool, second[:1], info_class="confidential", governance={"owner": "ana"})
    assert (await summarize(rae_pool, tenant, backend)).status == "updated"
    [row] = await derived(rae_pool, tenant)
    assert (row["info_class"], row["governance"]) == ("confidential", {"owner": "ana"})
    await execute(rae_pool, "DELETE FROM memories WHERE id = ANY ($1)", [*first, second[0]])
    await write(rae_pool, tenant, talk(12, first=90), session="s", start=AS_OF - timedelta(hours=2))
    assert (await summarize(rae_pool, tenant, backend)).status == "updated"
    [row] = await derived(rae_pool, tenant)
    assert (row["info_class"], row["governance"]) == ("confidential", {"owner": "ana"})


async def test_a_model_that_read_a_confidential_memory_writes_confidential_text_whatever_it_names(rae_pool, tenant):
    *named, read = await write(rae_pool, tenant, talk(3), importance=0.9)
    await mark(rae_pool, [read], info_class="confidential", importance=0.7)
    dream = await Dreamer(rae_pool, settings("openai"), FakeModel()).dream(tenant, "shop", as_of=AS_OF)
    assert await sources_of(rae_pool, dream.reflection_id) == set(named)
    assert {row["info_class"] for row in await derived(rae_pool, tenant, REFLECTIONS)} == {"confidential"}


async def test_governance_is_joined_and_the_more_restricted_then_the_later_source_decides(rae_pool, tenant):
    one, two, three, four, *_ = await write(rae_pool, tenant, talk(12), session="s")
    await mark(rae_pool, [one], info_class="confidential", governance={"owner": "ana", "basis": "contract"})
    await mark(rae_pool, [two], governance={"owner": "bo", "fields": {"confidence": 0.4}})
    await mark(rae_pool, [three], governance={"is_failure": True})
    await mark(rae_pool, [four], governance={"is_failure": False})
    await execute(rae_pool, "UPDATE memories SET governance = '[1]' WHERE content LIKE 'Order 9 %'")
    await summarize(rae_pool, tenant)
    [row] = await derived(rae_pool, tenant)
    assert row["governance"] == {
        "owner": "ana", "basis": "contract", "fields": {"confidence": 0.4}, "is_failure": False,
    }  # fmt: skip


async def test_governance_that_others_gave_a_summary_stays(rae_pool, tenant):
    await write(rae_pool, tenant, talk(12), session="s", start=AS_OF - timedelta(hours=9))
    await summarize(rae_pool, tenant)
    await execute(rae_pool, "UPDATE memories SET governance = '{\"hold\": true}' WHERE source = 'summarization_worker'")
    ids = await write(rae_pool, tenant, talk(12, first=50), session="s")
    await mark(rae_pool, ids, governance={"owner": "ana"})
    await summarize(rae_pool, tenant)
    assert [row["governance"] for row in await derived(rae_pool, tenant)] == [{"hold": True, "owner": "ana"}]


async def test_a_store_without_the_column_keeps_the_class_in_the_metadata(pool, tenant):
    [one, *_] = await write(pool, tenant, talk(12), session="s")
    await summarize(pool, tenant)
    [row] = await derived(pool, tenant)
    assert "info_class" not in row["metadata"]
    await mark(pool, [one], metadata={"info_class": "confidential"})
    await write(pool, tenant, talk(12, first=50), session="s", start=AS_OF - timedelta(hours=2))
    assert (await summarize(pool, tenant)).status == "updated"
    assert [row["metadata"]["info_class"] for row in await derived(pool, tenant)] == ["confidential"]


async def test_an_older_table_with_neither_agent_nor_class_is_served(pool, tenant):
    await execute(pool, "ALTER TABLE memories DROP agent_id")
    await write(pool, tenant, talk(12), session="s")
    assert (await summarize(pool, tenant)).status == "stored"


async def test_a_reflection_that_a_caller_stores_inherits_from_the_memories_it_names(rae_pool, tenant):
    [one, two] = await write(rae_pool, tenant, talk(2))
    await mark(rae_pool, [two], info_class="confidential", governance={"owner": "ana"}, agent_id="ana")
    await mark(rae_pool, [one], agent_id="ana")
    engine = ReflectionEngineV2(rae_pool, settings())
    result = ReflectionResult(reflection_text="Orders go to Gent", source_event_ids=(str(one), str(two), "step 3"))
    stored = await engine.store_reflection(result, tenant, "shop")
    [row] = await derived(rae_pool, tenant, REFLECTIONS)
    assert str(row["id"]) == stored["reflection_id"]
    assert (row["info_class"], row["governance"], row["agent_id"]) == ("confidential", {"owner": "ana"}, "ana")


@pytest.mark.parametrize(
    ("agents", "inherited"),
    [
        pytest.param(("ana",), "ana", id="one agent: RAE's search for it finds them"),
        pytest.param(("default",), "default", id="RAE's own default"),
        pytest.param(("ana", "bo"), "default", id="several: what RAE's search asks for by default"),
    ],
)
async def test_derived_memories_carry_the_agent_that_raes_search_filters_by(any_pool, tenant, agents, inherited):
    ids = await write(any_pool, tenant, talk(12), session="s", importance=0.9)
    for one, agent in zip(ids, agents * 12, strict=False):
        await mark(any_pool, [one], agent_id=agent)
    await summarize(any_pool, tenant)
    await Dreamer(any_pool, settings("openai"), FakeModel()).dream(tenant, "shop", as_of=AS_OF)
    rows = [*await derived(any_pool, tenant), *await derived(any_pool, tenant, REFLECTIONS)]
    assert {row["agent_id"] for row in rows} <= {inherited, agents[0]}
    assert (rows[0]["agent_id"], len(rows)) == (inherited, 3)


async def test_a_summary_that_another_agent_continues_is_everybodys(any_pool, tenant):
    ids = await write(any_pool, tenant, talk(12), session="s", start=AS_OF - timedelta(hours=9))
    await mark(any_pool, ids, agent_id="ana")
    await summarize(any_pool, tenant)
    assert [row["agent_id"] for row in await derived(any_pool, tenant)] == ["ana"]
    await write(any_pool, tenant, talk(12, first=50), session="s")
    await summarize(any_pool, tenant)
    assert [row["agent_id"] for row in await derived(any_pool, tenant)] == ["default"]


async def test_a_project_renamed_as_rae_does_it_keeps_its_one_summary_with_the_new_agent(rae_pool, tenant):
    """RAE's ``rename_project`` sets the agent, too, as its search for reflections passes a project's name as the agent."""
    ids = await write(rae_pool, tenant, talk(12), session="s", start=AS_OF - timedelta(hours=9))
    await mark(rae_pool, ids, agent_id="shop")
    first = await summarize(rae_pool, tenant)
    rename = "UPDATE memories SET project = 'store', agent_id = 'store' WHERE tenant_id = $1 AND (project = 'shop' OR agent_id = 'shop')"
    await execute(rae_pool, rename, tenant)
    new = await write(rae_pool, tenant, talk(12, first=50), session="s", project="store")
    await mark(rae_pool, new, agent_id="store")
    again = await summarize(rae_pool, tenant, project="store")
    assert (again.status, again.summary_id) == ("updated", first.summary_id)
    [row] = await derived(rae_pool, tenant)
    assert (row["project"], row["agent_id"]) == ("store", "store")
    count = await fetch_value(rae_pool, "SELECT count(*) FROM memories WHERE 'session_summary' = ANY (tags)")
    assert count == 1

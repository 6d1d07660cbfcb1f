"""Which memory is a session's summary: the one that lineage names, whatever its project is called and whoever has its id."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.derived import text_hash
from memory_maintenance.store.importing import import_memories
from memory_maintenance.store.pool import Pool, execute, fetch
from memory_maintenance.summarization.policy import SessionKey, summary_id
from memory_maintenance.summarization.session import read_session
from tests.agents import AS_OF, derived, sources_of, talk, write
from tests.fake_model import FakeModel
from tests.steps import Summarizing, sessions_due

STRANGER = "99999999-9999-4999-8999-999999999999"
STRANGE = "The stranger's secret is a melon."


def settings(backend: str = "extractive") -> Settings:
    return Settings.model_validate({"rae_llm_backend": backend})


async def summarize(pool: Pool, tenant: str, project: str | None = "shop", model: FakeModel | None = None) -> Any:
    one = Summarizing(pool, settings("openai" if model else "extractive"), model or FakeModel())
    return await one.summarize(SessionKey(tenant, project, "s"), as_of=AS_OF)


async def grow(pool: Pool, tenant: str, project: str | None = "shop", first: int = 50) -> list[UUID]:
    return await write(
        pool, tenant, talk(12, first=first), session="s", project=project, start=AS_OF - timedelta(hours=2)
    )


@pytest.mark.parametrize(
    "renamed",
    [
        pytest.param("UPDATE memories SET project = 'store'", id="everything"),
        pytest.param("UPDATE memories SET project = 'store' WHERE source = 'agent'", id="the events alone"),
    ],
)
async def test_a_renamed_project_keeps_its_one_summary(any_pool, tenant, renamed):
    await write(any_pool, tenant, talk(12), session="s")
    first = await summarize(any_pool, tenant)
    await execute(any_pool, renamed)
    assert await sessions_due(any_pool, tenant, as_of=AS_OF, settings=settings()) == []
    new = await grow(any_pool, tenant, "store")
    due = await sessions_due(any_pool, tenant, as_of=AS_OF, settings=settings())
    assert [(one.project, one.session_id) for one in due] == [("store", "s")]
    again = await summarize(any_pool, tenant, "store")
    assert (again.status, again.summary_id, again.events) == ("updated", first.summary_id, 24)
    (row,) = await derived(any_pool, tenant)
    assert (row["id"], row["project"]) == (first.summary_id, "store")
    assert await sources_of(any_pool, first.summary_id) > set(new)


async def test_sessions_of_one_name_in_two_projects_have_a_summary_each_also_when_the_projects_become_one(pool, tenant):
    for project in ("shop", "store"):
        await write(pool, tenant, talk(12), session="s", project=project)
    ids = [(await summarize(pool, tenant, project)).summary_id for project in ("shop", "store")]
    assert len(set(ids)) == 2
    await execute(pool, "UPDATE memories SET project = 'store'")
    assert (await summarize(pool, tenant, "store")).reason == "insufficient_events"
    await grow(pool, tenant, "store")
    assert (await summarize(pool, tenant, "store")).summary_id in ids
    assert {row["id"] for row in await derived(pool, tenant)} == set(ids)


async def test_a_summary_without_its_tag_is_still_the_sessions(pool, tenant):
    await write(pool, tenant, talk(12), session="s")
    first = await summarize(pool, tenant)
    await execute(pool, "UPDATE memories SET tags = '{kept}' WHERE id = $1", first.summary_id)
    await grow(pool, tenant)
    assert (await summarize(pool, tenant)).summary_id == first.summary_id


async def squat(pool: Pool, wanted: UUID) -> None:
    metadata = {"backend": "openai", "fallback": False, "text_sha256": text_hash(STRANGE)}
    [one] = await write(
        pool, STRANGER, [STRANGE], session="s", source="summarization_worker", tags=["session_summary"], metadata=metadata
    )  # fmt: skip
    await execute(pool, "UPDATE memories SET id = $2 WHERE id = $1", one, wanted)


@pytest.mark.parametrize("backend", ["openai", "extractive"])
async def test_an_id_that_a_stranger_has_taken_costs_no_summary_and_shows_no_one_his_text(any_pool, tenant, backend):
    await squat(any_pool, wanted := summary_id(SessionKey(tenant, "shop", "s")))
    await write(any_pool, tenant, talk(12), session="s")
    model = FakeModel() if backend == "openai" else None
    with capture_logs() as logged:
        first = await summarize(any_pool, tenant, model=model)
    assert (first.status, first.summary_id != wanted) == ("stored", True)
    assert {"event": "derived_id_taken", "wanted": str(wanted), "stored_as": str(first.summary_id)}.items() <= next(
        line for line in logged if line["event"] == "derived_id_taken"
    ).items()
    await grow(any_pool, tenant)
    again = await summarize(any_pool, tenant, model=model)
    assert (again.status, again.summary_id) == ("updated", first.summary_id)
    asked = [question.prompt for question in model.questions] if model else []
    assert "melon" not in str(asked) + str(await derived(any_pool, tenant))
    assert [row["content"] for row in await derived(any_pool, STRANGER)] == [STRANGE]


async def test_a_row_that_lineage_does_not_name_is_no_summary(pool, tenant):
    await squat(pool, uuid4())
    await execute(pool, "UPDATE memories SET tenant_id = $1", tenant)
    await write(pool, tenant, talk(12), session="s")
    assert await sessions_due(pool, tenant, as_of=AS_OF, settings=settings()) != []
    model = FakeModel()
    assert (await summarize(pool, tenant, model=model)).status == "stored"
    assert "melon" not in model.questions[0].prompt


async def test_a_project_that_is_renamed_while_two_summarize_its_session_has_one_summary(pool, tenant):
    await write(pool, tenant, talk(12), session="s")

    class Renaming(FakeModel):
        async def ask(self, question: Any) -> Any:
            await execute(pool, "UPDATE memories SET project = 'store'")
            assert (await summarize(pool, tenant, "store")).status == "stored"
            return await super().ask(question)

    assert (await summarize(pool, tenant, model=Renaming())).reason == "already_summarized"
    assert len(await derived(pool, tenant)) == 1


async def test_the_hash_of_each_source_is_that_of_the_text_as_it_was_read(pool, tenant):
    [edited, *_] = await write(pool, tenant, talk(12), session="s")
    summary = (await summarize(pool, tenant)).summary_id
    changed = """
        SELECT l.source_id, m.content FROM maintenance.lineage l JOIN memories m ON m.id = l.source_id
        WHERE l.derived_id = $1 AND l.source_hash IS DISTINCT FROM maintenance.fingerprint(m.content)
    """
    assert await fetch(pool, changed, summary) == []
    await execute(pool, "UPDATE memories SET content = 'Order 1 was cancelled.' WHERE id = $1", edited)
    assert [row["source_id"] for row in await fetch(pool, changed, summary)] == [edited]
    await grow(pool, tenant)
    await summarize(pool, tenant)  # without a model, from every event again
    assert await fetch(pool, changed, summary) == []


async def test_a_tenant_may_be_spelled_in_any_way(rae_pool, tenant):
    await write(rae_pool, tenant, talk(12), session="s")
    spelled = [tenant.upper(), tenant, tenant.replace("-", "")]
    outcomes = await asyncio.gather(*(summarize(rae_pool, one) for one in spelled))
    assert sorted(one.status for one in outcomes) == ["skipped", "skipped", "stored"]
    [row] = await fetch(rae_pool, "SELECT DISTINCT tenant_id FROM maintenance.lineage")
    assert row["tenant_id"] == tenant
    as_of = await checked_as_of(rae_pool, None)
    assert len((await read_session(rae_pool, SessionKey(tenant.upper(), "shop", "s"), as_of)).events) == 12


EXPORT = """
SELECT to_jsonb(m)::text FROM memories m WHERE tenant_id = $1 ORDER BY created_at
"""


async def test_a_summary_that_was_imported_from_another_store_is_the_sessions(rae_pool, pool, tenant):
    await write(rae_pool, tenant, talk(12), session="s")
    first = await summarize(rae_pool, tenant)
    exported = [str(row[0]) for row in await fetch(rae_pool, EXPORT, tenant)]
    assert (await import_memories(pool, exported)).added == 13
    assert (await summarize(pool, tenant)).summary_id == first.summary_id
    assert len(await derived(pool, tenant)) == 1

"""Rows as RAE's engine writes them: parts of a text, bookkeeping, its own summaries, memories with an end."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from memory_maintenance.inspection.sessions import session_reports
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch_value
from memory_maintenance.summarization.policy import SessionKey
from tests.agents import AS_OF, derived, sources_of, talk, write
from tests.fake_model import FakeModel
from tests.steps import Dreamer, Summarizing, sessions_due


def settings(backend: str = "extractive") -> Settings:
    return Settings.model_validate({"rae_llm_backend": backend, "dreaming_enabled": True})


async def due(pool: Pool, tenant: str) -> list[str]:
    return [one.session_id for one in await sessions_due(pool, tenant, as_of=AS_OF, settings=settings())]


async def in_parts(pool: Pool, tenant: str, text: list[str], *, start: Any, **row: Any) -> list[UUID]:
    """Write a text as the engine does: a memory for each part, the last first, as their times may be equal."""
    ids, whole = [], str(uuid4())
    for n in reversed(range(len(text))):
        metadata = {"is_chunk": True, "parent_id": whole, "chunk_index": n, "total_chunks": len(text)}
        source = f"api [p{n + 1}/{len(text)}]"
        ids += await write(pool, tenant, [text[n]], session="s", metadata=metadata, source=source, start=start, **row)
    return ids[::-1]


async def test_a_text_in_parts_is_one_event_and_is_read_as_one(any_pool, tenant):
    start = AS_OF - timedelta(hours=6)
    parts = await in_parts(any_pool, tenant, ["First the tent", "was aired, then", "it was packed."], start=start)
    one_part = await in_parts(any_pool, tenant, ["Mara took it."], start=start + timedelta(minutes=1))
    events = await write(any_pool, tenant, talk(7), session="s")
    assert await due(any_pool, tenant) == []
    events += await write(any_pool, tenant, talk(1, first=50), session="s")
    assert await due(any_pool, tenant) == ["s"]
    [report] = await session_reports(any_pool, settings(), tenant, "s", as_of=AS_OF)
    assert (report.events, report.new_events) == (10, 10)
    model = FakeModel()
    outcome = await Summarizing(any_pool, settings("openai"), model).summarize(
        SessionKey(tenant, "shop", "s"), as_of=AS_OF
    )
    assert (outcome.status, outcome.events) == ("stored", 10)
    assert "First the tent was aired, then it was packed." in model.questions[0].prompt
    assert await sources_of(any_pool, outcome.summary_id) == {*parts, *one_part, *events}
    [report] = await session_reports(any_pool, settings(), tenant, "s", as_of=AS_OF)
    assert (report.events, report.covered, report.new_events) == (10, 10, 0)
    assert await due(any_pool, tenant) == []


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"tags": ["non_retrievable"]}, id="not to be found"),
        pytest.param({"tags": ["operational"]}, id="operational"),
        pytest.param({"metadata": {"is_operational": True}}, id="operational by its metadata"),
        pytest.param({"source": "summarization_worker [p1/1]"}, id="a summary by RAE, with its tag lost"),
        pytest.param({"source": "reflection_engine_v2 [p2/3]"}, id="a reflection"),
    ],
)
async def test_what_is_no_event_counts_neither_for_summaries_nor_for_dreams(any_pool, tenant, row):
    await write(any_pool, tenant, talk(12), session="s", importance=0.9, **row)
    await write(any_pool, tenant, talk(2, first=50), session="s", importance=0.9)
    assert await due(any_pool, tenant) == []
    summarized = await Summarizing(any_pool, settings()).summarize(SessionKey(tenant, "shop", "s"), as_of=AS_OF)
    dreamt = await Dreamer(any_pool, settings()).dream(tenant, "shop", as_of=AS_OF)
    assert (summarized.reason, summarized.events) == ("insufficient_events", 2)
    assert dreamt.reason == "insufficient_memories"


async def test_what_has_expired_is_no_event_and_not_dreamt_about(any_pool, tenant):
    expired = await write(any_pool, tenant, talk(4), session="s", importance=0.9)
    lasting = await write(any_pool, tenant, talk(8, first=50), session="s", importance=0.9)
    ends = "UPDATE memories SET expires_at = $2 WHERE id = ANY ($1)"
    await execute(any_pool, ends, expired, AS_OF)
    await execute(any_pool, ends, lasting[:4], AS_OF + timedelta(seconds=1))
    assert await due(any_pool, tenant) == []
    await execute(any_pool, ends, expired[:2], None)
    assert await due(any_pool, tenant) == ["s"]
    worker = Summarizing(any_pool, settings())
    outcome = await worker.summarize(SessionKey(tenant, "shop", "s"), as_of=AS_OF)
    assert (outcome.status, outcome.events) == ("stored", 10)
    dream = await Dreamer(any_pool, settings("openai"), FakeModel()).dream(tenant, "shop", as_of=AS_OF)
    assert dream.status == "stored"
    sample = await fetch_value(any_pool, "SELECT sample FROM maintenance.dreams")
    assert set(sample) == {*expired[:2], *lasting}


async def test_a_dream_takes_a_text_in_parts_as_one_memory_and_names_them_all(any_pool, tenant):
    start = AS_OF - timedelta(hours=6)
    texts = [
        await in_parts(any_pool, tenant, ["First the tent", f"was aired {n} times."], start=start, importance=0.9)
        for n in range(3)
    ]
    model = FakeModel()
    dream = await Dreamer(any_pool, settings("openai"), model).dream(tenant, "shop", as_of=AS_OF)
    assert dream.status == "stored"
    assert "First the tent was aired 0 times." in model.questions[0].prompt
    assert len(await fetch_value(any_pool, "SELECT sample FROM maintenance.dreams")) == 3
    assert await sources_of(any_pool, dream.reflection_id) <= {one for text in texts for one in text}
    assert len(await sources_of(any_pool, dream.reflection_id)) == 4  # two of the three, two parts each


async def test_an_event_that_is_set_aside_takes_all_its_parts_along(pool, tenant):
    start = AS_OF - timedelta(hours=6)
    first, second = await in_parts(pool, tenant, ["First the tent", "was aired."], start=start)
    await write(pool, tenant, talk(10), session="s")
    aside = "INSERT INTO maintenance.set_aside (kind, tenant_id, project, name, failures, last_round, reason, set_aside_at) VALUES ('memory', $1, 'shop', $2, 3, 'r', 'filtered', now())"
    await execute(pool, aside, tenant, str(first))
    await execute(
        pool, "INSERT INTO maintenance.set_aside_memories VALUES ($1, 'memory', $2, 'shop', $3)", first, tenant, str(first)
    )  # fmt: skip
    outcome = await Summarizing(pool, settings()).summarize(SessionKey(tenant, "shop", "s"), as_of=AS_OF)
    assert outcome.events == 10
    assert not {first, second} & await sources_of(pool, outcome.summary_id)
    assert [row["metadata"]["event_count"] for row in await derived(pool, tenant)] == [10]

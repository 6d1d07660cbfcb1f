from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from memory_maintenance.inspection.derived import WRITERS, WrittenMemory, written_memories, written_memory
from memory_maintenance.rae.summarization import SummarizationWorker
from memory_maintenance.store.derived import DerivedMemory, insert_derived
from memory_maintenance.store.identity import derived_id
from memory_maintenance.store.memory import Source
from memory_maintenance.store.pool import execute, fetch
from tests.agents import AS_OF, talk, write
from tests.settings import settings

TENANT = "11111111-1111-4111-8111-111111111111"

CALL = """
INSERT INTO maintenance.model_calls (question, attempt, round, purpose, tenant_id, model, prompt_version, state, reason,
    caller, claimed_at, lease_until, reserved_on, answered_at, latency_seconds, input_tokens, output_tokens, cost)
VALUES ('key', $1, 'r', 'reflection', 't', 'gpt', 'v1', $2, $3, gen_random_uuid(), now(), now(), now(), now(), 1.5, 10, 5, 0.25)
"""


def _reflection(sources, **metadata):
    return DerivedMemory(
        id=derived_id("test", *sources),
        tenant_id=TENANT,
        task="dreaming",
        subject="shop",
        content="Parcels get lost.",
        source="reflection_engine_v2",
        importance=0.7,
        layer="reflective",
        tags=("shipping",),
        project="shop",
        session_id=None,
        metadata={"backend": "openai", "source_ids": sources, **metadata},
        sources=tuple(Source(UUID(one)) for one in sources),
    )


async def _written(pool, memory_id) -> WrittenMemory:
    written = await written_memory(pool, memory_id)
    assert written is not None
    return written


async def test_a_summary_is_shown_with_the_events_it_covers(any_pool):
    ids = await write(any_pool, TENANT, talk(12), session="s1", start=AS_OF - timedelta(days=2))
    summary = await SummarizationWorker(any_pool, settings()).summarize_session(TENANT, "shop", "s1")
    assert summary is not None
    written = await _written(any_pool, summary["id"])
    assert [source.id for source in written.sources] == ids
    assert (written.metadata["backend"], written.question, written.calls) == ("extractive", None, ())
    assert await written_memories(any_pool, [TENANT], WRITERS) == [written]


async def test_a_reflection_is_shown_with_its_evidence_and_what_the_ledger_has_of_it(any_pool):
    ids = await write(any_pool, TENANT, talk(3))
    memory = _reflection([str(one) for one in ids[:2]], question="key")
    await insert_derived(any_pool, memory)
    for attempt, state, reason in ((1, "refused", "repeats"), (2, "accepted", None)):
        await execute(any_pool, CALL, attempt, state, reason)
    written = await _written(any_pool, memory.id)
    assert [source.id for source in written.sources] == ids[:2]
    assert [(call.attempt, call.state, call.reason, call.cost) for call in written.calls] == [
        (1, "refused", "repeats", Decimal("0.25")),
        (2, "accepted", None, Decimal("0.25")),
    ]


async def test_sources_that_are_no_memories_are_left_out(pool):
    [one] = await write(pool, TENANT, talk(1))
    memory = _reflection([str(uuid4()), str(one)])
    await insert_derived(pool, memory)
    assert [source.id for source in (await _written(pool, memory.id)).sources] == [one]


async def test_metadata_that_is_missing_or_no_object_counts_as_absent(pool):
    memory = _reflection([])
    await insert_derived(pool, memory)
    for metadata in (None, "[1]"):
        await execute(pool, "UPDATE memories SET metadata = $1::text::jsonb", metadata)
        written = await _written(pool, memory.id)
        assert (written.metadata, written.sources, written.calls) == ({}, (), ())


async def test_an_agents_own_memory_was_not_written_by_maintenance(pool):
    [one] = await write(pool, TENANT, talk(1))
    assert await written_memory(pool, one) is None
    assert len(await fetch(pool, "SELECT FROM memories")) == 1

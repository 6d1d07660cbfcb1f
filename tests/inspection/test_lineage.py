"""What explain says of where a memory comes from, and what comes from it."""

from datetime import timedelta

from memory_maintenance.inspection.derived import Dangling, dangling, dependents_of, written_memory
from memory_maintenance.store.pool import execute
from memory_maintenance.summarization.policy import SessionKey
from tests.agents import AS_OF, talk, write
from tests.fake_model import FakeModel
from tests.settings import settings
from tests.steps import Dreamer, Summarizing

OTHER = "22222222-2222-4222-8222-222222222222"
TENANT = "11111111-1111-4111-8111-111111111111"


async def test_a_source_that_is_gone_or_edited_is_reported(any_pool):
    ids = await write(any_pool, TENANT, talk(12), session="s1", start=AS_OF - timedelta(hours=5))
    outcome = await Summarizing(any_pool, settings()).summarize(SessionKey(TENANT, "shop", "s1"), as_of=AS_OF)
    await execute(any_pool, "DELETE FROM memories WHERE id = $1", ids[0])
    await execute(any_pool, "UPDATE memories SET content = 'Something else.' WHERE id = $1", ids[1])
    assert outcome.summary_id is not None
    written = await written_memory(any_pool, outcome.summary_id)
    assert written is not None
    assert ([source.id for source in written.sources], written.gone) == (ids[1:], 1)
    assert [source.id for source in written.sources if source.is_edited] == [ids[1]]


async def test_what_was_made_from_a_memory_is_named(any_pool):
    ids = await write(any_pool, TENANT, talk(12), session="s1", importance=0.9)
    asked = settings(rae_llm_backend="openai", dreaming_enabled=True)
    summary = await Summarizing(any_pool, asked, FakeModel()).summarize(SessionKey(TENANT, "shop", "s1"), as_of=AS_OF)
    dream = await Dreamer(any_pool, asked, FakeModel()).dream(TENANT, "shop", as_of=AS_OF)
    found = {(one.id, one.task, one.subject) for one in await dependents_of(any_pool, ids[-1])}
    assert found == {
        (summary.summary_id, "summarization", "s1"),
        (dream.reflection_id, "dreaming", "shop"),
        (dream.strategy_id, "dreaming", "shop"),
    }
    assert [one.id for one in await dependents_of(any_pool, ids[0])] == [summary.summary_id]
    assert summary.summary_id is not None
    assert await dependents_of(any_pool, summary.summary_id) == []


async def test_what_hangs_in_the_air_is_found_for_a_tenant(any_pool):
    worker = Summarizing(any_pool, settings())
    made = {}
    for session in ("whole", "in part", "deleted"):
        made[session] = await write(any_pool, TENANT, talk(12), session=session)
        await worker.summarize(SessionKey(TENANT, "shop", session), as_of=AS_OF)
    await write(any_pool, OTHER, talk(12), session="s")
    other = await worker.summarize(SessionKey(OTHER, "shop", "s"), as_of=AS_OF)
    gone = [*made["in part"][:2], *made["deleted"]]
    await execute(any_pool, "DELETE FROM memories WHERE id = ANY ($1) OR tenant_id = $2", gone, OTHER)
    found = await dangling(any_pool, TENANT, most=10)
    assert {(one.task, one.subject, one.sources, one.gone) for one in found} == {
        ("summarization", "in part", 12, 2),
        ("summarization", "deleted", 12, 12),
    }
    assert other.summary_id is not None
    assert await dangling(any_pool, OTHER, most=10) == [Dangling(other.summary_id, "summarization", "s", 12, 12)]

"""Which memory is a reflection: one that lineage names, whoever has the id that its sample gives."""

from uuid import UUID, uuid4

from memory_maintenance.dreaming.policy import reflection_id, strategy_id
from memory_maintenance.rae.context import ReflectionResult
from memory_maintenance.rae.engine import ReflectionEngineV2
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch_row
from tests.agents import AS_OF, derived, sources_of, talk, write
from tests.fake_model import FakeModel
from tests.steps import Dreamer

STRANGER = "99999999-9999-4999-8999-999999999999"


def settings() -> Settings:
    return Settings.model_validate({"rae_llm_backend": "openai", "dreaming_enabled": True})


async def squat(pool: Pool, *wanted: UUID) -> None:
    for one, id_ in zip(await write(pool, STRANGER, talk(len(wanted))), wanted, strict=True):
        await execute(pool, "UPDATE memories SET id = $2 WHERE id = $1", one, id_)


async def test_ids_that_a_stranger_has_taken_cost_no_dream_and_no_strategy(any_pool, tenant):
    memories = await write(any_pool, tenant, talk(4), importance=0.9)
    wanted = reflection_id(tenant, "shop", memories)
    await squat(any_pool, wanted, strategy_id(wanted))
    dreamer, cycle = Dreamer(any_pool, settings(), FakeModel()), uuid4()
    first = await dreamer.dream(tenant, "shop", as_of=AS_OF, cycle_id=cycle)
    assert (first.status, first.reflection_id != wanted, first.strategy_id is not None) == ("stored", True, True)
    rows = {row["id"]: row for row in await derived(any_pool, tenant, "reflection_engine_v2")}
    assert rows.keys() == {first.reflection_id, first.strategy_id}
    named = {"reflection_id": str(first.reflection_id), "strategy_id": str(first.strategy_id)}
    assert all(named.items() <= row["metadata"].items() for row in rows.values())
    # A retry of the same step finds what was stored.
    assert await dreamer.dream(tenant, "shop", as_of=AS_OF, cycle_id=cycle) == first
    assert (await dreamer.dream(tenant, "shop", as_of=AS_OF)).reason == "already_reflected"
    assert len(await derived(any_pool, STRANGER, "agent")) == 2


async def test_a_reflection_of_the_librarys_user_is_stored_once_also_where_its_id_is_taken(any_pool, tenant):
    engine = ReflectionEngineV2(any_pool, settings())
    [memory] = await write(any_pool, tenant, talk(1))
    told = ReflectionResult(
        reflection_text="Parcels get lost.",
        strategy_text="Ask for a receipt.",
        source_event_ids=("step 7", str(memory)),
    )
    plain = await engine.store_reflection(told, tenant, "shop")
    assert await engine.store_reflection(told, tenant, "shop") == plain
    await execute(any_pool, "UPDATE memories SET tenant_id = $1 WHERE source = 'reflection_engine_v2'", STRANGER)
    own = await engine.store_reflection(told, tenant, "shop")
    assert own.keys() == plain.keys() == {"reflection_id", "strategy_id"}
    assert not set(own.values()) & set(plain.values())
    assert await engine.store_reflection(told, tenant, "shop") == own
    assert await sources_of(any_pool, UUID(own["strategy_id"])) == {memory}


async def test_sources_are_handed_out_as_lineage_has_them_or_as_the_caller_named_them(any_pool, tenant):
    engine = ReflectionEngineV2(any_pool, settings())
    memories = await write(any_pool, tenant, talk(4), importance=0.9)
    outcome = await Dreamer(any_pool, settings(), FakeModel()).dream(tenant, "shop", as_of=AS_OF)
    await engine.store_reflection(
        ReflectionResult(reflection_text="Parcels get lost.", source_event_ids=("step 7",)), tenant, "shop"
    )
    found = {row["id"]: row["metadata"]["source_ids"] for row in await engine.query_reflections(tenant, "shop")}
    assert found[str(outcome.reflection_id)] == [str(memories[-2]), str(memories[-1])]
    assert ["step 7"] in found.values()
    row = await fetch_row(any_pool, "SELECT metadata FROM memories WHERE id = $1", outcome.reflection_id)
    assert row is not None
    assert "source_ids" not in row["metadata"]

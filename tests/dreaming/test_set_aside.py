"""Dreams that the model keeps failing at."""

from datetime import timedelta

import pytest

from memory_maintenance.dreaming.due import due_projects
from memory_maintenance.writers.model.set_aside import all_set_aside, requeue
from scripted_endpoint import replies as scripted
from tests.agents import AS_OF, derived, write
from tests.model_path import honest, model, settings, told
from tests.steps import Dreamer

__all__ = ["model", "settings"]

HOUR = timedelta(hours=1)


def stubborn(request):
    return scripted.wrong_schema() if "zeppelin" in str(request["messages"]) else honest(request)


@pytest.fixture
def dream(pool, settings, model):
    worker = Dreamer(pool, settings, model)

    async def night(project="shop"):
        return await worker.dream("acme", project, as_of=AS_OF)

    return night


async def test_memories_that_no_dream_succeeds_with_are_set_aside_and_the_next_ones_dreamt_about(
    pool, settings, endpoint, dream
):
    endpoint.otherwise = stubborn
    await write(pool, "acme", told(4), project="good", importance=0.8)
    assert (await dream("good")).status == "stored"
    bad = await write(pool, "acme", [*told(3), "The zeppelin burns."], importance=0.8)
    assert [(await dream()).reason for _ in range(2)] == ["off_schema"] * 2
    late = await write(pool, "acme", told(1), importance=0.8, start=AS_OF - HOUR)
    assert (await dream()).reason == "off_schema"
    (aside,) = await all_set_aside(pool)
    assert (aside.kind, aside.project, aside.memories) == ("dream", "shop", len(bad + late))
    assert await due_projects(pool, "acme", as_of=AS_OF, settings=settings) == []
    asked = len(endpoint.requests)
    assert (await dream()).reason == "insufficient_memories"
    assert len(endpoint.requests) == asked
    await write(pool, "acme", told(3), importance=0.8, start=AS_OF - HOUR)
    assert await due_projects(pool, "acme", as_of=AS_OF, settings=settings) == ["shop"]
    assert (await dream()).status == "stored"
    assert len(await derived(pool, "acme", "reflection_engine_v2")) == 2


async def test_a_night_that_succeeds_restarts_the_count(pool, endpoint, dream):
    endpoint.otherwise = honest
    await write(pool, "acme", told(4), project="good", importance=0.8)
    await dream("good")
    await write(pool, "acme", told(5), importance=0.8)
    endpoint.otherwise = scripted.wrong_schema()
    for _ in range(2):
        await dream()
    endpoint.otherwise = honest
    assert (await dream()).status == "stored"
    await write(pool, "acme", told(1), importance=0.8, start=AS_OF - HOUR)
    endpoint.otherwise = scripted.wrong_schema()
    for _ in range(2):
        await dream()
    assert await all_set_aside(pool) == []


async def test_requeued_memories_are_dreamt_about_again(pool, settings, endpoint, dream):
    endpoint.otherwise = stubborn
    await write(pool, "acme", told(4), project="good", importance=0.8)
    await dream("good")
    await write(pool, "acme", [*told(3), "The zeppelin burns."], importance=0.8)
    for _ in range(3):
        await dream()
    assert await requeue(pool, "acme", project="shop") == 1
    assert await due_projects(pool, "acme", as_of=AS_OF, settings=settings) == ["shop"]
    endpoint.otherwise = honest
    assert (await dream()).status == "stored"


async def test_a_memory_that_a_filter_refused_in_its_session_is_not_dreamt_about(pool, endpoint, dream):
    endpoint.otherwise = stubborn
    ids = await write(pool, "acme", [*told(4), "The zeppelin burns."], importance=0.8)
    await pool.execute(
        "INSERT INTO maintenance.set_aside (kind, tenant_id, project, name, failures, last_round, reason, set_aside_at)"
        " VALUES ('memory', 'acme', 'shop', $1, 3, 'r', 'filtered', now())",
        str(ids[4]),
    )
    await pool.execute(
        "INSERT INTO maintenance.set_aside_memories VALUES ($1, 'memory', 'acme', 'shop', $2)", ids[4], str(ids[4])
    )
    assert (await dream()).status == "stored"
    assert "zeppelin" not in str(endpoint.requests)

from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from memory_maintenance.store.pool import execute, fetch_value
from memory_maintenance.writers.model.set_aside import (
    Unit,
    all_set_aside,
    count_failure,
    forgive,
    is_set_aside,
    requeue,
)

SESSION = Unit("session", "acme", "shop", "summary-1", "s1")
MEMORY = Unit("memory", "acme", "shop", str(uuid4()), "s1")
DREAM = Unit("dream", "acme", "shop")

ACCEPTED = """
INSERT INTO maintenance.model_calls
    (question, attempt, round, purpose, tenant_id, model, prompt_version, state, caller, claimed_at, lease_until,
     reserved_on, response, answered_at)
VALUES ('q', 1, 'r', 'summary', 'other', 'm', 'v', $1, gen_random_uuid(), now(), now(), now(), '{}',
        now() - $2::text::interval)
"""


@pytest.fixture
async def answering(pool):
    """A store whose model has given a good answer today."""
    await execute(pool, ACCEPTED, "accepted", "1 hour")
    return pool


async def fail(pool, unit, *cycles, memories=()):
    return [
        await count_failure(pool, unit, cycle=cycle, reason="repeats", after_cycles=3, memories=memories)
        for cycle in cycles
    ]


async def test_the_third_cycle_in_a_row_sets_aside_and_says_so(answering):
    with capture_logs() as logs:
        assert await fail(answering, SESSION, "a", "b", "c") == [False, False, True]
    assert await is_set_aside(answering, SESSION)
    assert not await is_set_aside(answering, Unit("session", "acme", "shop", "summary-2", "s2"))
    assert [log["event"] for log in logs] == ["model_question_set_aside"]


async def test_a_cycle_counts_once_however_often_it_is_reported(answering):
    assert await fail(answering, SESSION, "a", "a", "b", "b", "b") == [False] * 5


async def test_only_cycles_in_a_row_count(answering):
    await fail(answering, SESSION, "a", "b")
    await forgive(answering, SESSION)
    assert await fail(answering, SESSION, "c", "d", "e") == [False, False, True]


@pytest.mark.parametrize(
    ("state", "ago"), [("refused", "1 hour"), ("accepted", "25 hours"), (None, None)], ids=["refused", "old", "none"]
)
async def test_where_nothing_is_answered_nothing_is_to_blame(pool, state, ago):
    if state:
        await execute(pool, ACCEPTED, state, ago)
    assert await fail(pool, SESSION, *"abcdef") == [False] * 6
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.set_aside") == 0


async def test_a_sessions_answer_forgives_its_memories_except_those_left_out(answering):
    other = Unit("memory", "acme", "shop", str(uuid4()), "s1")
    elsewhere = Unit("memory", "acme", "shop", str(uuid4()), "s2")
    for unit in (SESSION, MEMORY, other, elsewhere):
        await fail(answering, unit, "a", "b")
    await forgive(answering, SESSION, but=[UUID(MEMORY.name)])
    third = [(await fail(answering, unit, "c"))[0] for unit in (SESSION, MEMORY, other, elsewhere)]
    assert third == [False, True, False, True]


async def test_a_projects_dreams_go_on_and_are_counted_again(answering):
    first, second = [uuid4() for _ in range(3)], [uuid4() for _ in range(4)]
    assert await fail(answering, DREAM, "a", "b", "c", memories=first) == [False, False, True]
    assert await fail(answering, DREAM, "d", "e", "f", memories=second) == [False, False, True]
    (aside,) = await all_set_aside(answering)
    assert (aside.kind, aside.memories, aside.reason) == ("dream", 7, "repeats")


async def test_what_is_set_aside_is_listed_and_requeued_by_tenant_project_and_session(answering):
    others = [
        Unit("session", "acme", "farm", "summary-3", "s1"),
        Unit("session", "bolt", "shop", "summary-4", "s1"),
        Unit("session", "acme", "shop", "summary-5", "s2"),
    ]
    for unit in (SESSION, DREAM, *others):
        await fail(answering, unit, "a", "b", "c")
    await fail(answering, MEMORY, "a", "b", "c", memories=[uuid4()])
    assert len(await all_set_aside(answering)) == 6
    assert {one.tenant_id for one in await all_set_aside(answering, "bolt")} == {"bolt"}
    assert await requeue(answering, "acme", project="shop", session_id="s1") == 2
    assert await fetch_value(answering, "SELECT count(*) FROM maintenance.set_aside_memories") == 0
    assert not await is_set_aside(answering, SESSION)
    assert await fail(answering, SESSION, "d") == [False]
    assert await requeue(answering, "acme", project="shop") == 2
    assert await requeue(answering, "acme") == 1
    assert [one.tenant_id for one in await all_set_aside(answering)] == ["bolt"]

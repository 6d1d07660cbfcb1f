"""A night whose clock was 60 days ahead, taken back: the store is as one whose clock was never wrong."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from memory_maintenance.cycles.record import close_cycle, open_cycle
from memory_maintenance.cycles.rewind import rewind
from memory_maintenance.decay.rewind import Rewinding, tenants_ahead
from memory_maintenance.decay.rule import decay_rule
from memory_maintenance.errors import AsOfInFutureError, InvalidRequestError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch, transaction
from memory_maintenance.tenants.orders import latest_orders
from memory_maintenance.work import Run
from tests.agents import write
from tests.conftest import a_database, a_pool
from tests.steps import Decaying, tenant_with

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
AHEAD = NOW + 60 * DAY
TENANTS = [str(UUID(int=n)) for n in (1, 2, 3)]
SETTINGS = Settings(
    _env_file=None, memory_decay_page_size=3, memory_base_decay_rate=0.01, memory_decay_layers="semantic=0.5"
)

INSERT = """
INSERT INTO memories (id, tenant_id, content, importance, layer, tags, created_at, last_accessed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
STATE = """
SELECT tenant_id::text AS tenant_id, content, importance::float8 AS importance, base_importance, base_importance_at,
       decayed_importance::float8 AS decayed
FROM memories ORDER BY tenant_id, content
"""
MARKS = """
SELECT tenant_id, decay_started_as_of, decay_completed_as_of, decay_off_since, decay_resumed_at,
       (SELECT adopted_at FROM maintenance.store) AS adopted_at
FROM maintenance.tenants ORDER BY tenant_id
"""
VERSIONS = "SELECT id, xmin::text, ctid::text FROM memories ORDER BY id"


async def fill(pool):
    """Write memories of every age, access, layer and tag into an empty store."""
    rows: list[tuple[object, ...]] = []
    for tenant in TENANTS:
        for n in range(8):
            created = NOW - (n * 9 + 0.5) * DAY
            accessed = [None, created, created + 3 * DAY, NOW - DAY][n % 4]
            tags = ["pinned"] if n == 7 else []
            rows.append(
                (uuid4(), tenant, f"memory {n}", 0.1 + n / 10, ["episodic", "semantic"][n % 2], tags, created, accessed)
            )
        rows.append((uuid4(), tenant, "without a time", 0.6, "episodic", [], None, None))
        rows.append((uuid4(), tenant, "from tomorrow", 0.6, "episodic", [], NOW + DAY / 2, None))
        rows.append((uuid4(), tenant, "below the floor", 0.001, "episodic", [], NOW - DAY, None))
    await pool.executemany(INSERT, rows)


async def night(pool, as_of, tenants=TENANTS):
    """Decay as a night would whose clock shows *as_of*: nothing here checks it."""
    task = Decaying(pool, SETTINGS.model_copy(update={"memory_decay_protected_tags": ("pinned",)})).task
    for tenant_id in tenants:
        tenant, after = await tenant_with(task, tenant_id), None
        run = Run(cycle_id=uuid4(), as_of=as_of)
        while True:
            batch = await task.decay(tenant, run, task_rule(tenant), after=after)
            if batch.status != "more":
                break
            after = batch.cursor


def task_rule(tenant):
    return decay_rule(tenant.settings)


async def agents(pool, at):
    """Set, access and write memories, as agents do between two nights."""
    await execute(pool, "UPDATE memories SET importance = 0.77 WHERE content = 'memory 3'")
    await execute(pool, "UPDATE memories SET last_accessed_at = $1 WHERE content = 'memory 5'", at)
    await write(pool, TENANTS[0], ["new"], importance=0.4, start=at)


async def state(pool):
    """Return every value and mark that decay has written."""
    return [dict(row) for row in await fetch(pool, STATE)], [dict(row) for row in await fetch(pool, MARKS)]


@pytest.fixture
async def twin(postgres_url, templates, any_pool):
    """A second store like ``any_pool``, empty too."""
    kind = (
        "rae"
        if await any_pool.fetchval(
            "SELECT atttypid = 'uuid'::regtype FROM pg_attribute WHERE attrelid = 'memories'::regclass AND attname = 'tenant_id'"
        )
        else "small"
    )
    async with a_database(postgres_url, templates[kind]) as url, a_pool(url, size=3) as pool:
        yield pool


HISTORIES = {
    "the first night of the store": [],
    "after right nights": [NOW - 20 * DAY, NOW - DAY],
    "after a right night long ago": [NOW - 50 * DAY],
}


@pytest.mark.parametrize("before", HISTORIES.values(), ids=HISTORIES)
@pytest.mark.parametrize("wrong", [[AHEAD], [AHEAD, AHEAD + DAY]], ids=["one wrong night", "two wrong nights"])
async def test_a_rewound_store_is_as_one_whose_clock_was_never_wrong(any_pool, twin, before, wrong):
    for pool, nights in ((any_pool, wrong), (twin, [NOW])):
        await fill(pool)
        for as_of in before:
            await night(pool, as_of)
        await agents(pool, NOW - DAY / 4)
        for as_of in nights:
            await night(pool, as_of)
    assert await state(any_pool) != await state(twin)
    result = await rewind(any_pool, SETTINGS, NOW, dry_run=False)
    assert (result.tenants, result.busy, result.adopted) == (3, 0, not before)
    assert await state(any_pool) == await state(twin)
    for pool in (any_pool, twin):
        await night(pool, NOW + DAY)
    assert await state(any_pool) == await state(twin)


async def test_decay_that_was_off_is_resumed_at_the_right_instant(any_pool, twin):
    for pool, as_of in ((any_pool, AHEAD), (twin, NOW)):
        await fill(pool)
        await night(pool, NOW - 30 * DAY)
        await execute(pool, "UPDATE maintenance.tenants SET decay_off_since = $1", NOW - 20 * DAY)
        await night(pool, as_of)
    await rewind(any_pool, SETTINGS, NOW, dry_run=False)
    assert await state(any_pool) == await state(twin)


async def test_what_an_agent_has_set_since_is_left(any_pool):
    await fill(any_pool)
    await night(any_pool, AHEAD)
    await execute(any_pool, "UPDATE memories SET importance = 0.9 WHERE content = 'memory 6'")
    await rewind(any_pool, SETTINGS, NOW, dry_run=False)
    rows, _ = await state(any_pool)
    assert [row["importance"] for row in rows if row["content"] == "memory 6"] == [pytest.approx(0.9)] * 3


async def test_twice_is_once_and_a_dry_run_writes_nothing(any_pool):
    await fill(any_pool)
    await night(any_pool, NOW - 20 * DAY)
    await night(any_pool, AHEAD)
    before = await fetch(any_pool, VERSIONS), await state(any_pool)
    foreseen = await rewind(any_pool, SETTINGS, NOW)
    assert (await fetch(any_pool, VERSIONS), await state(any_pool)) == before
    done = await rewind(any_pool, SETTINGS, NOW, by="ana", reason="clock", dry_run=False)
    assert (foreseen.tenants, foreseen.seen, foreseen.rewound) == (done.tenants, done.seen, done.rewound)
    assert done.rewound > 0
    [order] = await latest_orders(any_pool, TENANTS[0], 5)
    assert (order.action, order.ordered_by, order.reason) == ("restore", "ana", "clock")
    after = await fetch(any_pool, VERSIONS)
    again = await rewind(any_pool, SETTINGS, NOW, dry_run=False)
    assert (again.tenants, again.rewound) == (0, 0)
    assert await fetch(any_pool, VERSIONS) == after


async def test_rows_that_others_hold_are_rewound_by_the_next_call(any_pool):
    await fill(any_pool)
    await night(any_pool, AHEAD)
    async with transaction(any_pool) as agent:
        await agent.execute("SELECT 1 FROM memories WHERE content = 'memory 4' FOR UPDATE")
        assert (await rewind(any_pool, SETTINGS, NOW, dry_run=False)).busy == 3
    _, marks = await state(any_pool)
    assert {row["decay_started_as_of"] for row in marks} == {AHEAD}
    assert (await rewind(any_pool, SETTINGS, NOW, dry_run=False)).rewound == 3
    _, marks = await state(any_pool)
    assert {row["decay_started_as_of"] for row in marks} == {NOW}
    assert {row["adopted_at"] for row in marks} == {NOW}


async def test_tenants_that_the_wrong_night_did_not_reach_are_left(any_pool):
    await fill(any_pool)
    await night(any_pool, NOW - DAY)
    await night(any_pool, AHEAD, TENANTS[:1])
    others = [row for row in (await state(any_pool))[0] if row["tenant_id"] != TENANTS[0]]
    assert (await rewind(any_pool, SETTINGS, NOW, dry_run=False)).tenants == 1
    assert [row for row in (await state(any_pool))[0] if row["tenant_id"] != TENANTS[0]] == others


async def test_it_refuses_while_a_cycle_runs_and_an_instant_that_has_not_come(pool):
    cycle = uuid4()
    await open_cycle(pool, cycle, kind="daily", as_of=NOW, config={})
    with pytest.raises(InvalidRequestError, match=f"daily cycle {cycle} runs since"):
        await rewind(pool, SETTINGS, NOW)
    await close_cycle(pool, cycle, status="completed", totals={})
    with pytest.raises(AsOfInFutureError):
        await rewind(pool, SETTINGS, AHEAD)


async def test_a_run_that_begins_meanwhile_ends_it(pool):
    await write(pool, "acme", [f"memory {n}" for n in range(7)])
    await night(pool, AHEAD, ["acme"])

    async def interfere():
        await execute(pool, "UPDATE maintenance.tenants SET decay_started_as_of = $1", AHEAD + DAY)

    [ahead] = await tenants_ahead(pool, NOW)
    rule = task_rule(await tenant_with(Decaying(pool, SETTINGS).task, "acme"))
    work = Rewinding(pool=pool, tenant_id="acme", at=NOW, write=True, page_size=3, tenant=ahead, rule=rule)
    await interfere()
    with pytest.raises(InvalidRequestError, match="has begun meanwhile"):
        await work.rewind()


FUTURE = {
    "cycles": (
        "INSERT INTO maintenance.cycles (cycle_id, kind, as_of, config, status, started_at, completed_at) VALUES"
        " (gen_random_uuid(), 'daily', $1, '{}', 'completed', $1, $1::timestamptz + interval '1 hour'),"
        " (gen_random_uuid(), 'daily', $1, '{}', 'running', $1, NULL)"
    ),
    "budgets": "INSERT INTO maintenance.model_budgets VALUES ($1::timestamptz::date, 'tenant:acme', 10, 0.5), ($1::timestamptz::date + 1, 'tenant:acme', 5, 0.25)",
    "model_calls": (
        "INSERT INTO maintenance.model_calls (question, attempt, round, purpose, tenant_id, model, prompt_version, state,"
        " caller, claimed_at, lease_until, reserved_on) VALUES ('q', 1, 'r', 'summary', 'acme', 'm', '1', 'claimed',"
        " gen_random_uuid(), $1, $1::timestamptz + interval '5 minutes', $1::timestamptz::date)"
    ),
    "breakers": "INSERT INTO maintenance.model_breaker VALUES ('host model', $1, $1::timestamptz + interval '15 minutes', 'rate_limited')",
    "dreams": "INSERT INTO maintenance.dreams (tenant_id, project, dreamt_until, sample) VALUES ('acme', 'shop', $1, '{}')",
    "set_aside": (
        "INSERT INTO maintenance.set_aside (kind, tenant_id, project, name, failures, last_round, reason, first_failed_at,"
        " last_failed_at) VALUES ('session', 'acme', 'shop', 's', 1, 'r', 'refused', $1, $1)"
    ),
}


async def test_marks_in_the_future_are_taken_back_and_others_stay(pool):
    for statement in FUTURE.values():
        await execute(pool, statement, AHEAD)
    await execute(pool, FUTURE["breakers"].replace("host model", "other model"), NOW - DAY)
    result = await rewind(pool, SETTINGS, NOW, dry_run=False)
    assert {name: count for name, count in result.marks.items() if count} == dict.fromkeys(FUTURE, 1) | {"cycles": 2}
    [used] = await fetch(pool, "SELECT day, tokens, cost FROM maintenance.model_budgets")
    assert (used["day"], used["tokens"], float(used["cost"])) == (NOW.date(), 15, 0.75)
    [call] = await fetch(
        pool, "SELECT claimed_at, reserved_on, answered_at, lease_until <= now() AS over FROM maintenance.model_calls"
    )
    assert tuple(call) == (NOW, NOW.date(), None, True)
    cycles = await fetch(pool, "SELECT status, as_of, started_at, completed_at FROM maintenance.cycles ORDER BY status")
    assert [row["status"] for row in cycles] == ["abandoned", "completed"]
    assert {(row["as_of"], row["started_at"]) for row in cycles} == {(NOW, NOW)}
    assert cycles[0]["completed_at"] is None
    breakers = {
        row["endpoint"]: row["opened_at"] for row in await fetch(pool, "SELECT * FROM maintenance.model_breaker")
    }
    assert breakers == {"host model": NOW, "other model": NOW - DAY}
    again = await rewind(pool, SETTINGS, NOW, dry_run=False)
    assert set(again.marks.values()) == {0}

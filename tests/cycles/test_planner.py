from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from memory_maintenance.cycles.planner import MOST_LISTED_BYTES, Planner, PlanPage
from memory_maintenance.cycles.statements import NEXT_TENANTS
from memory_maintenance.cycles.step import tasks_named
from memory_maintenance.decay.task import SMALL
from memory_maintenance.embedding.task import Embedding
from memory_maintenance.errors import TenantNotFoundError
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch, fetch_value
from memory_maintenance.task import Tools
from memory_maintenance.tasks import tasks_with
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override
from memory_maintenance.work import Run, TenantPlan
from workflows.messages import CycleScope

NOW = datetime.now(UTC)
INSERT = """
INSERT INTO memories (tenant_id, content, session_id, layer, importance, created_at)
VALUES ($1, 'The blue tent leaks', $2, 'episodic', $3, $4)
"""


def settings(**chosen):
    return Settings.model_validate({"rae_llm_backend": "extractive", **chosen})


def a_run(**more):
    return Run(cycle_id=uuid4(), as_of=NOW, **more)


async def planner(pool, run, tasks=None, **chosen) -> Planner:
    """Return the planner of a run, as whoever opens the run makes it."""
    tools = Tools(pool, settings(**chosen))
    named = tasks_named(tasks_with(tools), tasks, run.kind)
    return Planner(pool, tools.settings, [task for task in named if await task.unavailable() is None])


async def plan_of_the_fleet(pool, run=None, **chosen) -> PlanPage:
    run = run or a_run()
    return await (await planner(pool, run, **chosen)).plan_page(run)


def plan_of(tenant, **units):
    """Return the plan of a tenant with one unit of each task named."""
    due = {task: (unit,) for task, unit in units.items()}
    return TenantPlan(tenant_id=tenant, units=dict.fromkeys(units, 1), due=due)


async def remember(pool, tenant, *, events=1, importance=0.3, ago=timedelta(hours=1)):
    await pool.executemany(INSERT, [(tenant, "s", importance, NOW - ago)] * events)


async def test_a_tenant_is_planned_for_what_it_has(any_pool):
    few, long, important = sorted(str(uuid4()) for _ in range(3))
    await remember(any_pool, few)
    await remember(any_pool, long, events=12)
    await remember(any_pool, important, events=3, importance=0.9)
    page = await plan_of_the_fleet(any_pool)
    session, dream = {"project": "default", "session_id": "s"}, {"project": "default"}
    assert page.plans == (
        TenantPlan(tenant_id=few, units={"decay": 1}, due={"decay": ({},)}, bulk=True),
        plan_of(long, decay={}, summarization=session).model_copy(update={"one_step": True}),
        plan_of(important, decay={}, dreaming=dream),
    )
    assert (page.cursor, page.looked_at, page.paused) == (None, 3, 0)


async def test_a_tenant_that_a_model_writes_for_does_not_fit_into_one_step(pool):
    await remember(pool, "acme", events=12)
    page = await plan_of_the_fleet(pool, rae_llm_backend="openai", openai_base_url="http://127.0.0.1:9/v1")
    assert [(set(plan.due), plan.bulk, plan.one_step) for plan in page.plans] == [
        ({"decay", "summarization"}, False, False)
    ]


async def test_a_tenant_is_small_by_what_its_last_run_saw_and_else_by_what_it_has(any_pool):
    grown, large, small = sorted(str(uuid4()) for _ in range(3))
    fill = "INSERT INTO memories (tenant_id, content, importance) SELECT $1, 'x', 0.5 FROM generate_series(1, $2)"
    await execute(any_pool, fill, grown, 3)
    await DecayWorker(any_pool, Settings()).run_decay_cycle(as_of=NOW - timedelta(days=1))
    for tenant, memories in ((grown, SMALL), (large, SMALL + 1), (small, SMALL)):
        await execute(any_pool, fill, tenant, memories)
    page = await plan_of_the_fleet(any_pool)
    assert {plan.tenant_id: plan.bulk for plan in page.plans} == {grown: True, large: False, small: True}


async def test_a_plan_lists_few_units_of_few_bytes_and_counts_the_others(any_pool):
    few, many, long_names = sorted(str(uuid4()) for _ in range(3))
    for tenant, sessions, name in ((few, 4, "s"), (many, 5, "s"), (long_names, 2, "s" * (MOST_LISTED_BYTES // 2))):
        for number in range(sessions):
            await any_pool.executemany(INSERT, [(tenant, f"{name}{number}", 0.3, NOW - timedelta(hours=1))] * 12)
    page = await plan_of_the_fleet(any_pool)
    found = [(plan.units["summarization"], len(plan.due.get("summarization", ()))) for plan in page.plans]
    assert found == [(4, 4), (5, 0), (2, 0)]


async def test_idle_and_paused_tenants_are_left_out(pool):
    for tenant in ("done", "idle", "paused"):
        await remember(pool, tenant)
    await pause(pool, "paused")
    await DecayWorker(pool, Settings()).run_decay_cycle(["done", "idle"], as_of=NOW)
    page = await plan_of_the_fleet(pool)
    assert (page.plans, page.looked_at, page.paused) == ((), 3, 1)


async def test_the_hourly_plan_has_no_decay(pool):
    await remember(pool, "acme", events=12)
    page = await plan_of_the_fleet(pool, a_run(kind="hourly"))
    assert page.plans == (plan_of("acme", summarization={"project": "default", "session_id": "s"}),)


@pytest.mark.parametrize(
    ("daily", "chosen", "planned"),
    [
        pytest.param(True, {}, {"left": 1, "new": 0}, id="what earlier runs have left, and what this one may write"),
        pytest.param(False, {}, {"new": 0}, id="hourly: what this one may write"),
        pytest.param(True, {"embedding_model": None}, {}, id="no model"),
        pytest.param(True, {"openai_base_url": None}, {}, id="no endpoint"),
    ],
)
async def test_a_tenant_embeds_what_has_no_vector_and_what_its_run_writes(rae_pool, daily, chosen, planned):
    left, new = str(uuid4()), str(uuid4())
    await remember(rae_pool, new, events=12)
    await execute(
        rae_pool, "INSERT INTO memories (tenant_id, content, source) VALUES ($1, 'x', 'reflection_engine_v2')", left
    )
    named = {"embedding_model": "small", "openai_base_url": "http://127.0.0.1:1/v1", **chosen}
    run = a_run(kind="daily" if daily else "hourly")
    plan = await planner(rae_pool, run, ("summarization", "dreaming") if daily else None, **named)
    page = await plan.plan_page(run)
    scope = CycleScope(run=run, deadline=NOW, tasks=tuple(task.spec for task in plan.tasks))
    embedding = Embedding.spec
    found = {
        one.tenant_id: one.units.get("embedding", 0) for one in page.plans if embedding in scope.for_tenant(one).tasks
    }
    names = {left: "left", new: "new"}
    assert {names[tenant]: units for tenant, units in found.items()} == planned


async def test_a_store_that_keeps_no_vectors_has_no_embeddings_planned(pool):
    await remember(pool, "acme", events=12)
    named = {"embedding_model": "small", "openai_base_url": "http://127.0.0.1:1/v1"}
    with capture_logs() as logs:
        plan = await planner(pool, a_run(), **named)
    assert "embedding" not in [task.spec.name for task in plan.tasks]
    assert {"event": "embedding_skipped", "reason": "no_vector_column", "log_level": "warning"} in logs


async def test_pages_go_on_where_the_one_before_ended(pool):
    tenants = [f"t{number:04}" for number in range(1203)]
    await pool.executemany(INSERT, [(tenant, None, 0.3, NOW) for tenant in tenants])
    run, found, cursor, looked_at = a_run(), [], None, 0
    plan = await planner(pool, run)
    while True:
        page = await plan.plan_page(run, after=cursor, limit=200)
        found += [one.tenant_id for one in page.plans]
        looked_at += page.looked_at
        cursor = page.cursor
        if cursor is None:
            break
    assert (found, looked_at) == (tenants, 1203)


async def test_an_override_lets_a_tenant_in_where_the_deployment_has_a_task_off(any_pool):
    let_in, left_out = (str(uuid4()) for _ in range(2))
    for tenant in (let_in, left_out):
        await remember(any_pool, tenant, events=12, importance=0.9)
    tasks = ("decay", "summarization", "dreaming")
    await override(any_pool, let_in, {f"{task}_enabled": True for task in tasks})
    off = {"memory_importance_decay_enabled": False, "summarization_enabled": False, "dreaming_enabled": False}
    page = await plan_of_the_fleet(any_pool, **off)
    session = {"project": "default", "session_id": "s"}
    assert page.plans == (plan_of(let_in, decay={}, summarization=session, dreaming={"project": "default"}),)
    noted = "SELECT array_agg(tenant_id) FROM maintenance.tenants WHERE decay_off_since = $1"
    assert await fetch_value(any_pool, noted, NOW) == [left_out]


@pytest.mark.parametrize("named", [{"project": "p"}, {"project": "p", "session": "s"}])
async def test_what_an_operator_names_is_planned_also_for_a_paused_tenant(pool, named):
    await remember(pool, "acme", events=12)
    await pause(pool, "acme")
    pages = []
    for run in (a_run(**named), a_run()):
        plan = await planner(pool, run, ("summarization", "dreaming"))
        page = await plan.plan_chosen(run, ["acme"])
        pages.append((len(page.plans), page.looked_at, page.paused))
    assert pages == [(1, 1, 0), (0, 1, 1)]


@pytest.mark.parametrize("off", ["setting", "override"])
async def test_a_tenant_whose_decay_is_off_has_none_to_do_and_that_is_remembered(pool, off):
    await remember(pool, "acme")
    await DecayWorker(pool, Settings()).run_decay_cycle(as_of=NOW - timedelta(days=1))
    if off == "override":
        await override(pool, "acme", {"decay_enabled": False})
    assert (await plan_of_the_fleet(pool, memory_importance_decay_enabled=off != "setting")).plans == ()
    assert await fetch_value(pool, "SELECT decay_off_since FROM maintenance.tenants") == NOW


async def test_overrides_that_cannot_be_read_are_one_tenants_trouble(pool):
    await remember(pool, "acme")
    await remember(pool, "broken")
    await execute(pool, "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ('broken', '[1]')")
    page = await plan_of_the_fleet(pool)
    assert [plan.tenant_id for plan in page.plans] == ["acme", "broken"]
    assert await DecayWorker(pool, Settings()).run_decay_cycle(as_of=NOW) == {"total_tenants": 2, "total_updated": 1}


async def test_an_unknown_tenant_is_named(pool):
    run = a_run()
    plan = await planner(pool, run)
    with pytest.raises(TenantNotFoundError):
        await plan.plan_chosen(run, ["nobody"])


READ = "SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0) FROM pg_stat_xact_user_tables WHERE relname = 'memories'"
LOOK_UPS = "SELECT sum(idx_scan) FROM pg_stat_xact_user_tables WHERE relname = 'memories'"


@pytest.mark.parametrize("after", [None, "aaa"])
async def test_planning_looks_up_each_tenant_once_however_many_memories_it_has(pool, after):
    await execute(pool, "INSERT INTO memories (tenant_id, content) SELECT 'large', 'x' FROM generate_series(1, 20000)")
    await remember(pool, "small")
    await execute(pool, "ANALYZE memories")
    async with pool.acquire() as connection, connection.transaction():
        rows = await fetch(connection, NEXT_TENANTS, 500, after)
        read, look_ups = await fetch_value(connection, READ), await fetch_value(connection, LOOK_UPS)
    assert [row["tenant_id"] for row in rows] == ["large", "small"]
    assert (read <= 3, look_ups <= 5) == (True, True)

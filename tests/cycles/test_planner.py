from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from memory_maintenance.cycles.planner import Planner, TenantWork
from memory_maintenance.cycles.statements import FIRST_TENANTS
from memory_maintenance.errors import TenantNotFoundError
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, execute_many, fetch_value
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override

NOW = datetime.now(UTC)
INSERT = """
INSERT INTO memories (tenant_id, content, session_id, layer, importance, created_at)
VALUES ($1, 'The blue tent leaks', $2, 'episodic', $3, $4)
"""


def planner(pool, **chosen):
    return Planner(pool, Settings.model_validate({"rae_llm_backend": "extractive", **chosen}))


async def remember(pool, tenant, *, events=1, importance=0.3, ago=timedelta(hours=1)):
    await execute_many(pool, INSERT, [(tenant, "s", importance, NOW - ago)] * events)


async def test_a_tenant_is_planned_for_what_it_has(any_pool):
    few, long, important = sorted(str(uuid4()) for _ in range(3))
    await remember(any_pool, few)
    await remember(any_pool, long, events=12)
    await remember(any_pool, important, events=3, importance=0.9)
    page = await planner(any_pool).plan_page(as_of=NOW, daily=True)
    assert page.work == (
        TenantWork(few, decay=True),
        TenantWork(long, decay=True, sessions=1),
        TenantWork(important, decay=True, dreams=1),
    )
    assert (page.cursor, page.looked_at, page.paused) == (None, 3, 0)


async def test_idle_and_paused_tenants_are_left_out(pool):
    for tenant in ("done", "idle", "paused"):
        await remember(pool, tenant)
    await pause(pool, "paused")
    await DecayWorker(pool, Settings()).run_decay_cycle(["done", "idle"], as_of=NOW)
    page = await planner(pool).plan_page(as_of=NOW, daily=True)
    assert (page.work, page.looked_at, page.paused) == ((), 3, 1)


async def test_the_hourly_plan_has_no_decay(pool):
    await remember(pool, "acme", events=12)
    page = await planner(pool).plan_page(as_of=NOW, daily=False, tasks=("summarization",))
    assert page.work == (TenantWork("acme", sessions=1),)


@pytest.mark.parametrize(
    ("daily", "chosen", "planned"),
    [
        pytest.param(True, {}, {"left": 1, "new": 1}, id="what earlier runs have left, and what this one may write"),
        pytest.param(False, {}, {"new": 1}, id="hourly: what this one may write"),
        pytest.param(True, {"embedding_model": None}, {}, id="no model"),
        pytest.param(True, {"openai_base_url": None}, {}, id="no endpoint"),
    ],
)
async def test_embeddings_are_planned_for_what_has_none_or_will_have_none(rae_pool, daily, chosen, planned):
    left, new = str(uuid4()), str(uuid4())
    await remember(rae_pool, new, events=12)
    await execute(
        rae_pool, "INSERT INTO memories (tenant_id, content, source) VALUES ($1, 'x', 'reflection_engine_v2')", left
    )
    named = {"embedding_model": "small", "openai_base_url": "http://127.0.0.1:1/v1", **chosen}
    tasks = ("summarization", "dreaming") if daily else ("summarization",)
    page = await planner(rae_pool, **named).plan_page(as_of=NOW, daily=daily, tasks=tasks)
    names = {left: "left", new: "new"}
    assert {names[work.tenant_id]: work.embeddings for work in page.work if work.embeddings} == planned


async def test_a_store_that_keeps_no_vectors_has_no_embeddings_planned(pool):
    await remember(pool, "acme", events=12)
    named = {"embedding_model": "small", "openai_base_url": "http://127.0.0.1:1/v1"}
    with capture_logs() as logs:
        page = await planner(pool, **named).plan_page(as_of=NOW, daily=True)
    assert [work.embeddings for work in page.work] == [0]
    assert {"event": "embedding_skipped", "reason": "no_vector_column", "log_level": "warning"} in logs


async def test_pages_go_on_where_the_one_before_ended(pool):
    tenants = [f"t{number:04}" for number in range(1203)]
    await execute_many(pool, INSERT, [(tenant, None, 0.3, NOW) for tenant in tenants])
    plan, found, cursor, looked_at = planner(pool), [], None, 0
    while True:
        page = await plan.plan_page(as_of=NOW, daily=True, after=cursor, limit=200)
        found += [work.tenant_id for work in page.work]
        looked_at += page.looked_at
        cursor = page.cursor
        if cursor is None:
            break
    assert (found, looked_at) == (tenants, 1203)


@pytest.mark.parametrize("off", ["setting", "override"])
async def test_a_tenant_whose_decay_is_off_has_none_to_do_and_that_is_remembered(pool, off):
    await remember(pool, "acme")
    await DecayWorker(pool, Settings()).run_decay_cycle(as_of=NOW - timedelta(days=1))
    if off == "override":
        await override(pool, "acme", {"decay_enabled": False})
    plan = planner(pool, memory_importance_decay_enabled=off != "setting")
    assert (await plan.plan_page(as_of=NOW, daily=True)).work == ()
    assert await fetch_value(pool, "SELECT decay_off_since FROM maintenance.tenants") == NOW


async def test_overrides_that_cannot_be_read_are_one_tenants_trouble(pool):
    await remember(pool, "acme")
    await remember(pool, "broken")
    await execute(pool, "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ('broken', '[1]')")
    page = await planner(pool).plan_page(as_of=NOW, daily=True)
    assert [work.tenant_id for work in page.work] == ["acme", "broken"]
    assert await DecayWorker(pool, Settings()).run_decay_cycle(as_of=NOW) == {"total_tenants": 1, "total_updated": 1}


async def test_an_unknown_tenant_is_named(pool):
    with pytest.raises(TenantNotFoundError):
        await planner(pool).plan_chosen(["nobody"], as_of=NOW, daily=True)


async def test_planning_looks_up_each_tenant_once_however_many_memories_it_has(pool):
    await execute(pool, "INSERT INTO memories (tenant_id, content) SELECT 'large', 'x' FROM generate_series(1, 20000)")
    await remember(pool, "small")
    await execute(pool, "ANALYZE memories")
    plan = await fetch_value(pool, f"EXPLAIN (ANALYZE, FORMAT JSON) {FIRST_TENANTS}", 500)
    assert [work.tenant_id for work in (await planner(pool).plan_page(as_of=NOW, daily=True)).work] == [
        "large",
        "small",
    ]
    assert rows_read(plan[0]["Plan"]) <= 3


def rows_read(node):
    """Rows that the plan's scans of memories took, those filtered out among them."""
    own = 0
    if node.get("Relation Name") == "memories":
        own = node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
    return own + sum(rows_read(child) for child in node.get("Plans", ()))

"""Small tenants of a large fleet have no workflow of their own: a page does them in steps of 25, each for itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import asyncpg
import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from activities.heartbeat import is_interrupted
from memory_maintenance.cycles.outcomes import CycleTotals
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value
from memory_maintenance.tenants.control import pause
from memory_maintenance.work import TenantPlan
from tests.large_fleet import a_fleet, plan_of_one_step, scope, start_page
from tests.workflows.conftest import Working, remember_session
from workflows.messages import MaintenanceRequest, TenantRequest
from workflows.options import PAGE_SIZE, TASK_QUEUE
from workflows.page import tenant_workflow_id
from workflows.tenant import TenantMaintenanceWorkflow

OUTCOMES = "SELECT tenant_id, status, (counts->'decay'->>'updated')::integer AS updated FROM maintenance.tenant_runs"
DECAYED = "SELECT count(base_importance) FROM memories WHERE tenant_id = ANY ($1)"
UNREADABLE = "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ($1, '[7]')"
HOLD = "INSERT INTO maintenance.tenants (tenant_id) VALUES ($1)"
STARTED = EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED


async def night(client: Client, **request: Any) -> dict[str, Any]:
    stats: dict[str, Any] = await client.execute_workflow(
        "MaintenanceWorkflow", MaintenanceRequest(**request), id="night", task_queue=TASK_QUEUE, result_type=dict
    )
    return stats


async def children(client: Client, *, pages: int) -> list[str]:
    """Return the tenants whose workflows a night's pages started."""
    found = []
    for page in range(1, pages + 1):
        events = (await client.get_workflow_handle(f"night/page-{page}").fetch_history()).events
        started = [event for event in events if event.event_type == STARTED]
        found += [event.start_child_workflow_execution_initiated_event_attributes.workflow_id for event in started]
    return [workflow_id.rpartition("/")[2] for workflow_id in found]


async def steps(page: WorkflowHandle[Any, Any]) -> list[int]:
    """Return of each bulk step of a page how many tenants it was for."""
    events = (await page.fetch_history()).events
    scheduled = [event for event in events if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    named = [event.activity_task_scheduled_event_attributes for event in scheduled]
    return [
        one.input.payloads[0].data.count(b'"bulk"') for one in named if one.activity_type.name == "maintain_tenants"
    ]


@pytest.fixture
def page(temporal: Client, pool: Pool) -> Callable[..., Awaitable[WorkflowHandle[Any, Any]]]:
    """``await page(tenants)``: a page of a large fleet that runs."""
    return partial(start_page, temporal, pool)


@asynccontextmanager
async def held(pool: asyncpg.Pool, tenant: str) -> AsyncIterator[None]:
    """Keep decay of *tenant* waiting meanwhile."""
    async with pool.acquire() as agent, agent.transaction():
        await execute(agent, HOLD, tenant)
        yield


async def until_decayed(pool: Pool, tenants: Sequence[str]) -> None:
    async with asyncio.timeout(60):
        while await fetch_value(pool, DECAYED, list(tenants)) < len(tenants):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("dry_run", [False, True])
async def test_in_a_fleet_of_more_than_a_page_only_tenants_with_other_work_have_children(
    temporal, pool, working, dry_run
):
    await a_fleet(pool, 230)
    await remember_session(pool, "acme", events=12)
    async with working():
        stats = await night(temporal, dry_run=dry_run)
        pages = [await steps(temporal.get_workflow_handle(f"night/page-{n}")) for n in (1, 2)]
        assert await children(temporal, pages=2) == ["acme"]
    assert pages == [[25] * 7 + [24], [25, 6]]
    assert stats["tenants"] == {"looked_at": 231, "left_paused": 0, "with_work": 231, "completed": 231}
    assert (stats["decay"]["total_tenants"], stats["decay"]["total_updated"]) == (231, 242)
    outcomes = Counter((row["status"], row["updated"]) for row in await fetch(pool, OUTCOMES))
    assert outcomes == ({} if dry_run else {("completed", 1): 230, ("completed", 12): 1})


@pytest.mark.parametrize(
    ("tenants", "every"),
    [
        pytest.param(200, False, id="a fleet of one page"),
        pytest.param(201, True, id="where the setting says so", marks=pytest.mark.slow),
    ],
)
async def test_every_tenant_has_its_child(temporal, pool, working, tenants, every):
    expected = await a_fleet(pool, tenants)
    async with working(maintenance_child_for_every_tenant=every):
        await night(temporal)
        assert await children(temporal, pages=-(-tenants // PAGE_SIZE)) == expected


async def test_the_windows_are_those_that_the_cycle_was_opened_with(temporal, pool, working):
    await a_fleet(pool, 201)  # two pages
    windows = {"maintenance_pages_at_once": 1, "maintenance_tenants_at_once": 15}
    async with working(maintenance_child_for_every_tenant=True, **windows):
        run = await temporal.start_workflow("MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE)
        await run.result()
        root = (await run.fetch_history()).events
        first = (await temporal.get_workflow_handle("night/page-1").fetch_history()).events
    assert _most_at_once(root) == 1
    assert _most_at_once(first) == 15


def _most_at_once(events: Sequence[Any]) -> int:
    running = most = 0
    for event in events:
        running += event.event_type == STARTED
        running -= event.event_type == EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED
        most = max(most, running)
    return most


async def test_a_tenant_that_fails_in_bulk_gets_a_child_with_its_retries_and_delays_no_other(
    temporal, pool, working, page
):
    tenants = await a_fleet(pool, 30)
    await execute(pool, UNREADABLE, tenants[3])
    async with working():
        run = await page(tenants)
        totals: CycleTotals = await run.result()
        assert await children(temporal, pages=1) == [tenants[3]]
        assert await steps(run) == [25, 5]
    assert (totals.statuses, totals.failures) == ({"completed": 29, "failed": 1}, (tenants[3],))
    outcomes = {row["tenant_id"]: row["status"] for row in await fetch(pool, OUTCOMES)}
    assert outcomes == dict.fromkeys(tenants, "completed") | {tenants[3]: "failed"}


async def activities(client: Client, tenant: str) -> list[str]:
    """Return the activities of a tenant's workflow."""
    events = (await client.get_workflow_handle(tenant_workflow_id(tenant)).fetch_history()).events
    scheduled = [event for event in events if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    return [event.activity_task_scheduled_event_attributes.activity_type.name for event in scheduled]


async def test_a_child_does_work_that_fits_into_one_step_in_one(temporal, pool, working, page):
    await remember_session(pool, "acme", events=12)
    async with working():
        totals: CycleTotals = await (await page([], plan_of_one_step("acme"))).result()
        assert await activities(temporal, "acme") == ["maintain_tenants"]
    assert totals.statuses == {"completed": 1}
    assert (totals.of("decay").of("updated"), totals.of("summarization").of("stored")) == (12, 1)


async def test_a_pause_is_obeyed_within_the_step_of_a_child(temporal, pool, working, page):
    await remember_session(pool, "acme", events=12)
    await pause(pool, "acme", by="ana")
    async with working():
        totals: CycleTotals = await (await page([], plan_of_one_step("acme"))).result()
        assert await activities(temporal, "acme") == ["maintain_tenants"]
    assert totals.statuses == {"paused": 1}
    assert await fetch_value(pool, "SELECT count(*) FROM memories WHERE source = 'summarization_worker'") == 0


async def test_a_child_whose_one_step_fails_does_each_task_by_itself(temporal, pool, working, page):
    await remember_session(pool, "acme", events=12)
    await execute(pool, UNREADABLE, "acme")
    async with working():
        totals: CycleTotals = await (await page([], plan_of_one_step("acme"))).result()
        assert await activities(temporal, "acme") == ["maintain_tenants", "decay_batch", "summarize_session"]
    assert (totals.statuses, totals.failures) == ({"failed": 1}, ("acme",))


async def test_a_pause_of_a_tenant_without_a_child_is_a_row_and_obeyed(pool, working, page):
    tenants = await a_fleet(pool, 4)
    async with working():
        async with held(pool, tenants[1]):
            run = await page(tenants)
            await until_decayed(pool, tenants[:1])
            await pause(pool, tenants[2], by="ana")  # the step has this tenant already
        totals: CycleTotals = await run.result()
        assert await steps(run) == [4]
    assert totals.statuses == {"completed": 3, "paused": 1}
    assert await fetch_value(pool, DECAYED, tenants[2:3]) == 0


async def test_a_cancel_of_a_tenant_in_a_step_is_obeyed_between_tenants(pool, working, page, monkeypatch):
    tenants, arrived = await a_fleet(pool, 5), asyncio.Event()

    def asked_when_it_arrives() -> bool:
        arrived.set()
        return is_interrupted()

    monkeypatch.setattr("activities.bulk.is_interrupted", asked_when_it_arrives)
    async with working():
        async with held(pool, tenants[1]):
            run = await page(tenants)
            await until_decayed(pool, tenants[:1])
            await run.signal("cancel_tenant", tenants[3])
            async with asyncio.timeout(60):
                await arrived.wait()  # with a heartbeat
        totals: CycleTotals = await run.result()
        assert await steps(run) == [5, 2]
    assert totals.statuses == {"completed": 4, "cancelled": 1}
    assert await fetch_value(pool, DECAYED, tenants) == 4


async def test_after_the_deadline_no_step_begins(pool, working, page):
    tenants = await a_fleet(pool, 3)
    async with working():
        totals: CycleTotals = await (await page(tenants, deadline=datetime.now(UTC))).result()
    assert totals.statuses == {"out_of_time": 3}


async def test_a_tenant_that_another_run_works_on_is_decayed_once_and_both_records_are_right(
    temporal: Client, pool: asyncpg.Pool, working: Working, page
):
    tenants = await a_fleet(pool, 3)
    plan = TenantPlan(tenant_id=tenants[1], units={"decay": 1})
    async with working():
        async with held(pool, tenants[1]):
            other = await temporal.start_workflow(
                TenantMaintenanceWorkflow.run,
                TenantRequest(scope=scope(), plan=plan),
                id=tenant_workflow_id(tenants[1]),
                task_queue=TASK_QUEUE,
            )
            run = await page(tenants)
            await until_decayed(pool, tenants[:1])
        outcome, totals = await other.result(), await run.result()
    assert (outcome.status, totals.statuses) == ("completed", {"completed": 3})
    assert outcome.of("decay").of("updated") + totals.of("decay").of("updated") == 3
    assert await fetch_value(pool, DECAYED, tenants) == 3

"""A cancelled cycle ends soon and says what it had done: memories, rows of its tenants and its totals agree."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.worker import Worker

from activities.messages import RecordPageRequest, UnitRequest
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value
from memory_maintenance.work import Done, TenantPlan
from tests.large_fleet import scope
from tests.visible import listed
from tests.workflows.conftest import Working
from workflows import options
from workflows.maintenance import MaintenanceWorkflow
from workflows.messages import PageRequest, TenantRequest
from workflows.options import TASK_QUEUE
from workflows.page import MaintenancePageWorkflow
from workflows.tenant import TenantMaintenanceWorkflow

TENANTS, IN_BULK, MEMORIES = 80, 240, 40
"""Those in bulk are more than a page; a tenant's memories are four pages of rows."""

INSERT = """
INSERT INTO memories (tenant_id, content, importance, layer, created_at, last_accessed_at)
SELECT 'tenant-' || lpad(t::text, 3, '0'), 'x', 0.5, 'semantic', $3, $3
FROM generate_series(1, $1::integer) t, generate_series(1, $2::integer) m
"""
DECAYED = "SELECT count(base_importance) FROM memories"
OUTCOMES = "SELECT tenant_id, status, (counts->'decay'->>'updated')::integer AS updated FROM maintenance.tenant_runs"
CYCLE = "SELECT status, totals FROM maintenance.cycles"


async def _cancelled_after(client: Client, pool: Pool, decayed: int) -> WorkflowHandle[Any, Any]:
    run = await client.start_workflow(MaintenanceWorkflow.run, id="night", task_queue=TASK_QUEUE)
    async with asyncio.timeout(60):
        while await fetch_value(pool, DECAYED) < decayed:
            await asyncio.sleep(0.005)
    await run.cancel()
    return run


@pytest.mark.parametrize(
    ("tenants", "decayed"),
    [
        *(pytest.param(TENANTS, decayed, id=f"children, {decayed}") for decayed in (1, 200, 1_000, 2_400)),
        *(pytest.param(IN_BULK, decayed, id=f"in bulk, {decayed}") for decayed in (1, 200, 3_000)),
        pytest.param(IN_BULK, 8_000, id="in bulk, 8000", marks=pytest.mark.slow),
    ],
)
async def test_what_was_done_is_recorded_whenever_the_cycle_is_cancelled(
    temporal: Client, pool: Pool, working: Working, tenants: int, decayed: int
):
    await execute(pool, INSERT, tenants, MEMORIES, datetime.now(UTC) - timedelta(days=9))
    async with working(memory_decay_page_size=10):
        run = await _cancelled_after(temporal, pool, decayed)
        async with asyncio.timeout(60):
            stats = await run.result()
    written = await fetch_value(pool, DECAYED)
    outcomes = await fetch(pool, OUTCOMES)
    [cycle] = await fetch(pool, CYCLE)
    assert cycle["status"] == "cancelled"
    assert sum(row["updated"] or 0 for row in outcomes) == written
    assert cycle["totals"].get("decay", {}).get("updated", 0) == stats["decay"]["total_updated"] == written
    assert sum(cycle["totals"]["statuses"].values()) == len(outcomes)
    assert {row["status"] for row in outcomes} <= {"completed", "cancelled"}
    assert stats["tenants"].get("cancelled", 0) == cycle["totals"]["statuses"].get("cancelled", 0)
    await listed(temporal, "ExecutionStatus = 'Running'", until=lambda left: not left)


async def test_a_tenants_run_that_is_cancelled_returns_what_it_did(temporal, pool, working):
    await execute(pool, INSERT, 1, 30_000, datetime.now(UTC) - timedelta(days=9))
    async with working(memory_decay_page_size=2):  # longer than BEAT: a heartbeat brings the cancellation
        run = await temporal.start_workflow(MaintenanceWorkflow.run, id="night", task_queue=TASK_QUEUE)
        async with asyncio.timeout(60):
            while await fetch_value(pool, DECAYED) < 100:
                await asyncio.sleep(0.005)
        await temporal.get_workflow_handle("tenant-maintenance/tenant-001").cancel()
        stats = await run.result()
        described = await run.describe()
    written = await fetch_value(pool, DECAYED)
    assert 100 <= written < 30_000
    assert (stats["tenants"]["cancelled"], stats["decay"]["total_updated"]) == (1, written)
    assert described.status == WorkflowExecutionStatus.COMPLETED


async def test_a_step_that_is_lost_with_its_worker_while_the_run_is_cancelled_is_no_failure(temporal, monkeypatch):
    monkeypatch.setattr(options, "HEARTBEAT", timedelta(seconds=1))
    begun, over = asyncio.Event(), asyncio.Event()

    @activity.defn(name="decay_batch")
    async def lost(_: UnitRequest) -> Done:
        """Send no heartbeat and do not hear of the cancellation, as in a process that is gone."""
        begun.set()
        await over.wait()
        return Done()

    request = TenantRequest(scope=scope(), plan=TenantPlan(tenant_id="acme", units={"decay": 1}))
    async with Worker(temporal, task_queue=TASK_QUEUE, workflows=[TenantMaintenanceWorkflow], activities=[lost]):
        run = await temporal.start_workflow(
            TenantMaintenanceWorkflow.run, request, id="tenant-maintenance/acme", task_queue=TASK_QUEUE
        )
        await begun.wait()
        await run.cancel()
        outcome = await run.result()
        over.set()
    assert (outcome.status, outcome.error_type) == ("cancelled", None)


async def test_a_page_that_is_cancelled_while_it_is_recorded_returns_what_it_did(temporal):
    begun, over = asyncio.Event(), asyncio.Event()

    @activity.defn(name="record_page")
    async def slow(_: RecordPageRequest) -> None:
        begun.set()
        await over.wait()

    request = PageRequest(scope=scope(), page=1, plans=(TenantPlan(tenant_id="acme", units={}),), cancelled=("acme",))
    async with Worker(temporal, task_queue=TASK_QUEUE, workflows=[MaintenancePageWorkflow], activities=[slow]):
        run = await temporal.start_workflow(
            MaintenancePageWorkflow.run, request, id="night/page-1", task_queue=TASK_QUEUE
        )
        await begun.wait()
        await run.cancel()
        over.set()
        done = await run.result()
    assert done.statuses == {"cancelled": 1}

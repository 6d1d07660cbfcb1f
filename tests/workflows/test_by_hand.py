"""What an operator does with Temporal's own commands while a tenant waits at its summary: a reset, a pause, a batch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from temporalio.api.enums.v1.workflow_pb2 import PENDING_ACTIVITY_STATE_PAUSED
from temporalio.client import Client, WorkflowHandle

from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value, transaction
from tests.workflows.conftest import Working, by_hand, remember_session
from workflows.options import TASK_QUEUE

TENANT = "tenant-maintenance/acme"
DECAYED = "SELECT count(decay_completed_as_of) FROM maintenance.tenants"
STATUSES = "SELECT tenant_id, status FROM maintenance.tenant_runs ORDER BY tenant_id"
SUMMARIES = "SELECT count(*) FROM memories WHERE source = 'summarization_worker'"

Night = WorkflowHandle[Any, dict[str, Any]]


@asynccontextmanager
async def _waiting(temporal: Client, pool: Pool, working: Working, *tenants: str) -> AsyncIterator[Night]:
    """A night whose *tenants* have decayed and wait at their summaries until the body ends."""
    for tenant in tenants:
        await remember_session(pool, tenant, events=12)
    async with working():
        async with transaction(pool) as db:
            await execute(db, "LOCK TABLE maintenance.lineage IN EXCLUSIVE MODE")
            night: Night = await temporal.start_workflow(
                "MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE, result_type=dict
            )
            async with asyncio.timeout(60):
                while await fetch_value(pool, DECAYED) < len(tenants) or not await _step(temporal):
                    await asyncio.sleep(0.02)
            yield night
        async with asyncio.timeout(60):
            await night.result()


async def _step(temporal: Client) -> Any:
    """Return the step that acme waits for, if its run has come to one."""
    found = await temporal.get_workflow_handle(TENANT).describe()
    pending = found.raw_description.pending_activities
    return pending[0] if pending and pending[0].activity_type.name == "summarize_session" else None


async def test_a_pause_sent_to_all_workflows_at_once_pauses_every_tenant_and_nothing_else(temporal, pool, working):
    async with _waiting(temporal, pool, working, "acme", "globex") as night:
        batch = ("--query", "ExecutionStatus='Running'", "--reason", "test", "--yes")
        await by_hand(temporal, "workflow", "signal", "--name", "pause", *batch)
        async with asyncio.timeout(60):
            while await fetch_value(pool, "SELECT count(*) FROM maintenance.tenants WHERE paused") < 2:
                await asyncio.sleep(0.05)
    assert [tuple(row) for row in await fetch(pool, STATUSES)] == [("acme", "paused"), ("globex", "paused")]
    assert (await night.result())["failed_tenants"] == []


@pytest.mark.parametrize("verb", ["pause", "reset"])
async def test_a_step_that_is_paused_or_reset_in_flight_is_done_by_a_later_attempt(temporal, pool, working, verb):
    async with _waiting(temporal, pool, working, "acme") as night:
        first = await _step(temporal)
        step = ("--workflow-id", TENANT, "--activity-id", first.activity_id)
        await by_hand(temporal, "activity", verb, *step)
        async with asyncio.timeout(60):
            while (await _step(temporal)).last_started_time == first.last_started_time:
                await asyncio.sleep(0.05)
        if verb == "pause":
            assert (await _step(temporal)).state == PENDING_ACTIVITY_STATE_PAUSED
            await by_hand(temporal, "activity", "unpause", *step)
    assert (await night.result())["failed_tenants"] == []
    assert [tuple(row) for row in await fetch(pool, STATUSES)] == [("acme", "completed")]
    assert await fetch_value(pool, SUMMARIES) == 1


async def test_a_tenants_run_that_is_reset_ends_with_one_summary(temporal, pool, working):
    async with _waiting(temporal, pool, working, "acme") as night:
        reset = ("--workflow-id", TENANT, "--type", "FirstWorkflowTask", "--reason", "test")
        await by_hand(temporal, "workflow", "reset", *reset)
    assert (await night.result())["failed_tenants"] == []
    assert [tuple(row) for row in await fetch(pool, STATUSES)] == [("acme", "completed")]
    assert await fetch_value(pool, SUMMARIES) == 1

"""A root that is reset in the middle of a cycle: no tenant that is done, or is worked on, is named as lost."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from temporalio.client import Client

from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value, transaction
from tests.agents import write
from tests.large_fleet import a_fleet
from tests.workflows.conftest import Working, by_hand, remember_session
from workflows.options import TASK_QUEUE

DECAYED = "SELECT count(decay_completed_as_of) FROM maintenance.tenants"
RESET = ("workflow", "reset", "--reason", "test", "--workflow-id")
RUNS = "SELECT tenant_id, status FROM maintenance.tenant_runs ORDER BY tenant_id"


@pytest.mark.parametrize("kind", ["FirstWorkflowTask", "LastWorkflowTask"])
async def test_a_reset_root_counts_the_tenants_that_are_done_as_done(
    temporal: Client, pool: Pool, working: Working, monkeypatch: pytest.MonkeyPatch, kind: str
):
    monkeypatch.setattr("workflows.options.ALREADY_RUNNING", timedelta(milliseconds=200))
    await remember_session(pool, "acme", events=12)
    await write(pool, "globex", ["x"])
    async with working():
        async with transaction(pool) as db:  # globex is done soon, acme waits at its summary
            await execute(db, "LOCK TABLE maintenance.lineage IN EXCLUSIVE MODE")
            await temporal.start_workflow("MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE)
            globex = temporal.get_workflow_handle("tenant-maintenance/globex")
            async with asyncio.timeout(60):
                while await fetch_value(pool, DECAYED) < 2:
                    await asyncio.sleep(0.05)
                await globex.result()
                await by_hand(temporal, *RESET, "night", "--type", kind)
        async with asyncio.timeout(60):
            stats = await temporal.get_workflow_handle("night").result()
    assert (stats["tenants"].get("page_failed", 0), stats["failed_tenants"]) == (0, [])
    assert {row["tenant_id"]: row["status"] for row in await fetch(pool, RUNS)}.get("globex") == "completed"
    assert await fetch_value(pool, "SELECT count(*) FROM memories WHERE source = 'summarization_worker'") == 1


@pytest.mark.slow
async def test_a_reset_root_counts_small_tenants_of_a_step_in_flight_once(
    temporal: Client, pool: asyncpg.Pool, working: Working, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("workflows.options.ALREADY_RUNNING", timedelta(milliseconds=200))
    tenants = await a_fleet(pool, 201)
    async with working():
        async with pool.acquire() as agent, agent.transaction():  # a step waits at this tenant until the root is reset
            await execute(agent, "INSERT INTO maintenance.tenants (tenant_id) VALUES ($1)", tenants[60])
            await temporal.start_workflow("MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE)
            async with asyncio.timeout(60):
                while await fetch_value(pool, DECAYED) < 61:  # sixty of the first page, and the one of the second
                    await asyncio.sleep(0.05)
            await by_hand(temporal, *RESET, "night", "--type", "FirstWorkflowTask")
        async with asyncio.timeout(60):
            stats = await temporal.get_workflow_handle("night").result()
    assert (stats["tenants"].get("page_failed", 0), stats["failed_tenants"]) == (0, [])
    counted = (
        "SELECT count(DISTINCT tenant_id), sum((counts->'decay'->>'updated')::integer) FROM maintenance.tenant_runs"
    )
    assert [tuple(row) for row in await fetch(pool, counted)] == [(201, 201)]

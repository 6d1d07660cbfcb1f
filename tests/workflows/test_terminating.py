"""A tenant's run that somebody terminates: it is named, and what it left is done by the next cycle."""

import asyncio

from memory_maintenance.store.pool import execute, fetch, fetch_value, transaction
from tests.workflows.conftest import remember_session
from workflows.options import TASK_QUEUE

DECAYED = "SELECT count(decay_completed_as_of) FROM maintenance.tenants"
RUNS = "SELECT status, error_type FROM maintenance.tenant_runs"
SUMMARIES = "SELECT count(*) FROM memories WHERE source = 'summarization_worker'"


async def test_a_tenants_run_that_is_terminated_is_named_and_the_next_cycle_does_the_rest(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    async with working():
        async with transaction(pool) as db:  # acme waits at its summary
            await execute(db, "LOCK TABLE maintenance.lineage IN EXCLUSIVE MODE")
            night = await temporal.start_workflow(
                "MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE, result_type=dict
            )
            async with asyncio.timeout(60):
                while await fetch_value(pool, DECAYED) < 1:
                    await asyncio.sleep(0.02)
            await temporal.get_workflow_handle("tenant-maintenance/acme").terminate("by mistake")
            stats = await night.result()
        assert stats["failed_tenants"] == ["acme"]
        assert [tuple(row) for row in await fetch(pool, RUNS)] == [("failed", "TerminatedError")]
        again = await temporal.execute_workflow(
            "MaintenanceWorkflow", id="next", task_queue=TASK_QUEUE, result_type=dict
        )
    assert again["failed_tenants"] == []
    assert await fetch_value(pool, SUMMARIES) == 1

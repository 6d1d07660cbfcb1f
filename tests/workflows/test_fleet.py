"""Many tenants, many days."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client

from memory_maintenance.store.pool import Pool, execute, fetch_value, transaction
from memory_maintenance.tenants.control import pause, resume
from tests.visible import listed
from tests.workflows.conftest import Working
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE

SUGGESTED = 4096
"""Events after which the server suggests to continue as new."""

TENANTS = """
INSERT INTO memories (tenant_id, content, layer, importance, created_at, last_accessed_at)
SELECT 'tenant-' || lpad(n::text, 5, '0'), 'The blue tent leaks', 'episodic', 0.5, $2, $2
FROM generate_series(1, $1::int) AS n
"""


async def _cycle(client: Client, name: str, **request):
    return await client.execute_workflow(
        "MaintenanceWorkflow", MaintenanceRequest(**request), id=name, task_queue=TASK_QUEUE, result_type=dict
    )


async def _lengths(client: Client) -> list[int]:
    """Return the lengths of the histories, which the server's list has once all are closed."""
    closed = await listed(client, None, until=lambda found: found and all(run.close_time for run in found))
    return [run.history_length for run in closed]


async def _fleet(pool: Pool, tenants: int, *, with_work: int, as_of: datetime) -> None:
    await execute(pool, TENANTS, tenants, as_of - timedelta(days=1))
    done = "INSERT INTO maintenance.tenants (tenant_id, decay_completed_as_of) SELECT tenant_id, $1 FROM memories"
    await execute(pool, done, as_of)
    rest = "DELETE FROM maintenance.tenants WHERE tenant_id IN (SELECT tenant_id FROM memories LIMIT $1)"
    await execute(pool, rest, with_work)


@pytest.mark.parametrize(
    ("tenants", "with_work"),
    [
        pytest.param(1500, 30, id="1,500, most of them idle"),
        pytest.param(10_000, 500, id="10,000, most of them idle", marks=pytest.mark.slow),
        pytest.param(2_000, 2_000, id="2,000, all with work", marks=pytest.mark.slow),
    ],
)
async def test_a_fleet_goes_through_in_bounded_histories(temporal, pool, working, tenants, with_work):
    as_of = datetime.now(UTC)
    await _fleet(pool, tenants, with_work=with_work, as_of=as_of)
    async with working():
        stats = await _cycle(temporal, "fleet", as_of=as_of)
    assert stats["tenants"] == {
        "looked_at": tenants,
        "left_paused": 0,
        "with_work": with_work,
        "completed": with_work,
    }
    assert stats["decay"]["total_updated"] == with_work
    assert 0 < max(await _lengths(temporal)) < SUGGESTED


async def test_a_tenant_paused_for_a_month_catches_up_to_the_one_that_was_not(temporal, pool, working):
    start = datetime(2026, 1, 1, 2, tzinfo=UTC)
    insert = "INSERT INTO memories (tenant_id, content, importance, created_at, last_accessed_at) VALUES ($1, 'x', 0.9, $2, $2)"
    await pool.executemany(insert, [(tenant, start) for tenant in ("awake", "away")])
    async with working():
        await _cycle(temporal, "night-0", tasks=("decay",), as_of=start + timedelta(days=1))
        await pause(pool, "away", reason="a month off")
        for night in range(2, 31, 3):
            stats = await _cycle(temporal, f"night-{night}", tasks=("decay",), as_of=start + timedelta(days=night))
            assert (stats["decay"]["total_updated"], stats["tenants"]["left_paused"]) == (1, 1)
        await resume(pool, "away")
        await _cycle(temporal, "catching-up", tasks=("decay",), as_of=start + timedelta(days=31))
    assert await fetch_value(pool, "SELECT count(DISTINCT importance) FROM memories") == 1


async def test_a_page_that_is_lost_is_counted_and_named(temporal: Client, pool: Pool, working: Working):
    await execute(pool, TENANTS, 2, datetime.now(UTC) - timedelta(days=1))
    async with working():
        async with transaction(pool) as holding:
            # The tenants' decay waits for this transaction: their page is still running when it is lost.
            await execute(holding, "INSERT INTO maintenance.tenants (tenant_id) SELECT tenant_id FROM memories")
            run = await temporal.start_workflow(
                "MaintenanceWorkflow", id="cycle", task_queue=TASK_QUEUE, result_type=dict
            )
            await _until(temporal, "WorkflowId = 'tenant-maintenance/tenant-00002'", there=True)
            await temporal.get_workflow_handle("cycle/page-1").terminate("lost")
            stats = await run.result()
        await _until(temporal, "ExecutionStatus = 'Running'", there=False)
    assert stats["tenants"]["page_failed"] == 2
    assert stats["failed_tenants"] == ["tenant-00001", "tenant-00002"]


async def _until(client: Client, query: str, *, there: bool) -> None:
    async with asyncio.timeout(60):
        while bool([run async for run in client.list_workflows(query)]) is not there:
            await asyncio.sleep(0.05)

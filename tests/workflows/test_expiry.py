"""Expiry as part of a cycle: first in the order, counted and shown like every task."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from memory_maintenance.store.pool import fetch_row, fetch_value
from memory_maintenance.tenants.control import pause
from tests.expiry.conftest import remember
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE


async def test_a_cycle_archives_before_it_decays_and_leaves_a_paused_tenant_alone(temporal, pool, working):
    now = datetime.now(UTC)
    for tenant in ("acme", "globex"):
        for _ in range(3):
            await remember(pool, tenant, created_at=now - timedelta(days=9), expires_at=now - timedelta(hours=1))
        await remember(pool, tenant, created_at=now - timedelta(days=9))
    await pause(pool, "globex")

    async def run(**request):
        return await temporal.execute_workflow(
            "MaintenanceWorkflow",
            MaintenanceRequest(**request),
            id=f"run-{uuid4()}",
            task_queue=TASK_QUEUE,
            result_type=dict,
        )

    async with working(memory_expiry="archive"):
        foreseen = await run(dry_run=True)
        assert (foreseen["expiry"]["archived"], await fetch_value(pool, "SELECT count(*) FROM memories")) == (3, 8)
        stats = await run()
    assert (stats["expiry"]["archived"], stats["decay"]["total_updated"]) == (3, 1)
    assert await fetch_value(pool, "SELECT count(*) FROM memories WHERE tenant_id = 'globex'") == 4
    audit = await fetch_row(pool, "SELECT tenant_id, cycle_id::text FROM maintenance.expiry_batches")
    assert tuple(audit or ()) == ("acme", stats["cycle_id"])

"""Many tenants of one memory each, and a page of a large fleet by itself."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle

from memory_maintenance.cycles.record import open_cycle
from memory_maintenance.decay.task import Decay
from memory_maintenance.store.pool import Pool, execute
from memory_maintenance.summarization.task import Summarization
from memory_maintenance.work import Run, TenantPlan
from workflows.messages import CycleScope, PageRequest
from workflows.options import TASK_QUEUE
from workflows.page import MaintenancePageWorkflow

AS_OF: Final = datetime.now(UTC)

FLEET: Final = """
INSERT INTO memories (tenant_id, content, layer, importance, created_at, last_accessed_at)
SELECT 'tenant-' || lpad(n::text, 3, '0'), 'x', 'semantic', 0.5, $2, $2 FROM generate_series(1, $1::integer) AS n
"""


async def a_fleet(pool: Pool, tenants: int) -> list[str]:
    """Give each of so many *tenants* a memory that decays, and return their ids."""
    await execute(pool, FLEET, tenants, AS_OF - timedelta(days=9))
    return [f"tenant-{n:03}" for n in range(1, tenants + 1)]


def scope(**chosen: Any) -> CycleScope:
    """Return what a cycle of decay and summaries goes by, with what is *chosen* for its run."""
    deadline = chosen.pop("deadline", datetime.now(UTC) + timedelta(hours=1))
    tasks = (Decay.spec, Summarization.spec)
    return CycleScope(run=Run(cycle_id=uuid4(), as_of=AS_OF, **chosen), deadline=deadline, tasks=tasks)


def plan_of_one_step(tenant: str) -> TenantPlan:
    """Return the plan of a tenant with a small decay and a due session ``s1``, in a store without a model."""
    due = {"decay": ({},), "summarization": ({"project": "shop", "session_id": "s1"},)}
    return TenantPlan(tenant_id=tenant, units=dict.fromkeys(due, 1), due=due, one_step=True)


async def start_page(
    client: Client, pool: Pool, tenants: Sequence[str], *further: TenantPlan, **chosen: Any
) -> WorkflowHandle[Any, Any]:
    """Start a page of a large fleet, with decay as the only work of its *tenants*, and with *further* plans."""
    small = [TenantPlan(tenant_id=one, units={"decay": 1}, due={"decay": ({},)}, bulk=True) for one in tenants]
    plans, of_cycle = [*small, *further], scope(**chosen)
    await open_cycle(pool, of_cycle.run.cycle_id, kind="daily", as_of=AS_OF, config={})
    request = PageRequest(scope=of_cycle, page=1, plans=tuple(plans), bulk=True)
    return await client.start_workflow(MaintenancePageWorkflow.run, request, id="night/page-1", task_queue=TASK_QUEUE)

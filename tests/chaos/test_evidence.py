"""What the checks of chaos read from Temporal and from the store."""

from uuid import uuid4

import pytest
from temporalio.client import WorkflowFailureError

from chaos.evidence import RUNS, workflows
from memory_maintenance.store.pool import execute, fetch
from tests.agents import AS_OF, write
from tests.workflows.conftest import working
from workflows.options import TASK_QUEUE

__all__ = ["working"]


async def test_a_failed_cycle_is_found_with_the_reason_of_its_step(temporal, working):
    async with working():
        with pytest.raises(WorkflowFailureError):
            await temporal.execute_workflow(
                "MaintenanceWorkflow", {"tasks": ["decya"]}, id="cycle", task_queue=TASK_QUEUE
            )
    [closed] = await workflows(temporal)
    assert (closed.id, closed.type, closed.status) == ("cycle", "MaintenanceWorkflow", "FAILED")
    assert "no task 'decya'" in closed.why


@pytest.mark.parametrize(
    ("decay", "whole"),
    [
        ({"seen": 1, "busy": 0, "reasons": {}}, True),
        ({"seen": 1, "busy": 1, "reasons": {}}, False),
        ({"seen": 1, "busy": 0, "reasons": {"superseded": 1}}, False),
    ],
    ids=["it met every memory", "it left one that was locked", "a newer run took over"],
)
async def test_a_run_is_whole_only_where_it_met_every_memory(pool, decay, whole):
    await write(pool, "acme", ["a"])
    cycle = uuid4()
    await execute(
        pool,
        "INSERT INTO maintenance.cycles (cycle_id, kind, as_of, config, status) VALUES ($1, 'daily', $2, $3, 'completed')",
        cycle, AS_OF, {"tasks": ["decay"]},
    )  # fmt: skip
    await execute(
        pool,
        "INSERT INTO maintenance.tenant_runs (cycle_id, tenant_id, page, status, counts) VALUES ($1, 'acme', 1, 'completed', $2)",
        cycle, {"decay": decay},
    )  # fmt: skip
    assert [tuple(row) for row in await fetch(pool, RUNS)] == [("acme", AS_OF, whole)]

"""What Temporal says of a failed cycle: the reason of the step that failed, not that some step did."""

import pytest
from temporalio.client import WorkflowFailureError

from chaos.evidence import workflows
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

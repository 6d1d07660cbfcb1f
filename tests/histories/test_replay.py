"""Workflows that run while a new version is deployed go on: every history recorded here still replays."""

import json
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from runtime.workers import WORKFLOWS
from tests.large_fleet import a_fleet
from workflows.options import PAGE_SIZE, TASK_QUEUE

MOST_EVENTS = 2_000
"""Of a page: nine for each tenant's child, and some for the page."""

HISTORIES = sorted(Path(__file__).parent.glob("*.json"))
PATHS = {path.name.partition("--")[0] for path in HISTORIES}


def _history(path: Path) -> WorkflowHistory:
    started = json.loads(path.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], path.read_text())


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_run_replays(path):
    await Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter).replay_workflow(_history(path))


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [1, 50])
async def test_the_largest_page_replays_in_less_than_three_seconds(temporal, pool, working, at_once):
    # One at a time no two children end in the same workflow task: no page of 200 tenants has a longer history.
    await a_fleet(pool, PAGE_SIZE)
    async with working(maintenance_tenants_at_once=at_once):
        await temporal.execute_workflow("MaintenanceWorkflow", id="cycle", task_queue=TASK_QUEUE)
    history = await temporal.get_workflow_handle("cycle/page-1").fetch_history()
    assert len(history.events) < MOST_EVENTS
    took = []
    for _ in range(3):
        began = time.process_time()
        await Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter).replay_workflow(history)
        took.append(time.process_time() - began)
    assert min(took) < 3


def test_every_path_is_recorded():
    named = set(re.findall(r'keep\(\w+, "([a-z-]+)"\)', (Path(__file__).parent / "record.py").read_text()))
    assert named == PATHS


def test_no_history_names_a_machine():
    assert not [path.name for path in HISTORIES if "site-packages" in path.read_text()]


@workflow.defn(name="MaintenanceWorkflow")
class AnotherOrder:
    """A version that closes the cycle before it opens it."""

    @workflow.run
    async def run(self, _: dict[str, str] | None = None) -> None:
        await workflow.execute_activity("close_cycle", start_to_close_timeout=timedelta(seconds=1))


async def test_a_changed_order_of_commands_is_caught():
    replayer = Replayer(
        workflows=[AnotherOrder],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),  # pytest itself cannot be imported in the sandbox
    )
    recorded = next(path for path in HISTORIES if path.name == "daily--cycle.json")
    with pytest.raises(workflow.NondeterminismError):
        await replayer.replay_workflow(_history(recorded))

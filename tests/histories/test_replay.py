"""Workflows that run while a new version is deployed go on: every history recorded here still replays."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from runtime.workers import WORKFLOWS

HISTORIES = sorted(Path(__file__).parent.glob("*.json"))
PATHS = {path.name.partition("--")[0] for path in HISTORIES}


def _history(path: Path) -> WorkflowHistory:
    started = json.loads(path.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], path.read_text())


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_run_replays(path):
    await Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter).replay_workflow(_history(path))


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

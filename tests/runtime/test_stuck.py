"""Workflows that cannot end by themselves are named with the command that frees them, on a real server."""

import asyncio
import shlex
from contextlib import suppress
from datetime import timedelta

from prometheus_client import REGISTRY
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from embedded.temporal import temporal_program
from memory_maintenance.settings import Settings
from runtime import stuck
from runtime.health_checks import temporal_checks
from runtime.runs import start_run
from runtime.stuck import StuckWorkflow, reporting_late_workflows, stuck_workflows
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE

SETTINGS = Settings(_env_file=None)
OVER = SETTINGS.model_copy(update={"maintenance_daily_deadline_minutes": 0, "maintenance_hourly_deadline_minutes": 0})
"""By these every workflow is late at once."""


@workflow.defn(name="TenantMaintenanceWorkflow")
class DoesNotReplay:
    """What a build does to a history that it cannot replay: its workflow task fails, again and again."""

    @workflow.run
    async def run(self) -> None:
        raise RuntimeError("this build has other commands")


async def _found(client: Client, settings: Settings, why: str) -> StuckWorkflow:
    async with asyncio.timeout(60):
        while True:
            with suppress(ValueError):
                [one] = [found for found in await stuck_workflows(client, settings) if found.why == why]
                return one
            await asyncio.sleep(0.1)


async def _typed(command: str) -> None:
    """Run a command of ``temporal`` as an operator pastes it."""
    _, *words = shlex.split(command)
    process = await asyncio.create_subprocess_exec(temporal_program(), *words, stdout=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0


async def test_a_workflow_whose_tasks_keep_failing_is_named_with_the_command_that_frees_it(temporal):
    run = await temporal.start_workflow("TenantMaintenanceWorkflow", id="tenant-maintenance/o'hara", task_queue="q")
    runner = UnsandboxedWorkflowRunner()  # pytest itself cannot be imported in the sandbox
    async with Worker(temporal, task_queue="q", workflows=[DoesNotReplay], workflow_runner=runner):
        one = await _found(temporal, SETTINGS, "failing")
    assert one.workflow_id == "tenant-maintenance/o'hara"
    assert "workflow terminate" in one.command
    await _typed(one.command)
    assert (await run.describe()).status == WorkflowExecutionStatus.TERMINATED
    assert await stuck_workflows(temporal, SETTINGS) == []


async def test_a_workflow_older_than_its_deadline_is_named_by_doctor_and_counted(temporal, monkeypatch):
    monkeypatch.setattr(stuck, "SLACK", timedelta(0))
    run = await start_run(temporal, MaintenanceRequest())
    one = await _found(temporal, OVER, "late")
    assert (one.workflow_id, "workflow cancel" in one.command) == (run.id, True)
    address = temporal.service_client.config.target_host
    checks = await temporal_checks(address, OVER, embedded=False)
    assert [check.advice for check in checks if (check.name, check.level) == ("workflows", "failure")] == [one.command]
    with reporting_late_workflows(temporal, OVER):
        assert await asyncio.to_thread(REGISTRY.get_sample_value, "memory_maintenance_late_workflows") == 1
    with reporting_late_workflows(temporal, SETTINGS):
        assert await asyncio.to_thread(REGISTRY.get_sample_value, "memory_maintenance_late_workflows") == 0
    await _typed(one.command)


async def test_a_workflow_task_that_no_worker_takes_is_named_with_the_worker_to_start(temporal, monkeypatch):
    run = await temporal.start_workflow("MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE)
    assert await stuck_workflows(temporal, SETTINGS) == []
    monkeypatch.setattr(stuck, "UNANSWERED", timedelta(0))
    one = await _found(temporal, SETTINGS, "waiting")
    assert (one.workflow_id, one.command) == (run.id, "python worker.py")


async def test_a_server_that_does_not_answer_is_not_counted():
    with reporting_late_workflows(await Client.connect("127.0.0.1:1", lazy=True), SETTINGS):
        assert await asyncio.to_thread(REGISTRY.get_sample_value, "memory_maintenance_late_workflows") is None

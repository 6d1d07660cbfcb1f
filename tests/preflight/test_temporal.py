"""The preflight of a cycle under Temporal: part of its first activity, and a named failure where it stops the cycle."""

from uuid import uuid4

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError

from memory_maintenance.store.pool import execute, fetch_value
from tests.agents import talk, write
from tests.commands.conftest import Cli, cli, home, quiet_again
from tests.workflows.conftest import working
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE

__all__ = ["cli", "home", "quiet_again", "working"]

HIDE = 'ALTER TABLE memories RENAME TO "Memories"'


async def _run(client, *inputs):
    return await client.execute_workflow(
        "MaintenanceWorkflow", args=inputs, id=f"run-{uuid4()}", task_queue=TASK_QUEUE, result_type=dict
    )


async def test_a_warning_is_in_the_result_of_the_workflow(temporal, pool, working):
    await execute(pool, "ALTER TABLE memories ALTER tenant_id DROP NOT NULL")
    await execute(pool, "INSERT INTO memories (tenant_id, content) VALUES (NULL, 'a')")
    await write(pool, "acme", talk(3))
    async with working():
        stats = await _run(temporal)
    [finding] = stats["preflight"]
    assert (finding["check"], finding["found"]) == (
        "null_tenants",
        "1 memories have no tenant (tenant_id IS NULL): they are never maintained",
    )
    assert finding == await fetch_value(pool, "SELECT findings->0 FROM maintenance.cycles")


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_stop_fails_the_workflow_once_with_its_reason(temporal, pool, working, dry_run):
    await execute(pool, HIDE)
    async with working():
        with pytest.raises(WorkflowFailureError) as failed:
            await _run(temporal, MaintenanceRequest(dry_run=dry_run))
    step = failed.value.cause
    assert isinstance(step, ActivityError)
    error = step.cause
    assert isinstance(error, ApplicationError)
    assert (error.type, error.non_retryable, list(error.details)) == ("PreflightError", True, ["memories_elsewhere"])
    recorded = await fetch_value(pool, "SELECT count(*) FROM maintenance.cycles WHERE status = 'failed'")
    assert recorded == (0 if dry_run else 1)


async def test_a_stop_ends_the_command_with_status_1_and_is_shown_by_those_that_look(temporal, pool, working, cli: Cli):
    await execute(pool, HIDE)
    server = {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host, "RAE_LLM_BACKEND": "extractive"}
    async with working():
        told = await cli("run", "daily", **server)
    found = 'memories_elsewhere: the search_path ("$user", public) leads to no table memories'
    assert (told.exit_code, f"the run failed: {found}" in told.stderr) == (1, True)
    shown = (await cli("cycles", "show", **server)).stdout
    assert f"preflight, stop: {found}" in shown
    assert "The cycle failed as a whole: PreflightError: memories_elsewhere" in shown
    assert "→ starter.py doctor" in shown


async def test_a_warning_is_shown_by_run_cycles_and_status(temporal, working, cli: Cli):
    server = {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host, "RAE_LLM_BACKEND": "extractive"}
    async with working():
        told = await cli("run", "daily", **server)
    found = "warning: empty_store: memories in schema public of database"
    assert (told.exit_code, f"preflight, {found}" in told.stderr) == (0, True)
    assert f"preflight, {found}" in (await cli("cycles", "show", **server)).stdout
    assert f"preflight of the last daily run, {found}" in (await cli("status", **server)).stdout

"""Worker versioning on a real server, by the commands of the runbook."""

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from embedded.temporal import temporal_program
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, transaction
from runtime.workers import polling
from tests.workflows.conftest import remember_session
from workflows.options import TASK_QUEUE

DEPLOYMENT = "memory-maintenance"


async def _worker(temporal: Client, pool: Pool, build: str) -> AbstractAsyncContextManager[None]:
    """A worker of *build*, with a connection of its own: one takes no two workers of a queue."""
    settings = Settings(
        _env_file=None,
        rae_llm_backend="extractive",
        temporal_worker_deployment_name=DEPLOYMENT,
        temporal_worker_build_id=build,
    )
    address = temporal.service_client.config.target_host
    return polling(await Client.connect(address, data_converter=pydantic_data_converter), settings, pool)


async def _make_current(temporal: Client, build: str) -> None:
    """As an operator does: again until the server has seen the build's workers."""
    address = temporal.service_client.config.target_host
    command = (
        *("worker", "deployment", "set-current-version", "--deployment-name", DEPLOYMENT, "--build-id", build),
        *("--yes", "--address", address),
    )
    async with asyncio.timeout(20):
        while await _status(*command) != 0:
            await asyncio.sleep(0.1)


async def _status(*arguments: str) -> int:
    quiet = asyncio.subprocess.DEVNULL
    return await (
        await asyncio.create_subprocess_exec(temporal_program(), *arguments, stdout=quiet, stderr=quiet)
    ).wait()


async def _builds(temporal: Client, workflow_id: str) -> set[str]:
    """The builds that worked on the workflow."""
    history = await temporal.get_workflow_handle(workflow_id).fetch_history()
    done = [event.workflow_task_completed_event_attributes for event in history.events]
    return {each.deployment_version.build_id for each in done if each.deployment_version.build_id}


async def test_a_run_ends_on_the_build_it_started_on_and_the_next_one_starts_on_the_new(temporal, pool):
    await remember_session(pool, "acme", events=12)
    async with await _worker(temporal, pool, "1.0"), await _worker(temporal, pool, "2.0"):
        await _make_current(temporal, "1.0")
        async with transaction(pool) as db:  # the first step waits for this lock
            await execute(db, "LOCK TABLE maintenance.cycles IN ACCESS EXCLUSIVE MODE")
            old = await temporal.start_workflow("MaintenanceWorkflow", id="old", task_queue=TASK_QUEUE)
            async with asyncio.timeout(20):
                while await _builds(temporal, "old") != {"1.0"}:
                    await asyncio.sleep(0.02)
            await _make_current(temporal, "2.0")
        await old.result()
        of_the_old = [await _builds(temporal, each) for each in ("old", "old/page-1", "tenant-maintenance/acme")]
        assert of_the_old == [{"1.0"}] * 3
        await temporal.execute_workflow("MaintenanceWorkflow", id="new", task_queue=TASK_QUEUE)
        assert await _builds(temporal, "new") == {"2.0"}


async def test_a_build_that_nobody_made_current_gets_no_work(temporal, pool):
    async with await _worker(temporal, pool, "1.0"):
        waiting = await temporal.start_workflow("MaintenanceWorkflow", id="waiting", task_queue=TASK_QUEUE)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting.result(), 1)
        await _make_current(temporal, "1.0")
        assert (await waiting.result())["failed_tenants"] == []

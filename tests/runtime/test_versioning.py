"""Worker versioning on a real server, by the commands of the runbook."""

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest
from temporalio import workflow
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.workflowservice.v1 import DescribeWorkerDeploymentVersionRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from embedded.temporal import temporal_program
from memory_maintenance.errors import NoWorkerOfBuildError, SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch_value, transaction
from runtime.deployment import set_current_version
from runtime.workers import polling
from tests.runtime.changed_workflows import CHANGED
from tests.workflows.conftest import remember_session
from workflows.options import MODEL_TASK_QUEUE, TASK_QUEUE

DEPLOYMENT = "memory-maintenance"
DECAYED = "SELECT count(decay_completed_as_of) FROM maintenance.tenants"


def _settings(build: str) -> Settings:
    return Settings(
        _env_file=None,
        rae_llm_backend="extractive",
        temporal_worker_deployment_name=DEPLOYMENT,
        temporal_worker_build_id=build,
    )


async def _worker(temporal: Client, pool: Pool, build: str) -> AbstractAsyncContextManager[None]:
    """A worker of *build*, with a connection of its own: one takes no two workers of a queue."""
    address = temporal.service_client.config.target_host
    return polling(await Client.connect(address, data_converter=pydantic_data_converter), _settings(build), pool)


async def _make_current(temporal: Client, build: str) -> None:
    """As an operator does: again until the server has seen the build's workers."""
    address = temporal.service_client.config.target_host
    command = (
        *("worker", "deployment", "set-current-version", "--deployment-name", DEPLOYMENT, "--build-id", build),
        *("--yes", "--address", address),
    )
    async with asyncio.timeout(60):
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
            async with asyncio.timeout(60):
                while await _builds(temporal, "old") != {"1.0"}:
                    await asyncio.sleep(0.02)
            await _make_current(temporal, "2.0")
        await old.result()
        of_the_old = [await _builds(temporal, each) for each in ("old", "old/page-1", "tenant-maintenance/acme")]
        assert of_the_old == [{"1.0"}] * 3
        await temporal.execute_workflow("MaintenanceWorkflow", id="new", task_queue=TASK_QUEUE)
        assert await _builds(temporal, "new") == {"2.0"}


async def test_whoever_scales_the_workers_of_a_build_learns_what_waits_for_it(temporal: Client, pool: Pool):
    async with await _worker(temporal, pool, "1.0"):
        await _make_current(temporal, "1.0")
    waiting = await temporal.start_workflow("MaintenanceWorkflow", id="waiting", task_queue=TASK_QUEUE)
    workflows, steps = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    # The queues and kinds of tasks that the Helm chart's ScaledObjects name.
    expected = {(TASK_QUEUE, workflows): 1, (TASK_QUEUE, steps): 0, (MODEL_TASK_QUEUE, steps): 0}
    async with asyncio.timeout(60):
        while {
            queue: size for queue, size in (await _backlog(temporal, "1.0")).items() if queue in expected
        } != expected:
            await asyncio.sleep(0.1)
    await waiting.terminate()


async def _backlog(temporal: Client, build: str) -> dict[tuple[str, int], int]:
    """What waits for a build, by task queue and kind of task: the question that KEDA asks."""
    answer = await temporal.workflow_service.describe_worker_deployment_version(
        DescribeWorkerDeploymentVersionRequest(
            namespace=temporal.namespace,
            deployment_version=WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=build),
            report_task_queue_stats=True,
        )
    )
    return {(each.name, each.type): each.stats.approximate_backlog_count for each in answer.version_task_queues}


async def test_a_build_that_does_not_replay_is_deployed_in_the_middle_of_a_cycle_and_nothing_is_lost(
    temporal: Client, pool: Pool, monkeypatch: pytest.MonkeyPatch
):
    await remember_session(pool, "acme", events=12)
    await remember_session(pool, "bolt", events=12)
    async with await _worker(temporal, pool, "1.0"):
        await _make_current(temporal, "1.0")
        monkeypatch.setattr("runtime.workers.WORKFLOWS", CHANGED)
        async with await _worker(temporal, pool, "2.0"):
            async with transaction(pool) as db:  # both tenants wait for this lock at their summaries
                await execute(db, "LOCK TABLE maintenance.lineage IN EXCLUSIVE MODE")
                old = await temporal.start_workflow("MaintenanceWorkflow", id="old", task_queue=TASK_QUEUE)
                async with asyncio.timeout(60):
                    while await fetch_value(pool, DECAYED) < 2:
                        await asyncio.sleep(0.02)
                await _make_current(temporal, "2.0")
            stats = await old.result()
            history = await old.fetch_history()
            assert await _activities(temporal, "old") == ["open_cycle", "plan_page", "close_cycle"]
            await temporal.execute_workflow("MaintenanceWorkflow", id="new", task_queue=TASK_QUEUE)
            assert (await _activities(temporal, "new"))[:2] == ["foresee_costs", "open_cycle"]
    assert (stats["tenants"]["completed"], stats["failed_tenants"], stats["decay"]["total_updated"]) == (2, [], 24)
    summaries = "SELECT count(*) FROM memories WHERE source = 'summarization_worker'"
    assert await fetch_value(pool, summaries) == 2
    with pytest.raises(workflow.NondeterminismError):  # so the change is one that would have broken the cycle
        await Replayer(workflows=CHANGED, data_converter=pydantic_data_converter).replay_workflow(history)


async def _activities(temporal: Client, workflow_id: str) -> list[str]:
    """The activities of a workflow, in the order in which they were scheduled."""
    history = await temporal.get_workflow_handle(workflow_id).fetch_history()
    scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
    return [each.activity_type.name for each in scheduled if each.activity_type.name]


async def test_set_current_version_waits_for_the_builds_workers_and_says_which_was_current(temporal, pool):
    first, second = _settings("1.0"), _settings("2.0")
    with pytest.raises(NoWorkerOfBuildError):
        await set_current_version(temporal, first, patience_seconds=0)
    waiting = asyncio.create_task(set_current_version(temporal, first, patience_seconds=30))
    async with await _worker(temporal, pool, "1.0"):
        assert await waiting is None
        assert await set_current_version(temporal, first, patience_seconds=30) == "1.0"
        async with await _worker(temporal, pool, "2.0"):
            assert await set_current_version(temporal, second, patience_seconds=30) == "1.0"
    with pytest.raises(SettingsError, match="TEMPORAL_WORKER_BUILD_ID"):
        await set_current_version(temporal, Settings(_env_file=None), patience_seconds=0)


async def test_a_build_that_is_not_current_gets_no_work(temporal, pool):
    async with await _worker(temporal, pool, "1.0"):
        waiting = await temporal.start_workflow("MaintenanceWorkflow", id="waiting", task_queue=TASK_QUEUE)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting.result(), 1)
        await _make_current(temporal, "1.0")
        assert (await waiting.result())["failed_tenants"] == []

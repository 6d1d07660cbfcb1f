"""Workflows that cannot end by themselves: older than any deadline, or with workflow tasks that keep failing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import PendingWorkflowTaskState
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import (
    CountWorkflowExecutionsRequest,
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from memory_maintenance.observability.store_metrics import registered
from memory_maintenance.settings import Settings
from runtime.client import ANSWER_TIMEOUT
from runtime.temporal_command import temporal_command

Why = Literal["late", "failing", "waiting"]

RUNNING: Final = (
    "WorkflowType IN ('MaintenanceWorkflow', 'MaintenancePageWorkflow', 'TenantMaintenanceWorkflow') "
    "AND ExecutionStatus = 'Running'"
)
SLACK: Final = timedelta(minutes=30)
"""After its deadline a run still ends what it has begun; one step that asks a model takes this long at most."""

FAILING_ATTEMPTS: Final = 3
"""Of one workflow task: a restarted worker costs one attempt, a lost one a second."""

UNANSWERED: Final = timedelta(minutes=5)
"""After this long without a worker that takes it, a workflow task waits for one that is not there."""

ASKED_AT_MOST: Final = 500
_ASKED_AT_ONCE: Final = 20
_WAITS: Final = PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED


@dataclass(frozen=True, slots=True)
class StuckWorkflow:
    """A workflow that an operator has to free, and how."""

    workflow_id: str
    started_at: datetime
    why: Why
    found: str
    command: str


async def stuck_workflows(client: Client, settings: Settings) -> list[StuckWorkflow]:
    """Return the workflows of this application that are stuck, the oldest first.

    Asked are the ``ASKED_AT_MOST`` that started last; those that are late are found however many run.
    """
    now = datetime.now(UTC)
    late_before = _late_before(settings, now)
    newest = await _listed(client, RUNNING)
    late = await _listed(client, f"{RUNNING} AND StartTime < '{late_before.isoformat()}'")
    running = {info.execution.run_id: info for info in (*newest, *late)}
    slots = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def asked(info: WorkflowExecutionInfo) -> StuckWorkflow | None:
        async with slots:
            return await _verdict(client, info, now=now, late_before=late_before)

    found = await asyncio.gather(*map(asked, running.values()))
    return sorted((one for one in found if one), key=lambda one: (one.started_at, one.workflow_id))


def _late_before(settings: Settings, now: datetime) -> datetime:
    minutes = max(settings.deadline_minutes(daily=daily) for daily in (True, False))
    return now - timedelta(minutes=minutes) - SLACK


async def _listed(client: Client, query: str) -> list[WorkflowExecutionInfo]:
    found = await client.workflow_service.list_workflow_executions(
        ListWorkflowExecutionsRequest(namespace=client.namespace, query=query, page_size=ASKED_AT_MOST),
        timeout=ANSWER_TIMEOUT,
    )
    return list(found.executions)


async def _verdict(
    client: Client, info: WorkflowExecutionInfo, *, now: datetime, late_before: datetime
) -> StuckWorkflow | None:
    execution = WorkflowExecution(workflow_id=info.execution.workflow_id, run_id=info.execution.run_id)
    try:
        described = await client.workflow_service.describe_workflow_execution(
            DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=execution), timeout=ANSWER_TIMEOUT
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    if described.workflow_execution_info.HasField("close_time"):
        return None
    started = info.start_time.ToDatetime(UTC)
    if (problem := _problem(described, now)) is not None:
        why, found = problem
    elif started < late_before:
        why, found = "late", "has not ended by its deadline"
    else:
        return None
    address, workflow_id = client.service_client.config.target_host, info.execution.workflow_id
    command = _freeing(why, described, address, client.namespace, workflow_id)
    return StuckWorkflow(workflow_id, started, why, found, command)


def _problem(described: DescribeWorkflowExecutionResponse, now: datetime) -> tuple[Why, str] | None:
    """Return what is wrong with the workflow task that is pending, if one is."""
    if not described.HasField("pending_workflow_task"):
        return None
    task = described.pending_workflow_task
    if task.attempt >= FAILING_ATTEMPTS:
        return "failing", f"its workflow task fails or times out, attempt {task.attempt}: see the worker's log"
    if task.state == _WAITS and now - task.scheduled_time.ToDatetime(UTC) > UNANSWERED:
        build = described.workflow_execution_info.versioning_info.deployment_version.build_id
        return "waiting", f"no worker{f' of build {build}' if build else ''} takes its workflow task"
    return None


def _freeing(
    why: Why, described: DescribeWorkflowExecutionResponse, address: str, namespace: str, workflow_id: str
) -> str:
    if why == "waiting":
        build = described.workflow_execution_info.versioning_info.deployment_version.build_id
        return f"TEMPORAL_WORKER_BUILD_ID={build} python worker.py" if build else "python worker.py"
    if why == "late":
        return temporal_command(address, namespace, "workflow", "cancel", "--workflow-id", workflow_id)
    # A cancel would need a workflow task that succeeds. What is in the store stays, and the next cycle goes on from it.
    return temporal_command(address, namespace, "workflow", "terminate", "--workflow-id", workflow_id)


@dataclass(frozen=True, eq=False)
class LateWorkflows(Collector):
    """A gauge of the workflows that are older than any deadline, asked of the server at each scrape."""

    client: Client
    settings: Settings
    loop: asyncio.AbstractEventLoop

    def describe(self) -> list[Metric]:
        """Return nothing: else registering would ask the server, from the loop that has to answer."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the gauge; nothing where the server does not answer."""
        if self.loop.is_closed():
            return
        asked = asyncio.run_coroutine_threadsafe(self._count(), self.loop)
        try:
            late = asked.result(ANSWER_TIMEOUT.total_seconds())
        except Exception:  # noqa: BLE001  whatever it is: the server has no answer, and a scrape must have one
            asked.cancel()
            return
        yield GaugeMetricFamily(
            "memory_maintenance_late_workflows", "Workflows that have not ended by their deadline", value=late
        )

    async def _count(self) -> int:
        before = _late_before(self.settings, datetime.now(UTC))
        found = await self.client.workflow_service.count_workflow_executions(
            CountWorkflowExecutionsRequest(
                namespace=self.client.namespace, query=f"{RUNNING} AND StartTime < '{before.isoformat()}'"
            ),
            timeout=ANSWER_TIMEOUT,
        )
        return found.count


@contextmanager
def reporting_late_workflows(client: Client, settings: Settings) -> Iterator[None]:
    """Let scrapes of this process count late workflows meanwhile; to be entered in the client's loop."""
    with registered(LateWorkflows(client, settings, asyncio.get_running_loop())):
        yield

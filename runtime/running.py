"""What runs now, by the server's own list: cycles with their totals so far, tenants with their stage.

Cycles that run are also where a tenant is cancelled that has no run of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import CountWorkflowExecutionsRequest, ListWorkflowExecutionsRequest
from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError

from memory_maintenance.cycles.outcomes import CycleTotals
from runtime.pollers import last_polled
from runtime.runs import DRY_RUN, progress_of
from workflows.options import TASK_QUEUE
from workflows.page import TENANT_MEMO, tenant_workflow_id
from workflows.tenant import TenantMaintenanceWorkflow

_RUNS: Final = "WorkflowType = 'MaintenanceWorkflow' AND ExecutionStatus = 'Running'"
_TENANTS: Final = "WorkflowType = 'TenantMaintenanceWorkflow' AND ExecutionStatus = 'Running'"
_TENANT_PREFIX: Final = tenant_workflow_id("")

_PATIENCE: Final = timedelta(seconds=2)
ASKED_AT_MOST: Final = 20
"""Tenants that are asked for their stage; the others are counted."""


@dataclass(frozen=True, slots=True)
class RunningCycle:
    """A cycle that goes on; ``totals`` None: no worker answered the query; see ``Running.polled_at``."""

    workflow_id: str
    cycle_id: UUID
    started_at: datetime
    totals: CycleTotals | None


@dataclass(frozen=True, slots=True)
class RunningTenant:
    """A tenant that is worked on; ``stage`` None: no worker answered the query."""

    tenant_id: str
    started_at: datetime
    stage: str | None


@dataclass(frozen=True, slots=True)
class Running:
    """Everything that runs. ``tenant_count`` counts also those that are not named."""

    cycles: tuple[RunningCycle, ...]
    tenants: tuple[RunningTenant, ...]
    tenant_count: int
    polled_at: datetime | None = None
    """When a worker last polled for workflows; None: none has for five minutes."""


async def what_runs(client: Client) -> Running:
    """Return the cycles and tenants that run now."""
    cycles = [await _cycle(client, info) for info in await _listed(client, _RUNS)]
    tenants = await asyncio.gather(*(_tenant(client, info) for info in await _listed(client, _TENANTS, ASKED_AT_MOST)))
    counted = await client.workflow_service.count_workflow_executions(
        CountWorkflowExecutionsRequest(namespace=client.namespace, query=_TENANTS)
    )
    polled_at = await last_polled(client, TASK_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
    return Running(tuple(cycles), tuple(tenants), max(counted.count, len(tenants)), polled_at)


async def left_running(client: Client, cycles: Iterable[UUID]) -> set[UUID]:
    """Return those of *cycles* whose workflow the server knows and which goes on no longer.

    A cycle that Temporal never knew runs without it (``python -m memory_maintenance``): its state is not known here.
    """
    wanted = list(cycles)
    if not wanted:
        return set()
    going_on = {UUID(info.first_run_id or info.execution.run_id) for info in await _listed(client, _RUNS)}
    silent = [cycle for cycle in wanted if cycle not in going_on]
    known = await asyncio.gather(*(_listed(client, f"RunId = '{cycle}'", 1) for cycle in silent))
    return {cycle for cycle, found in zip(silent, known, strict=True) if found and found[0].HasField("close_time")}


async def cancel_in_cycles(client: Client, tenant_id: str, order: Mapping[str, Any]) -> int:
    """Have every running cycle begin nothing more for a tenant; return how many took the order.

    *order* says who gives it and why, as the signal ``cancel_tenant`` takes them.
    """
    cycles = [info.execution.workflow_id for info in await _listed(client, _RUNS)]
    reached = 0
    for cycle in cycles:
        if DRY_RUN not in cycle:
            with suppress(RPCError):  # it ended meanwhile
                await client.get_workflow_handle(cycle).signal("cancel_tenant", {**order, "tenant_id": tenant_id})
                reached += 1
    return reached


async def _listed(client: Client, query: str, most: int = 100) -> Sequence[WorkflowExecutionInfo]:
    # Not the SDK's own listing: one natively paused workflow among the results makes it raise.
    found = await client.workflow_service.list_workflow_executions(
        ListWorkflowExecutionsRequest(namespace=client.namespace, query=query, page_size=most)
    )
    return found.executions


async def _cycle(client: Client, info: WorkflowExecutionInfo) -> RunningCycle:
    handle: WorkflowHandle[Any, dict[str, Any]] = client.get_workflow_handle(info.execution.workflow_id)
    try:
        totals = (await progress_of(client, handle)).totals
    except (RPCError, TimeoutError, WorkflowQueryFailedError):
        totals = None
    first = info.first_run_id or info.execution.run_id
    return RunningCycle(info.execution.workflow_id, UUID(first), _started(info), totals)


async def _tenant(client: Client, info: WorkflowExecutionInfo) -> RunningTenant:
    handle = client.get_workflow_handle(info.execution.workflow_id)
    try:
        stage = await handle.query(TenantMaintenanceWorkflow.status, rpc_timeout=_PATIENCE)
    except (RPCError, TimeoutError):
        stage = None
    return RunningTenant(await _tenant_id(client, info), _started(info), stage)


async def _tenant_id(client: Client, info: WorkflowExecutionInfo) -> str:
    """Return whose run it is: a long id is in its memo."""
    kept = info.memo.fields.get(TENANT_MEMO)
    if kept is None:
        return info.execution.workflow_id.removeprefix(_TENANT_PREFIX)
    [tenant_id] = await client.data_converter.decode([kept], [str])
    return str(tenant_id)


def _started(info: WorkflowExecutionInfo) -> datetime:
    return info.start_time.ToDatetime(UTC)

"""Starting a maintenance run and following it to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError

from memory_maintenance.cycles.outcomes import CycleTotals
from memory_maintenance.errors import NoWorkerError
from runtime.pollers import is_polled
from workflows.maintenance import MaintenanceWorkflow
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE
from workflows.page import MaintenancePageWorkflow

Run = WorkflowHandle[Any, dict[str, Any]]

DRY_RUN = "-dry-run-"
"""A part of the workflow id of every dry run, and of no other."""

HOW_TO_ORDER = (
    "Updates and signals, with a tenant's id: `pause_tenant`, `resume_tenant`, `cancel_tenant`. "
    "Queries: `status`, `progress`."
)
"""Shown in the Web UI beside a cycle."""

_POLL_SECONDS = 5.0
"""Each look costs a query of the root and one of each page that runs, and queries are Actions."""
_QUERY_PATIENCE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: what it did, and how many tenants in running pages are not done."""

    totals: CycleTotals
    waiting: int

    @property
    def tenants_behind(self) -> int:
        """Return how many of the fleet's tenants the run has behind it, those without work among them."""
        return self.totals.looked_at - self.waiting


async def start_run(client: Client, request: MaintenanceRequest) -> Run:
    """Start one maintenance run; a dry run is recognized by its id."""
    what = f"{request.kind} dry run" if request.dry_run else f"{request.kind} maintenance"
    return await client.start_workflow(
        MaintenanceWorkflow.run,
        request,
        id=f"memory-maintenance-{request.kind}{DRY_RUN if request.dry_run else '-'}{uuid4()}",
        task_queue=TASK_QUEUE,
        static_summary=f"{what}, started by hand",
        static_details=HOW_TO_ORDER,
    )


async def follow(client: Client, run: Run, report: Callable[[Progress], object]) -> dict[str, Any]:
    """Return the run's statistics; call *report* with how far it is, every five seconds.

    Raises:
        WorkflowFailureError: the run failed, was cancelled or terminated.
    """
    result, planned = asyncio.create_task(run.result()), dict[str, int]()
    try:
        while not result.done():
            await asyncio.wait({result}, timeout=_POLL_SECONDS)
            if not result.done():
                # A busy or missing worker does not answer queries; the result will tell.
                with suppress(RPCError, TimeoutError, WorkflowQueryFailedError):
                    report(await progress_of(client, run, planned))
        return result.result()
    finally:
        result.cancel()


async def progress_of(client: Client, run: Run, planned: dict[str, int] | None = None) -> Progress:
    """Return how far a run is: its finished pages, and the tenants that are done in those that run.

    *planned* keeps between calls how many tenants a page has, by its id.
    """
    planned = {} if planned is None else planned
    total, waiting = await run.query(MaintenanceWorkflow.progress, rpc_timeout=_QUERY_PATIENCE), 0
    for page_id in await run.query(MaintenanceWorkflow.running_pages, rpc_timeout=_QUERY_PATIENCE):
        page = client.get_workflow_handle_for(MaintenancePageWorkflow.run, page_id)
        done = await page.query(MaintenancePageWorkflow.progress, rpc_timeout=_QUERY_PATIENCE)
        total = total.plus(done)
        if page_id not in planned:
            planned[page_id] = await page.query(MaintenancePageWorkflow.planned, rpc_timeout=_QUERY_PATIENCE)
        waiting += planned[page_id] - done.tenants
    return Progress(total, waiting)


async def ensure_worker(client: Client) -> None:
    """Raise NoWorkerError where no worker polls for workflows."""
    if not await is_polled(client, TASK_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW):
        raise NoWorkerError(TASK_QUEUE)

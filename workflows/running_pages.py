"""The pages of a cycle that run now: each a child workflow, started, awaited, signalled and stopped."""

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome
    from workflows.messages import PageRequest
    from workflows.options import ALREADY_RUNNING, PATIENCE, within
    from workflows.page import MaintenancePageWorkflow
    from workflows.search_attributes import of_page
    from workflows.waiting import child_result


class RunningPages:
    """Starts pages as they are planned and hands what each came to to *note*."""

    def __init__(self, note: Callable[[CycleTotals], None]) -> None:
        self._note = note
        self._running: dict[int, asyncio.Task[None]] = {}
        self._stopping = False

    def __len__(self) -> int:
        """Return how many run."""
        return len(self._running)

    @property
    def ids(self) -> list[str]:
        """Return the workflow ids of those that run."""
        return [_page_id(page) for page in self._running]

    def start(self, request: PageRequest) -> None:
        """Start a page."""
        self._running[request.page] = asyncio.create_task(self._run(request))

    async def until(self, *, at_most: int) -> None:
        """Wait until no more than *at_most* run."""
        await workflow.wait_condition(lambda: len(self._running) <= at_most)

    async def stop(self) -> None:
        """Cancel the pages that run and wait until they have recorded what they did.

        Temporal cancels the main coroutine only: tasks of our own are ours to cancel.
        """
        self._stopping = True
        running = list(self._running.values())
        for page in running:
            page.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def cancel_tenant(self, tenant_id: str) -> None:
        """Tell the pages not to start a tenant."""
        for page_id in self.ids:
            await signal(page_id, "cancel_tenant", tenant_id)

    async def _run(self, request: PageRequest) -> None:
        try:
            done = await self._child(request)
        except FailureError as error:  # terminated, or its id is still taken by a page of a root that was
            if is_cancelled_exception(error) and (self._stopping or workflow.cancellation_reason() is not None):
                raise
            done = _lost(request)
        del self._running[request.page]
        self._note(done)

    async def _child(self, request: PageRequest, *, looks: int = 10) -> CycleTotals:
        """Run a page. One of the same id ends soon where a root was reset or terminated: it is waited for."""
        scope, page = request.scope, request.page
        try:
            starting = workflow.start_child_workflow(
                MaintenancePageWorkflow.run,
                request,
                id=_page_id(page),
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                execution_timeout=within(scope.deadline, 2 * PATIENCE),
                static_summary=f"page {page}, {len(request.plans)} tenants",
                search_attributes=of_page(scope.run.cycle_id) if scope.search_attributes else None,
            )
            return await child_result(starting)
        except WorkflowAlreadyStartedError:
            if not looks:
                raise
            await workflow.sleep(ALREADY_RUNNING)
            return await self._child(request, looks=looks - 1)


def _page_id(page: int) -> str:
    return f"{workflow.info().workflow_id}/page-{page}"


def _lost(request: PageRequest) -> CycleTotals:
    lost = [TenantOutcome(tenant_id=plan.tenant_id, status="page_failed") for plan in request.plans]
    return CycleTotals().with_outcomes(lost, dry_run=request.scope.run.dry_run)


async def signal(workflow_id: str, name: str, argument: Any) -> None:
    """Send a signal, or log that no workflow is there to receive it."""
    try:
        await workflow.get_external_workflow_handle(workflow_id).signal(name, argument)
    except FailureError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.info("%s was not running", workflow_id)  # it never started, or has ended

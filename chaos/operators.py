"""Operators: they pause, resume and cancel tenants in every way there is, and start and cancel cycles."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from chaos.cycles import Cycles
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.control import all_tenants, pause, resume
from workflows.page import tenant_workflow_id

ODD: Final[Sequence[Sequence[Any]]] = ((), (7,), ([],), ({"tenant_id": 5},), ("x", "y", "z"), ({"until": "soon"},))
"""Inputs that no handler is made for."""

TENANTS_THAT_RUN: Final = "WorkflowType = 'TenantMaintenanceWorkflow' AND ExecutionStatus = 'Running'"

TASK_COMPLETED: Final = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED

CYCLE_CANCELLED: Final = "cancel_cycle"


@dataclass(slots=True)
class Operators:
    """What people do to tenants and cycles while all goes on. Every method may meet a server that is away."""

    pool: Pool
    client: Client
    cycles: Cycles
    tenants: Sequence[str]
    choice: random.Random
    terminations: int = 0
    """Runs of tenants that were, or may have been, terminated; a reset also terminates one."""

    def orders(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Return what they can do, by name."""
        return {
            "pause": self.pause,
            "resume": self.resume,
            "cancel": self.cancel,
            "odd_signal": self.odd_signal,
            "second_cycle": self.second_cycle,
            CYCLE_CANCELLED: self.cancel_cycle,
            "terminate": self.terminate,
            "reset": self.reset,
        }

    async def pause(self) -> None:
        """Pause a few tenants: by row and signal as the command does, by the tenant's signal, or by the root's."""
        for tenant in self._some():
            match self.choice.randrange(3):
                case 0:
                    await pause(self.pool, tenant, by="chaos", reason="row first")
                    await self._signal(tenant_workflow_id(tenant), "pause", {"by": "chaos"})
                case 1:
                    await self._signal(tenant_workflow_id(tenant), "pause")
                case _:
                    await self._signal(self._cycle(), "pause_tenant", {"tenant_id": tenant, "by": "chaos"})

    async def resume(self) -> None:
        """Resume a few of those that are paused; they start at once, or in the running cycle."""
        paused = [control.tenant_id for control in await all_tenants(self.pool) if control.paused]
        for tenant in self.choice.sample(paused, min(len(paused), 3)):
            if self.choice.random() < 0.3:  # noqa: PLR2004
                await self._signal(self._cycle(), "resume_tenant", tenant)
                continue
            await resume(self.pool, tenant)
            await self._signal(tenant_workflow_id(tenant), "resume", {"by": "chaos"})
            await self.cycles.start(tenants=[tenant])

    async def cancel(self) -> None:
        """Cancel a few tenants' runs: by their signal, by the root's, or natively."""
        for tenant in self._some():
            match self.choice.randrange(3):
                case 0:
                    await self._signal(tenant_workflow_id(tenant), "cancel")
                case 1:
                    await self._signal(self._cycle(), "cancel_tenant", tenant)
                case _:
                    await self._cancel_natively(tenant_workflow_id(tenant))

    async def odd_signal(self) -> None:
        """Send signals of unexpected shapes."""
        for tenant in self._some():
            order = self.choice.choice(("pause", "resume", "cancel"))
            target, signal = self.choice.choice(
                ((tenant_workflow_id(tenant), order), (self._cycle(), f"{order}_tenant"))
            )
            await self._signal(target, signal, *self.choice.choice(ODD))

    async def second_cycle(self) -> None:
        """Start a cycle beside the one that runs."""
        await self.cycles.start(kind=self.choice.choice(("daily", "daily", "hourly")))

    async def cancel_cycle(self) -> None:
        """Cancel a whole cycle, as the Web UI does."""
        await self._cancel_natively(self._cycle())

    async def terminate(self) -> None:
        """Terminate a few of the tenants' runs that run now, which lets them tidy up nothing.

        Raises:
            TimeoutError: no run was found for some seconds.
        """
        for workflow_id in await self._running_tenants():
            self.terminations += 1
            with _is_already_gone():
                await self.client.get_workflow_handle(workflow_id).terminate("chaos")

    async def reset(self) -> None:
        """Reset a few of the tenants' runs to one of their workflow tasks, as an operator who wants a step again.

        Temporal terminates the run and starts another that shares the history until that task.

        Raises:
            TimeoutError: no run was found for some seconds.
        """
        for workflow_id in await self._running_tenants():
            self.terminations += 1
            with _is_already_gone():
                await self._reset_to_some_task(workflow_id)

    async def resume_all(self) -> int:
        """Resume every tenant; return how many were paused."""
        return sum([await resume(self.pool, control.tenant_id) for control in await all_tenants(self.pool)])

    def _some(self) -> list[str]:
        return self.choice.sample(self.tenants, min(len(self.tenants), self.choice.randint(1, 4)))

    async def _running_tenants(self) -> list[str]:
        async with asyncio.timeout(10):
            while not (running := [run.id async for run in self.client.list_workflows(TENANTS_THAT_RUN)]):
                await asyncio.sleep(0.1)
        return self.choice.sample(running, min(len(running), 4))

    async def _reset_to_some_task(self, workflow_id: str) -> None:
        events = self.client.get_workflow_handle(workflow_id).fetch_history_events()
        tasks = [event.event_id async for event in events if event.event_type == TASK_COMPLETED]
        if tasks:
            await self.client.workflow_service.reset_workflow_execution(
                ResetWorkflowExecutionRequest(
                    namespace=self.client.namespace,
                    workflow_execution=WorkflowExecution(workflow_id=workflow_id),
                    reason="chaos",
                    workflow_task_finish_event_id=self.choice.choice(tasks),
                    request_id=str(uuid4()),
                )
            )

    def _cycle(self) -> str:
        return self.choice.choice(self.cycles.started[-3:])

    async def _signal(self, workflow_id: str, signal: str, *arguments: Any) -> None:
        with _is_already_gone():
            await self.client.get_workflow_handle(workflow_id).signal(signal, args=arguments)

    async def _cancel_natively(self, workflow_id: str) -> None:
        with _is_already_gone():
            await self.client.get_workflow_handle(workflow_id).cancel()


@contextmanager
def _is_already_gone() -> Iterator[None]:
    """Pass over a workflow that has not started, or has ended."""
    try:
        yield
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise

"""Maintenance cycles, started and followed by somebody who does not mind when the server is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from chaos.clock import Clock
from workflows.maintenance import MaintenanceWorkflow
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE

Result = TypeVar("Result")
Handle = WorkflowHandle[Any, dict[str, Any]]

_AGAIN_SECONDS: Final = 0.3
_WATCH_SECONDS: Final = 0.5
OVERTAKEN_SECONDS: Final = 12.0
AWAY: Final = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.INTERNAL,
    RPCStatusCode.RESOURCE_EXHAUSTED,
)
"""What a call meets while the server is dead or starting."""


async def patiently(call: Callable[[], Awaitable[Result]]) -> Result:
    """Return the result of *call*, made again until the server answers."""
    while True:
        try:
            return await call()
        except RPCError as error:
            if error.status not in AWAY:
                raise
        await asyncio.sleep(_AGAIN_SECONDS)


@dataclass(slots=True)
class Cycles:
    """Starts cycles, each with an ``as_of`` of its own, and remembers them."""

    client: Client
    clock: Clock
    started: list[str] = field(default_factory=list)

    async def start(
        self, *, kind: str = "daily", tenants: Sequence[str] | None = None, as_of: datetime | None = None
    ) -> Handle:
        """Start one and return its handle."""
        name = f"cycle-{len(self.started)}"
        self.started.append(name)
        request = MaintenanceRequest.model_validate(
            {"kind": kind, "tenants": tenants, "as_of": as_of or self.clock.now()}
        )

        async def begin() -> Handle:
            try:
                return await self.client.start_workflow(
                    MaintenanceWorkflow.run, request, id=name, task_queue=TASK_QUEUE
                )
            except WorkflowAlreadyStartedError:  # by our own call, whose answer was lost
                return self.client.get_workflow_handle_for(MaintenanceWorkflow.run, name)

        return await patiently(begin)

    async def one_after_the_other(self, stop: asyncio.Event) -> None:
        """Keep cycles running until asked to stop; one that a fault keeps waiting is overtaken by the next."""
        while not stop.is_set():
            handle = await self.start()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended(handle), OVERTAKEN_SECONDS)

    async def ended(self, handle: Handle) -> WorkflowExecutionStatus:
        """Wait until a cycle has closed; return how."""
        while True:
            described = await patiently(handle.describe)
            if described.status is not None and described.status != WorkflowExecutionStatus.RUNNING:
                return described.status
            await asyncio.sleep(_WATCH_SECONDS)

    async def to_the_end(self, as_of: datetime) -> dict[str, Any] | None:
        """Run cycles as of one instant until one finds nothing to do; return its statistics, or None."""
        for _ in range(6):
            handle = await self.start(as_of=as_of)
            await self.ended(handle)
            try:
                stats = await patiently(handle.result)
            except WorkflowFailureError:
                continue
            if stats["tenants"]["with_work"] == 0:
                return stats
        return None

    async def quiet(self, seconds: float) -> bool:
        """Wait until no workflow runs any more; return False once for *seconds* none of those that run has closed."""
        closed, deadline = -1, 0.0
        while await self._number("ExecutionStatus = 'Running'"):
            now = asyncio.get_running_loop().time()
            if (by_now := await self._number("ExecutionStatus != 'Running'")) != closed:
                closed, deadline = by_now, now + seconds
            elif now > deadline:
                return False
            await asyncio.sleep(_WATCH_SECONDS)
        return True

    async def _number(self, query: str) -> int:
        return (await patiently(lambda: self.client.count_workflows(query))).count

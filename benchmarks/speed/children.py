"""The least that Temporal can do for a fleet: a child workflow per tenant, with one activity that does nothing.

Pages, windows, options and the worker's capacity are those of the application, so what this takes is
the price of a child per tenant on this machine, however the workflows are written.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from benchmarks.speed.servers import Processors, Servers
    from benchmarks.speed.workers import connected_client, python
    from memory_maintenance.settings import Settings
    from runtime.capacity import ACTIVITY_POLLERS, CACHED_WORKFLOWS, STICKY, WORKFLOW_POLLERS, WORKFLOW_TASKS, slots
    from workflows.options import PAGE_SIZE, PAGES_AT_ONCE, TENANTS_AT_ONCE, sql

QUEUE: Final = "speed-children"


@activity.defn
async def nothing() -> None:
    """Do nothing."""


@workflow.defn
class EmptyWorkflow:
    """A fleet, a page or a tenant: a child for each part, some at once; a tenant has one empty activity."""

    @workflow.run
    async def run(self, parts: list[Any], at_once: list[int]) -> int:
        """Return how many tenants are done."""
        if not at_once:
            options = sql(workflow.now() + timedelta(hours=1)) | {"task_queue": QUEUE}
            await workflow.execute_activity(nothing, **options)
            return 1
        slots = asyncio.Semaphore(at_once[0])

        async def one(number: int, part: list[Any]) -> int:
            async with slots:
                name = f"{workflow.info().workflow_id}/{number}"
                return await workflow.execute_child_workflow(EmptyWorkflow.run, args=[part, at_once[1:]], id=name)

        return sum(await asyncio.gather(*(one(number, part) for number, part in enumerate(parts))))


async def run_children(servers: Servers, tenants: int) -> tuple[float, Processors]:
    """Do nothing for so many tenants, on a worker started for it; return the seconds, and what was used."""
    client = await connected_client(servers.temporal_address)

    async def done(count: int) -> int:
        fleet: list[list[list[Any]]] = [[[]] * min(PAGE_SIZE, count - at) for at in range(0, count, PAGE_SIZE)]
        arguments = [fleet, [PAGES_AT_ONCE, TENANTS_AT_ONCE]]
        return await client.execute_workflow(EmptyWorkflow.run, args=arguments, id=f"{uuid4()}", task_queue=QUEUE)

    settings = {"TEMPORAL_ADDRESS": servers.temporal_address}
    async with python(servers, "-m", __name__, settings=settings) as process:
        await done(1)  # it polls
        before, began = servers.processors(process.pid), time.perf_counter()
        if (ended := await done(tenants)) != tenants:
            raise RuntimeError(f"only {ended} of {tenants} children have ended")
        return time.perf_counter() - began, servers.processors(process.pid).since(before)


async def poll() -> None:
    """Poll until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Worker(
        await connected_client(os.environ["TEMPORAL_ADDRESS"]),
        task_queue=QUEUE,
        workflows=[EmptyWorkflow],
        activities=[nothing],
        max_concurrent_activities=slots(Settings(), "all").sql,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS,
        max_cached_workflows=CACHED_WORKFLOWS,
        workflow_task_poller_behavior=WORKFLOW_POLLERS,
        activity_task_poller_behavior=ACTIVITY_POLLERS,
        sticky_queue_schedule_to_start_timeout=STICKY,
    ):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(poll())

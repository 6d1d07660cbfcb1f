"""The process that does ``children.py``, with the capacity of our own worker: ``python -m`` this."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from benchmarks.speed.children import QUEUE, EmptyFleetWorkflow, EmptyPageWorkflow, EmptyTenantWorkflow, nothing
from benchmarks.speed.servers import Servers
from benchmarks.speed.workers import connected_client, started, tethered
from memory_maintenance.settings import Settings
from runtime.capacity import ACTIVITY_POLLERS, CACHED_WORKFLOWS, STICKY, WORKFLOW_POLLERS, WORKFLOW_TASKS, slots
from workflows.options import PAGE_SIZE


@asynccontextmanager
async def children_worker(servers: Servers, *, home: Path) -> AsyncIterator[int]:
    """Run that process meanwhile, yield its id once it works."""
    command = tethered("-m", __name__)
    settings = {"TEMPORAL_ADDRESS": servers.temporal_address}
    async with started(command, home=home, log=home / "children.log", settings=settings) as process:
        await run_children(await connected_client(servers), ["first"])
        yield process.pid


async def run_children(client: Client, tenants: Sequence[str]) -> int:
    """Do nothing for every tenant, wait for the end and return how many there were."""
    pages = [list(tenants[first : first + PAGE_SIZE]) for first in range(0, len(tenants), PAGE_SIZE)]
    return await client.execute_workflow(
        EmptyFleetWorkflow.run, pages, id=f"speed-children-{uuid4()}", task_queue=QUEUE
    )


async def poll() -> None:
    """Poll until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"], data_converter=pydantic_data_converter)
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[EmptyFleetWorkflow, EmptyPageWorkflow, EmptyTenantWorkflow],
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

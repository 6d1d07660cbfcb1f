"""Whether workers run: the server remembers for five minutes who polled a task queue."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from runtime.client import ANSWER_TIMEOUT


async def last_polled(client: Client, queue: str, kind: TaskQueueType.ValueType) -> datetime | None:
    """Return when a worker last polled *queue* for tasks of a *kind*; None: none has for five minutes.

    A worker whose slots are all taken does not poll, and answers no query, but the server remembers it.
    """
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind),
        timeout=ANSWER_TIMEOUT,
    )
    return max((poller.last_access_time.ToDatetime(UTC) for poller in described.pollers), default=None)


async def is_polled(client: Client, queue: str, kind: TaskQueueType.ValueType) -> bool:
    """Return whether a worker has polled *queue* for tasks of a *kind* within five minutes."""
    return await last_polled(client, queue, kind) is not None

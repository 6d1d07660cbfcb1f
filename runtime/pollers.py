"""Whether somebody works: the server remembers for five minutes who polled a task queue."""

from __future__ import annotations

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from runtime.client import ANSWER_TIMEOUT


async def is_polled(client: Client, queue: str, kind: TaskQueueType.ValueType) -> bool:
    """Return whether a worker has polled *queue* for tasks of a *kind* within five minutes."""
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind),
        timeout=ANSWER_TIMEOUT,
    )
    return bool(described.pollers)

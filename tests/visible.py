"""What Temporal's list of workflows shows: it follows their histories a moment later."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from temporalio.client import Client, WorkflowExecution


async def listed(
    client: Client, query: str | None, until: Callable[[Sequence[WorkflowExecution]], Any]
) -> Sequence[WorkflowExecution]:
    """Return the workflows that *query* finds, as soon as *until* is true of them."""
    async with asyncio.timeout(60):
        while True:
            found = [run async for run in client.list_workflows(query)]
            if until(found):
                return found
            await asyncio.sleep(0.02)

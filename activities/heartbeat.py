"""Heartbeats: every step that has a heartbeat time-out beats by itself, so that a killed worker is soon noticed.

A step that hangs goes on beating: its ``start_to_close_timeout`` ends it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Beat three times per heartbeat time-out while the body runs."""
    timeout = activity.info().heartbeat_timeout
    task = asyncio.create_task(_beat(timeout.total_seconds() / 3)) if timeout else None
    try:
        yield
    finally:
        if task:
            task.cancel()


async def _beat(seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        activity.heartbeat()

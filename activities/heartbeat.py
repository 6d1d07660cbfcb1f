"""Heartbeats: every step that has a heartbeat time-out beats by itself, so that a killed worker is soon noticed.

A step that hangs goes on beating: its ``start_to_close_timeout`` ends it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity

BEAT = timedelta(seconds=3)
"""Between two heartbeats: a fifth of the time-out (``workflows.options.HEARTBEAT``)."""


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Beat while the body runs: soon after a cancel was asked for, the next beat brings it."""
    task = asyncio.create_task(_beat(BEAT.total_seconds())) if activity.info().heartbeat_timeout else None
    try:
        yield
    finally:
        if task:
            task.cancel()


async def _beat(seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        activity.heartbeat()

"""Heartbeats: every step that has a heartbeat time-out beats by itself, so that a killed worker is soon noticed.

``remember`` adds what a retry should know to the next heartbeat and sends none of its own: each costs an Action.
A step that hangs goes on beating: its ``start_to_close_timeout`` ends it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Final

from temporalio import activity

BEAT = timedelta(seconds=3)
"""Between two heartbeats: a fifth of the time-out (``workflows.options.HEARTBEAT``)."""

_DETAILS: Final[ContextVar[list[Any]]] = ContextVar("heartbeat_details")


def remember(*details: Any) -> None:
    """Keep *details* for the heartbeats from now on: a retry finds those of the last one that reached the server."""
    _DETAILS.get()[:] = details


def is_interrupted() -> bool:
    """Return whether a later attempt follows a cancellation: the worker stops, or the step was paused or reset."""
    details = activity.cancellation_details()
    return activity.is_worker_shutdown() or (details is not None and (details.paused or details.reset))


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Beat while the body runs: soon after a cancel was asked for, the next beat brings it."""
    details = list(activity.info().heartbeat_details)  # of an earlier attempt: a heartbeat without any would lose them
    _DETAILS.set(details)
    task = asyncio.create_task(_beat(BEAT.total_seconds(), details)) if activity.info().heartbeat_timeout else None
    try:
        yield
    except asyncio.CancelledError:
        if is_interrupted():
            activity.heartbeat(*details)
        raise
    finally:
        if task:
            task.cancel()


async def _beat(seconds: float, details: list[Any]) -> None:
    while True:
        await asyncio.sleep(seconds)
        activity.heartbeat(*details)

"""Waiting in a way that a cancellation does not cost results: a step that is cancelled says what it had done."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def result_of(step: asyncio.Task[Result]) -> Result:
    """Return the result of an activity or a child; where the workflow is cancelled meanwhile, ask it to end first.

    The SDK forgets a result that comes in the same workflow task as the cancellation, if the coroutine that waits
    for it is the one that is cancelled. So the step is shielded, and looked at before it is cancelled itself.
    """
    try:
        return await asyncio.shield(step)
    except asyncio.CancelledError:
        for _ in range(10):  # turns of the event loop, in which a result that is there gets through
            if step.done():
                break
            await asyncio.sleep(0)
        else:
            step.cancel()
    return await step


async def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of *work*, which a cancellation does not end: it records what was done."""
    working = asyncio.create_task(work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        return await working


async def child_result(start: Coroutine[Any, Any, asyncio.Task[Result]]) -> Result:
    """Start a child and return its result; one that is being started when the cancellation comes is awaited too."""
    starting = asyncio.create_task(start)
    try:
        child = await asyncio.shield(starting)
    except asyncio.CancelledError:
        child = await starting
        child.cancel()
        return await child
    return await result_of(child)


async def all_of(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of *work* side by side and wait for each to end, also where this is cancelled or one of them fails."""
    for ended in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended

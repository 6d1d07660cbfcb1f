"""Whether a cycle without Temporal is still at work: its process renews a lease in the store.

A process that is killed closes nothing. When its lease has ended, the next cycle marks the cycle as ``abandoned``, and
a reader sees it as abandoned before that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg

from memory_maintenance.cycles.record import RENEW
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.store.pool import Pool, execute

LEASE: Final = timedelta(minutes=5)
"""How long after its last renewal a process that is gone is taken to be at work."""

RENEWED_EACH: Final = timedelta(seconds=30)


def lease_on(pool: Pool) -> timedelta | None:
    """Return the lease that a cycle begins with; None on a single connection.

    There nothing can be renewed beside the work: a cycle that was killed is known by its deadline, as a workflow's.
    """
    return None if isinstance(pool, asyncpg.Connection) else LEASE


@asynccontextmanager
async def renewing(pool: Pool, cycle_id: UUID, *, each: timedelta = RENEWED_EACH) -> AsyncIterator[None]:
    """Renew a cycle's lease while the body runs; on a single connection, which the body uses, nothing is renewed."""
    if lease_on(pool) is None:
        yield
        return
    task = asyncio.create_task(_renew(pool, cycle_id, each))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _renew(pool: Pool, cycle_id: UUID, each: timedelta) -> None:
    while True:
        await asyncio.sleep(each.total_seconds())
        # Where the store is away, the work itself says so.
        with suppress(MaintenanceError):
            await execute(pool, RENEW, cycle_id, LEASE)

"""The instant a run reckons from, checked against the database's clock."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from memory_maintenance.errors import AsOfInFutureError
from memory_maintenance.store.pool import Executor, fetch_value

NOW: Final = """
-- store.NOW: the database's clock, as of the transaction.
SELECT now()
"""

_CLOCK_TOLERANCE_SECONDS: Final = 300


async def checked_as_of(db: Executor, as_of: datetime | None) -> datetime:
    """Return the instant a run reckons from: *as_of*, or the database's clock.

    Raises:
        AsOfInFutureError: *as_of* is more than five minutes ahead of the database's clock.
    """
    now: datetime = await fetch_value(db, NOW)
    if as_of and (as_of - now).total_seconds() > _CLOCK_TOLERANCE_SECONDS:
        raise AsOfInFutureError(as_of, now)
    return as_of or now

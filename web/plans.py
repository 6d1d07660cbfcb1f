"""The plan of the next run: made in the background, because a large fleet takes longer than a page may."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Final

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from runtime.planned import PlannedRun, planned_run

FRESH_SECONDS: Final = 60
"""How long a plan is shown before another one is made."""


class Plans:
    """Makes at most one plan at a time, however many readers ask for it."""

    def __init__(self) -> None:
        self._newest: PlannedRun | None = None
        self._made_at = -float(FRESH_SECONDS)
        self._making: asyncio.Task[PlannedRun] | None = None

    async def newest(self, pool: Pool, settings: Settings, *, wait_seconds: float) -> PlannedRun | None:
        """Return the newest plan, waiting for one that is not fresh; None: the first one is still being made.

        Raises:
            MaintenanceError: it could not be made; the next call tries again.
        """
        if self._making is None and monotonic() - self._made_at < FRESH_SECONDS:
            return self._newest
        if self._making is None:
            self._making = asyncio.create_task(planned_run(pool, settings, "daily"))
        making = self._making
        await asyncio.wait({making}, timeout=wait_seconds)
        if making.done():
            if self._making is making:
                self._making = None
            self._newest, self._made_at = making.result(), monotonic()
        return self._newest

    async def close(self) -> None:
        """Give up a plan that is being made."""
        if self._making is not None:
            self._making.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._making

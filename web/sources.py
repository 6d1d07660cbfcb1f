"""What the pages ask: the store and Temporal, each reached when a page first needs it and again after an outage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Final

from temporalio.client import Client

from memory_maintenance.redaction import place_of
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, open_pool
from runtime.client import connect
from web.plans import Plans

PATIENCE_SECONDS: Final = 3
"""How long a page waits for Temporal."""


@dataclass(slots=True)
class Sources:
    """Where the pages read, and what they may show."""

    settings: Settings
    database_url: str
    temporal_address: str
    web_ui: str | None = None
    """Address of Temporal's Web UI."""
    with_text: bool = False
    """Whether pages show the text of memories."""
    allow_review: bool = False
    """Whether proposals can be accepted and rejected on the pages."""
    form_key: str = field(default_factory=token_urlsafe, repr=False)
    """What a form of these pages has in it: a page of another site cannot read it."""
    plans: Plans = field(default_factory=Plans)
    _pool: Pool | None = None
    _client: Client | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def store(self) -> str:
        """Return host, port and database of the store."""
        return place_of(self.database_url.partition("?")[0])

    async def pool(self) -> Pool:
        """Return a pool on the store.

        Raises:
            DatabaseUnavailableError: nothing answers.
            DatabaseRefusedError: wrong user, password or database.
        """
        async with self._opening:
            if self._pool is None:
                seconds, size = self.settings.database_timeout_seconds, self.settings.database_pool_size
                self._pool = await open_pool(self.database_url, size=size, timeout_seconds=seconds)
            return self._pool

    async def client(self) -> Client:
        """Return a client of Temporal.

        Raises:
            TemporalUnreachableError: nothing answers within three seconds.
            TemporalRefusedError: it does not let us in.
        """
        if self._client is None:
            self._client = await connect(self.temporal_address, self.settings, patience_seconds=PATIENCE_SECONDS)
        return self._client

    def forget_client(self) -> None:
        """Connect again at the next question."""
        self._client = None

    async def close(self) -> None:
        """Close the pool."""
        await self.plans.close()
        if self._pool is not None:
            await self._pool.close()


@asynccontextmanager
async def opened(sources: Sources) -> AsyncIterator[Sources]:
    """Yield *sources* and close them after."""
    try:
        yield sources
    finally:
        await sources.close()

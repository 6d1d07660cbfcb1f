"""The whole application on real servers: workers, a store with the memories a test asks for."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client

from embedded.temporal import temporal_program
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from runtime.workers import polling

Working = Callable[..., AbstractAsyncContextManager[None]]

INSERT = """
INSERT INTO memories (tenant_id, project, session_id, content, importance, layer, created_at, last_accessed_at)
VALUES ($1, $2, $3, $4, $5, 'episodic', $6, NULL)
"""


@pytest.fixture
def working(temporal: Client, pool: Pool) -> Working:
    """``async with working(**settings)``: the application's workers poll meanwhile."""

    def with_settings(**chosen: Any) -> AbstractAsyncContextManager[None]:
        settings = Settings(_env_file=None, **{"rae_llm_backend": "extractive", **chosen})
        return polling(temporal, settings, pool)

    return with_settings


async def by_hand(temporal: Client, *arguments: str) -> None:
    """Run Temporal's own command line as an operator does."""
    address = temporal.service_client.config.target_host
    process = await asyncio.create_subprocess_exec(
        temporal_program(), *arguments, "--address", address, stdout=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0


THREE = 3
"""The fewest memories of a dream."""

TALK = (
    "Ana reports that the blue tent of order {n} leaks at the seam after one night of rain",
    "The warehouse in Gdynia confirms batch {n} of blue tents has a weak seam",
    "Refund of {n} euros for the leaking blue tent was approved by Marek",
    "Ana prefers a replacement tent over a refund and leaves on Friday",
)


async def remember_session(pool: Pool, tenant: str, *, events: int, project: str = "shop", session: str = "s1") -> None:
    """Write *events* important memories of an hour ago: a session of all but the last of them.

    The last sixth, or one of three, is of a session of its own: what is said in two sessions recurs, and is dreamt about.
    """
    end, elsewhere = datetime.now(UTC) - timedelta(hours=1), max(events // 6, int(events == THREE))
    rows = [
        (
            tenant,
            project,
            session if n < events - elsewhere else f"{session}-later",
            TALK[n % 4].format(n=n + 10),
            0.7,
            end - timedelta(minutes=events - n),
        )
        for n in range(events)
    ]
    await pool.executemany(INSERT, rows)

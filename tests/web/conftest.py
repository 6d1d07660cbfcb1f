"""The pages over a real store, asked in this process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from memory_maintenance.changes.change import Replacement, propose
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.store.pool import Pool, execute, fetch
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override
from tests.agents import derived, talk, write
from tests.conftest import a_database, a_pool
from tests.nights import night
from tests.settings import settings
from tests.steps import Summarizing
from web.application import application
from web.sources import Sources, opened

Get = Callable[..., Awaitable[httpx2.Response]]

NOW = datetime.now(UTC).replace(microsecond=0)
NOWHERE = "127.0.0.1:1"

STRANGE = "<b>&\u202eksud\x1b[31m"
"""A tenant id that markup, a bidirectional control and an escape sequence are in."""

SAID = ("Mara wants the red lamp.", "Mara wants the blue lamp instead of the red lamp.")


@dataclass
class Store:
    """What the pages are asked about."""

    url: str
    pool: Pool
    memory: UUID
    summary: UUID
    cycle: UUID
    proposal: int


@pytest.fixture(scope="module")
async def store(postgres_url: str, templates: dict[str, str]) -> AsyncIterator[Store]:
    """A store after a few nights, for a whole module: the pages only read."""
    async with a_database(postgres_url, templates["small"]) as url, a_pool(url) as pool:
        yield await _filled(url, pool)


async def _filled(url: str, pool: Pool) -> Store:
    """Write a summary, a paused tenant, overrides and nights with failures."""
    [memory] = await write(pool, "acme", ["Mara's order"], start=NOW - timedelta(days=60), importance=0.9)
    await execute(pool, "UPDATE memories SET last_accessed_at = $1 WHERE id = $2", NOW - timedelta(days=20), memory)
    await write(pool, "acme", talk(12), session="s", start=NOW - timedelta(hours=5), importance=0.8)
    await write(pool, "acme", talk(3), session="young", start=NOW - timedelta(minutes=5))
    await write(pool, STRANGE, ["x"])
    await write(pool, "cold", ["y"])
    for days in (50, 1):
        await DecayWorker(pool, settings(memory_base_decay_rate=0.01)).run_decay_cycle(as_of=NOW - timedelta(days=days))
    for age in (3, 2):
        await night(pool, at=NOW - timedelta(days=age))
    cycle = await night(pool, at=NOW - timedelta(days=1))
    await Summarizing(pool, settings()).summarize(SessionKey("acme", "shop", "s"), as_of=NOW, cycle_id=cycle)
    await pause(pool, "bolt", by="ana", reason="restoring a backup")
    await override(pool, "acme", {"decay_rate": 0.005, "daily_tokens": 12345}, by="ana", reason="asked for")
    [summary] = await derived(pool, "acme")
    return Store(url, pool, memory, summary["id"], cycle, await proposed(pool, STRANGE))


async def proposed(pool: Pool, tenant: str = "acme", *, task: str = "supersession") -> int:
    """Write two memories and a proposal to demote the first one; return its number."""
    old, new = await write(pool, tenant, SAID)
    rows = await fetch(pool, "SELECT id, maintenance.fingerprint(content) AS said FROM memories")
    said = {row["id"]: row["said"] for row in rows}
    pair = Replacement(tenant, task, "superseded", old, new, "instead_of", (said[old], said[new]))
    [proposal] = await propose(pool, [pair])
    return proposal.change_id


def client_of(sources: Sources, **more: Any) -> httpx2.AsyncClient:
    """Return a client of the pages over *sources*."""
    transport = httpx2.ASGITransport(application(sources, **more), raise_app_exceptions=True)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1")


@pytest.fixture
async def get(store: Store) -> AsyncIterator[Get]:
    """Ask for a page, which may have a form; Temporal does not answer."""
    sources = Sources(settings(), store.url, NOWHERE, allow_review=True)
    async with opened(sources), client_of(sources) as client:
        yield client.get

"""A small store that is the same every time: its ids come from a seed, its times from ``AS_OF``."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from memory_maintenance.store.pool import Pool
from tests.agents import AS_OF, WRITE
from tests.model_path import told

TENANTS: Final = ("acme", "bolt", "cold")
EVENTS: Final = 12
"""Of each tenant's one session, which is due."""
SAMPLE: Final = 8
"""Memories of each tenant that are important enough to dream about, in its one project."""
REST: Final = 30
"""Memories of each tenant that only decay."""


async def fill(pool: Pool) -> None:
    """Write 50 memories for each of three tenants, into a store with the default of a new one."""
    await pool.execute("UPDATE maintenance.store SET duplicates = DEFAULT")
    choice = random.Random(20_260_310)
    for tenant in TENANTS:
        await pool.executemany(WRITE, list(_memories(tenant, choice)))


def _memories(tenant: str, choice: random.Random) -> Iterator[tuple[Any, ...]]:
    texts = told(EVENTS + SAMPLE + REST)
    spoken, sample, rest = texts[:EVENTS], texts[EVENTS : EVENTS + SAMPLE], texts[EVENTS + SAMPLE :]
    for n, text in enumerate(spoken):
        yield _row(choice, tenant, text, "episodic", 0.5, AS_OF - timedelta(hours=5, minutes=-n), "s1")
    for n, text in enumerate(sample):
        hours = 20 if n % 2 else 1  # on two days: what is said on one day does not recur
        yield _row(choice, tenant, text, "episodic", 0.9, AS_OF - timedelta(hours=hours, minutes=-n))
    for n, text in enumerate(rest):
        yield _row(choice, tenant, text, "semantic", 0.5, AS_OF - timedelta(days=n + 1))


def _row(
    choice: random.Random,
    tenant: str,
    text: str,
    layer: str,
    importance: float,
    at: datetime,
    session: str | None = None,
) -> tuple[Any, ...]:
    key = UUID(int=choice.getrandbits(128), version=4)
    return (key, tenant, text, "agent", importance, layer, None, "shop", session, {}, at)

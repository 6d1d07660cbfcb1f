"""Tenants and what their agents remember: sessions, notes that dreams are about, and odd rows."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from chaos.answers import marker
from chaos.record import Record, Remembered

MIN_EVENTS: Final = 3
"""New events that make a session due; the workers' setting."""

MOST_EVENTS: Final = 40
"""Of one session: its summary's text has to fit into the next question whole."""

PROJECTS: Final = (None, "shop")
PINNED: Final = "pinned"
OLDEST: Final = timedelta(days=60)

INSERT_MANY: Final = """
-- chaos.INSERT_MANY: memories as columns.
INSERT INTO memories (id, tenant_id, content, source, importance, layer, tags, project, session_id, created_at,
                      last_accessed_at)
SELECT i, t, c, 'agent', m, l, string_to_array(nullif(g, ''), ','), p, s, a, NULL
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::float8[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::timestamptz[]) AS x (i, t, c, m, l, g, p, s, a)
"""


@dataclass(slots=True)
class Newborn:
    """Makes memories that differ from all others by their marker."""

    choice: random.Random
    """Ids and importance values."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), init=False)
    _sessions: dict[str, list[tuple[str | None, str, int]]] = field(default_factory=dict, init=False)

    def events(self, tenant: str, now: datetime, choice: random.Random) -> list[Remembered]:
        """Return the next events of one of the tenant's sessions, or the first ones of a new session."""
        count = choice.randint(1, 5)
        known = self._sessions.setdefault(tenant, [])
        going_on = [place for place, (_, _, events) in enumerate(known) if events + count <= MOST_EVENTS]
        if not going_on or choice.random() < 0.1:  # noqa: PLR2004
            project = choice.choice(PROJECTS)
            going_on = [len(known)]
            known.append((project, f"session-{len(known)}", 0))
        place = choice.choice(going_on)
        project, session, events = known[place]
        known[place] = (project, session, events + count)
        times = (now + timedelta(microseconds=n) for n in range(count))
        return [self._memory(tenant, at, project=project, session_id=session) for at in times]

    def notes(self, tenant: str, now: datetime, choice: random.Random) -> list[Remembered]:
        """Return important memories outside of any session: something to dream about."""
        project = choice.choice(PROJECTS)
        times = (now + timedelta(microseconds=n) for n in range(choice.randint(1, 4)))
        return [self._memory(tenant, at, project=project, least=0.6) for at in times]

    def past(self, tenant: str, begins: datetime) -> list[Remembered]:
        """Return what a tenant remembers when the run begins at *begins*: all created before."""
        old = [begins - self.choice.random() * OLDEST for _ in range(4)]
        kept = [self._memory(tenant, at, layer="semantic") for at in old]
        kept[0].tags = (PINNED,)
        kept[1].importance = self.choice.choice([None, float("nan"), kept[1].importance])
        for hours in (20, 10):
            kept += self.events(tenant, begins - timedelta(hours=hours), self.choice)
        kept += self.notes(tenant, begins - timedelta(hours=5), self.choice)
        return kept

    def _memory(
        self,
        tenant: str,
        at: datetime,
        *,
        layer: str = "episodic",
        project: str | None = None,
        session_id: str | None = None,
        least: float = 0.05,
    ) -> Remembered:
        return Remembered(
            id=UUID(int=self.choice.getrandbits(128), version=4),
            tenant_id=tenant,
            marker=marker(next(self._numbers)),
            created_at=at,
            importance=self.choice.uniform(least, 1.0),
            layer=layer,
            project=project,
            session_id=session_id,
        )


def tenant_names(count: int) -> list[str]:
    """Return the ids of so many tenants."""
    return [f"tenant-{n:04}" for n in range(count)]


async def fill(dsn: str, tenants: list[str], newborn: Newborn, begins: datetime) -> Record:
    """Write the past of every tenant; return the log of it."""
    memories = [memory for tenant in tenants for memory in newborn.past(tenant, begins)]
    rows = [
        (m.id, m.tenant_id, m.content, m.importance, m.layer, ",".join(m.tags), m.project, m.session_id, m.created_at)
        for m in memories
    ]
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(INSERT_MANY, *(list(column) for column in zip(*rows, strict=True)))
    finally:
        await connection.close()
    return Record({memory.id: memory for memory in memories}, written=len(memories))

"""Agents: they write to the memories all through a run, and keep a log of what they know to be committed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import asyncpg

from chaos.clock import Clock
from chaos.record import Around, DecayState, Record, Remembered, Said
from chaos.tenants import Newborn

Result = TypeVar("Result")

LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""Errors after which the store is asked whether a transaction was committed."""

INSERT: Final = """
-- chaos.INSERT: a memory as an agent writes it.
INSERT INTO memories (id, tenant_id, content, source, importance, layer, tags, project, session_id, created_at,
                      last_accessed_at)
VALUES ($1, $2, $3, 'agent', $4, $5, $6, $7, $8, $9, NULL)
"""

UPDATE: Final = """
-- chaos.UPDATE: a recall, a new importance, or both; usage_count is the number of the write.
--   $1 id, $2 importance or NULL, $3 last access or NULL
UPDATE memories
SET usage_count = usage_count + 1, importance = coalesce($2, importance),
    last_accessed_at = coalesce($3, last_accessed_at)
WHERE id = $1
"""

STATE: Final = """
-- chaos.STATE: how far a tenant's decay is.
SELECT decay_started_as_of, decay_completed_as_of FROM maintenance.tenants WHERE tenant_id = $1
"""

WRITES: Final = "SELECT usage_count FROM memories WHERE id = $1"

_LONGEST_HOLD: Final = 0.25
"""Seconds that a transaction may keep its rows locked."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a deed: a new memory, or an importance or access of one that is there."""

    memory: Remembered
    born: bool = False
    value: float | None = None
    accessed_at: datetime | None = None

    @property
    def sql(self) -> tuple[str, Sequence[object]]:
        """Return the statement and its arguments."""
        m = self.memory
        if not self.born:
            return UPDATE, (m.id, self.value, self.accessed_at)
        head = (m.id, m.tenant_id, m.content, m.importance, m.layer, list(m.tags))
        return INSERT, (*head, m.project, m.session_id, m.created_at)

    def note(self, around: Around, record: Record) -> None:
        """Write it into the log: it is committed."""
        record.written += 1
        if self.born:
            self.memory.born = around
            record.memories[self.memory.id] = self.memory
            return
        self.memory.writes += 1
        self.memory.accessed_at = self.accessed_at or self.memory.accessed_at
        if self.value is not None:
            self.memory.said.append(Said(self.value, around))


@dataclass(slots=True)
class Agent:
    """Writes to some tenants, one transaction at a time."""

    dsn: str
    tenants: Sequence[str]
    record: Record
    clock: Clock
    choice: random.Random
    newborn: Newborn
    pause_seconds: float
    """Mean time between two transactions."""
    _connection: asyncpg.Connection | None = field(default=None, init=False)
    _known: dict[str, list[UUID]] = field(default_factory=dict, init=False)

    async def live(self, stop: asyncio.Event) -> None:
        """Write until asked to stop."""
        for tenant in self.tenants:
            self._known[tenant] = [memory.id for memory in self.record.of_tenants([tenant])]
        while not stop.is_set():
            await self._carry_out(self._deed())
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self.choice.expovariate(1 / self.pause_seconds))
        await self.close()

    async def close(self) -> None:
        """Leave the store."""
        if self._connection is not None:
            with suppress(*LOST):
                await self._connection.close(timeout=5)

    # --- what to write ----------------------------------------------------------------------------

    def _deed(self) -> list[Change]:
        tenant = self.choice.choice(self.tenants)
        kind = self.choice.choices(["events", "notes", "recall", "set", "both"], [5, 1, 3, 4, 2])[0]
        now = self.clock.now()
        if kind == "events":
            return [Change(memory, born=True) for memory in self.newborn.events(tenant, now, self.choice)]
        if kind == "notes":
            return [Change(memory, born=True) for memory in self.newborn.notes(tenant, now, self.choice)]
        count = min(len(self._known[tenant]), self.choice.choice([1, 1, 1, 2, 4]))
        chosen = [self.record.memories[key] for key in self.choice.sample(self._known[tenant], count)]
        return [self._update(memory, kind, now) for memory in chosen]

    def _update(self, memory: Remembered, kind: str, now: datetime) -> Change:
        value = self.choice.uniform(0.05, 1.0) if kind != "recall" else None
        return Change(memory, value=value, accessed_at=None if kind == "set" else now)

    # --- writing it -------------------------------------------------------------------------------

    async def _carry_out(self, deed: Sequence[Change]) -> None:
        tenant = deed[0].memory.tenant_id
        hold = self.choice.uniform(0, _LONGEST_HOLD) if self.choice.random() < 0.2 else 0.0  # noqa: PLR2004
        before = await self._patiently(lambda db: _state(db, tenant))
        try:
            await _write(await self._connected(), deed, hold)
            committed = True
        except LOST:
            self.record.in_doubt += 1
            committed = await self._patiently(lambda db: _happened(db, deed[0]))
        if not committed:
            self.record.given_up += 1
            return
        around = Around(before, await self._patiently(lambda db: _state(db, tenant)))
        for change in deed:
            change.note(around, self.record)
            if change.born:
                self._known[tenant].append(change.memory.id)

    async def _patiently(self, ask: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
        while True:
            try:
                return await ask(await self._connected())
            except LOST:
                await asyncio.sleep(0.1)

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            settings = {"application_name": "chaos-agent"}
            self._connection = await asyncpg.connect(self.dsn, timeout=5, command_timeout=20, server_settings=settings)
        return self._connection


async def _write(db: asyncpg.Connection, deed: Sequence[Change], hold: float) -> None:
    async with db.transaction():
        for change in deed:
            sql, arguments = change.sql
            await db.execute(sql, *arguments)
        await asyncio.sleep(hold)


async def _happened(db: asyncpg.Connection, change: Change) -> bool:
    """Return whether the transaction that *change* is a part of was committed."""
    writes: int | None = await db.fetchval(WRITES, change.memory.id)
    return writes is not None if change.born else writes == change.memory.writes + 1


async def _state(db: asyncpg.Connection, tenant: str) -> DecayState:
    row = await db.fetchrow(STATE, tenant)
    return DecayState(row["decay_started_as_of"], row["decay_completed_as_of"]) if row else DecayState()

"""What goes wrong, when: drawn from the seed before the run begins."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
from temporalio.service import RPCError

from chaos.agent import LOST
from chaos.processes import Supervised
from chaos.servers import Killable
from memory_maintenance.errors import MaintenanceError, StackError

WEIGHTS: Final[Mapping[str, float]] = {
    "kill_worker": 5,
    "kill_all_workers": 1,
    "kill_temporal": 2,
    "stop_postgres": 2,
    "cut_connections": 4,
    "pause": 4,
    "resume": 5,
    "cancel": 4,
    "odd_signal": 3,
    "second_cycle": 2,
    "cancel_cycle": 1,
    "terminate": 2,
    "reset": 2,
    "freeze_worker": 2,
    "freeze_in_transaction": 2,
    "read_only": 1,
}
"""How often each kind happens, relatively. Each happens at least once."""

MEAN_GAP_SECONDS: Final = 2.5
_LONGEST_OUTAGE_SECONDS: Final = 4.0
_BEGINS_WITHIN: Final[Mapping[str, float]] = {"freeze_worker": 0.7, "freeze_in_transaction": 0.6}
"""Share of the time in which a long fault begins, so that it does not make the run longer."""
_LONGEST_FREEZE_SECONDS: Final = 8.0
_LONGEST_SEARCH_SECONDS: Final = 30.0
_SEEN_AGAIN_SECONDS: Final = 0.5
_GIVEN_UP_SECONDS: Final = 20.0
"""A transaction that outlives its frozen worker for so long is left: the check of it fails."""

CUT: Final = """
-- chaos.CUT: ends connections as a failing network or an impatient administrator would.
--   $1 share  double   of them
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND application_name IN ('memory-maintenance', 'chaos-agent') AND random() < $1
"""

READ_ONLY: Final = """
-- chaos.READ_ONLY: as a primary is during a failover; every write is refused with SQLSTATE 25006.
ALTER SYSTEM SET default_transaction_read_only = on
"""
WRITABLE: Final = """
-- chaos.WRITABLE: the end of it.
ALTER SYSTEM RESET default_transaction_read_only
"""
_RELOAD: Final = "SELECT pg_reload_conf()"

OPEN_TRANSACTIONS: Final = """
-- chaos.OPEN_TRANSACTIONS: transactions of the application that have written, hold locks and wait for their client.
SELECT a.pid, a.xact_start, a.state_change
FROM pg_stat_activity a
WHERE a.application_name = 'memory-maintenance' AND a.state = 'idle in transaction' AND a.backend_xid IS NOT NULL
      AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND l.mode = 'RowExclusiveLock')
"""
"""Seen twice in the same state while a worker is stopped, it is that worker's: another one's waits for milliseconds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that happens, so many seconds after the beginning."""

    at: float
    kind: str


def plan(choice: random.Random, seconds: float) -> list[Fault]:
    """Return the faults of a run in order of time: at random, every kind at least once."""
    count = max(len(WEIGHTS), round(seconds / MEAN_GAP_SECONDS))
    kinds = [*WEIGHTS, *choice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count - len(WEIGHTS))]
    faults = [Fault(choice.uniform(0, seconds * _BEGINS_WITHIN.get(kind, 1.0)), kind) for kind in kinds]
    return sorted(faults, key=lambda fault: fault.at)


@dataclass(slots=True)
class Faults:
    """Makes a plan happen, and counts what did."""

    postgres: Killable
    temporal: Killable
    workers: Sequence[Supervised]
    orders: Mapping[str, Callable[[], Coroutine[Any, Any, None]]]
    choice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    in_vain: Counter[str] = field(default_factory=Counter)
    """Orders that met a server that was away; the operator did not insist."""
    connections_cut: int = 0
    frozen_transactions: list[float] = field(default_factory=list)
    """For how many seconds each transaction outlived the freezing of its worker."""
    _postgres_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _temporal_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _freezing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One worker at a time: the other one goes on."""

    async def happen(self, faults: Sequence[Fault]) -> None:
        """Let *faults* happen at their times; return when all is up again."""
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                await asyncio.sleep(began + fault.at - asyncio.get_running_loop().time())
                group.create_task(self._one(fault.kind))

    async def _one(self, kind: str) -> None:
        action = self._actions().get(kind) or self.orders[kind]
        try:
            await action()
        except (MaintenanceError, RPCError, *LOST):
            self.in_vain[kind] += 1
        else:
            self.done[kind] += 1

    def _actions(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        return {
            "kill_worker": self._kill_worker,
            "kill_all_workers": self._kill_all_workers,
            "kill_temporal": lambda: self._outage(self.temporal, self._temporal_lock),
            "stop_postgres": lambda: self._outage(self.postgres, self._postgres_lock),
            "cut_connections": self._cut_connections,
            "freeze_worker": self._freeze_worker,
            "freeze_in_transaction": self._freeze_in_transaction,
            "read_only": self._read_only,
        }

    async def _kill_worker(self) -> None:
        self.choice.choice(self.workers).kill()

    async def _kill_all_workers(self) -> None:
        for worker in self.workers:
            worker.kill()

    async def _outage(self, server: Killable, lock: asyncio.Lock) -> None:
        pause = self.choice.uniform(0, _LONGEST_OUTAGE_SECONDS)
        async with lock:
            await server.kill()
            await asyncio.sleep(pause)
            try:
                await server.start()
            except StackError as error:
                raise RuntimeError("a server did not come back from its death") from error

    async def _freeze_worker(self) -> None:
        worker = self.choice.choice(self.workers)
        async with self._freezing:
            worker.freeze()
            try:
                await asyncio.sleep(self.choice.uniform(1, _LONGEST_FREEZE_SECONDS))
            finally:
                worker.thaw()

    async def _freeze_in_transaction(self) -> None:
        """Stop workers until one is met inside a transaction, and leave that stopped until Postgres ends it.

        Raises:
            TimeoutError: none was met.
        """
        # Postgres is not stopped meanwhile: that would end the transaction, and the search for one.
        async with self._freezing, self._postgres_lock, self._connected() as db:
            began = asyncio.get_running_loop().time()
            while asyncio.get_running_loop().time() < began + _LONGEST_SEARCH_SECONDS:
                worker = self.choice.choice(self.workers)
                worker.freeze()
                try:
                    if seconds := await self._outlived(db):
                        self.frozen_transactions.append(seconds)
                        return
                finally:
                    worker.thaw()
                await asyncio.sleep(self.choice.uniform(0.02, 0.2))
        raise TimeoutError("no worker was inside a transaction")

    async def _outlived(self, db: asyncpg.Connection) -> float | None:
        """Return for how long transactions outlive the worker that is frozen now; None: it has none."""
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(0.05)  # the statement under way ends
        met = set(await db.fetch(OPEN_TRANSACTIONS))
        if not met:
            return None
        await asyncio.sleep(_SEEN_AGAIN_SECONDS)
        if not met & set(await db.fetch(OPEN_TRANSACTIONS)):
            return None
        while met & set(await db.fetch(OPEN_TRANSACTIONS)):
            if asyncio.get_running_loop().time() > began + _GIVEN_UP_SECONDS:
                break
            await asyncio.sleep(0.1)
        return asyncio.get_running_loop().time() - began

    async def _read_only(self) -> None:
        async with self._postgres_lock, self._connected() as db:  # Postgres is not stopped meanwhile
            await db.execute(READ_ONLY)
            await db.execute(_RELOAD)
            try:
                await asyncio.sleep(self.choice.uniform(1, _LONGEST_OUTAGE_SECONDS))
            finally:
                await db.execute(WRITABLE)
                await db.execute(_RELOAD)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.postgres.address, timeout=5)
        try:
            yield connection
        finally:
            await connection.close()

    async def _cut_connections(self) -> None:
        share = self.choice.choice((0.3, 1.0))
        async with self._connected() as db:
            self.connections_cut += await db.fetchval(CUT, share)

"""What goes wrong, when: drawn from the seed before the run begins."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
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
}
"""How often each kind happens, relatively. Each happens at least once."""

MEAN_GAP_SECONDS: Final = 2.5
_LONGEST_OUTAGE_SECONDS: Final = 4.0

CUT: Final = """
-- chaos.CUT: ends connections as a failing network or an impatient administrator would.
--   $1 share  double   of them
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND application_name IN ('memory-maintenance', 'chaos-agent') AND random() < $1
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that happens, so many seconds after the beginning."""

    at: float
    kind: str


def plan(choice: random.Random, seconds: float) -> list[Fault]:
    """Return the faults of a run in order of time: at random, every kind at least once."""
    count = max(len(WEIGHTS), round(seconds / MEAN_GAP_SECONDS))
    kinds = [*WEIGHTS, *choice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count - len(WEIGHTS))]
    choice.shuffle(kinds)
    times = sorted(choice.uniform(0, seconds) for _ in kinds)
    return [Fault(at, kind) for at, kind in zip(times, kinds, strict=True)]


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
    _postgres_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _temporal_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

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

    async def _cut_connections(self) -> None:
        share = self.choice.choice((0.3, 1.0))
        connection = await asyncpg.connect(self.postgres.address, timeout=5)
        try:
            self.connections_cut += await connection.fetchval(CUT, share)
        finally:
            await connection.close()

"""How time and the worker's memory grow: with memories, tenants, due sessions and workers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.speed.bench import Bench
from benchmarks.speed.growth_picture import Axis, name_of
from benchmarks.speed.servers import Servers, database
from benchmarks.speed.session_store import Fleet, fill_past, fill_sessions
from benchmarks.speed.workers import Worker, run_cycle, worker
from workflows.messages import MaintenanceRequest

MEMORIES_OF_A_TENANT: Final = 10
SESSIONS_OF_A_TENANT: Final = 10

LARGEST_REPEATED: Final = 1_000
"""Largest size that is run more than once: the others take up to minutes, and vary less."""

SECONDS: Final = "time"
MEGABYTES: Final = "peak memory of a worker"


@dataclass(frozen=True, slots=True)
class Curve:
    """One thing grows, everything else stays.

    Attributes:
        axis: what grows.
        sizes: of it.
        workers: processes that share the work.
    """

    axis: Axis
    sizes: tuple[int, ...]
    workers: int = 1

    def fleet(self, size: int) -> Fleet:
        """Return the store of *size*."""
        if self.axis == "memories":
            return Fleet(1, size)
        if self.axis == "tenants":
            return Fleet(size, MEMORIES_OF_A_TENANT)
        tenants = max(1, size // SESSIONS_OF_A_TENANT)
        return Fleet(tenants, MEMORIES_OF_A_TENANT, busy=tenants, sessions=size // tenants)

    @property
    def request(self) -> MaintenanceRequest:
        """Return the run: decay of what there is, or summaries of what is due."""
        if self.axis == "sessions":
            return MaintenanceRequest(kind="hourly")
        return MaintenanceRequest(tasks=("decay",))


FULL: Final = (
    Curve("memories", (10_000, 100_000, 1_000_000, 10_000_000)),
    Curve("tenants", (10, 100, 1_000, 10_000)),
    Curve("tenants", (10, 100, 1_000), workers=2),
    Curve("sessions", (10, 100, 1_000)),
    Curve("sessions", (10, 100, 1_000), workers=2),
)
SMALL: Final = (
    Curve("memories", (1_000, 10_000)),
    Curve("tenants", (10, 50)),
    Curve("sessions", (10, 20), workers=2),
)


async def measure(bench: Bench) -> None:
    """Take every curve, each point on fresh stores and workers."""
    with bench.folder() as home:
        async with bench.servers() as servers:
            for curve in SMALL if bench.quick else FULL:
                for size in curve.sizes:
                    await _point(bench, servers, home, curve, size)


async def _point(bench: Bench, servers: Servers, home: Path, curve: Curve, size: int) -> None:
    seconds, megabytes = [], []
    async with database(servers) as template:
        fill = fill_sessions if curve.axis == "sessions" else fill_past
        await fill(template, curve.fleet(size))
        for _ in range(bench.repetitions if size <= LARGEST_REPEATED else 1):
            async with (
                database(servers, template=template) as url,
                _workers(servers, url, home, curve.workers) as workers,
            ):
                seconds.append(await _taken(curve, size, workers))
                megabytes.append(max(one.peak_megabytes for one in workers))
    bench.results.measured(name_of(curve.axis, size, curve.workers, SECONDS), seconds, "s")
    bench.results.measured(name_of(curve.axis, size, curve.workers, MEGABYTES), megabytes, "MB", "VmHWM")
    outcome = f"{median(seconds):.2f} s, {median(megabytes):.0f} MB"
    bench.tell(f"{size:,} {curve.axis}, {curve.workers} worker(s)", outcome)


async def _taken(curve: Curve, size: int, workers: Sequence[Worker]) -> float:
    done = await run_cycle(workers[0], curve.request)
    counted = {
        "memories": done.rows,
        "tenants": done.tenants,
        "sessions": int(done.stats["summarization"]["stored"]),
    }[curve.axis]
    if counted != size:
        raise RuntimeError(f"the run did {counted} of {size} {curve.axis}: see {workers[0].log}")
    return done.seconds


@asynccontextmanager
async def _workers(servers: Servers, url: str, home: Path, count: int) -> AsyncIterator[Sequence[Worker]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(worker(servers, url, home=home)) for _ in range(count)]

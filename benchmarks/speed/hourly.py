"""The hourly run over a fleet of which few have anything to do, and the memory of the worker that does it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.speed import celery_run
from benchmarks.speed.bench import Bench
from benchmarks.speed.servers import Servers, database
from benchmarks.speed.session_store import Fleet, fill_sessions
from benchmarks.speed.store import tenant_ids
from benchmarks.speed.workers import run_cycle, worker
from workflows.messages import MaintenanceRequest

MEMORIES_EACH: Final = 100
ALL: Final = "Hourly run over the fleet"
BUSY: Final = "Hourly run over a store of the busy tenants alone"
IDLE: Final = "Hourly run over the fleet when nothing is due"
CELERY: Final = "Celery asking each tenant of the fleet whether something is due"


@dataclass(slots=True)
class Taken:
    """Seconds of each measurement, and the worker's peak memory in megabytes."""

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    peak: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def ratio(self, one: str, other: str) -> float:
        """Return the median of *one* by that of *other*."""
        return median(self.seconds[one]) / median(self.seconds[other])


async def measure(bench: Bench) -> None:
    """Fill both stores once and run on copies of them."""
    tenants, busy = bench.size(10_000, 500), bench.size(100, 10)
    taken = Taken()
    with bench.folder() as home:
        async with bench.servers() as servers, database(servers) as fleet, database(servers) as few:
            await fill_sessions(fleet, Fleet(tenants, MEMORIES_EACH, busy))
            await fill_sessions(few, Fleet(busy, MEMORIES_EACH, busy))
            for _ in range(bench.repetitions):
                await _run(bench, servers, home, taken, template=few, name=BUSY, busy=busy)
                await _run(bench, servers, home, taken, template=fleet, name=ALL, busy=busy)
                await _celery(bench, servers, home, taken, template=fleet, busy=busy)
    _report(bench, taken, tenants, busy)


async def _run(
    bench: Bench, servers: Servers, home: Path, taken: Taken, *, template: str, name: str, busy: int
) -> None:
    async with database(servers, template=template) as url, worker(servers, url, home=home) as ours:
        done = await run_cycle(ours, MaintenanceRequest(kind="hourly"))
        if (stored := done.stats["summarization"]["stored"]) != busy:
            raise RuntimeError(f"{stored} summaries of {busy} due sessions: see {ours.log}")
        taken.seconds[name].append(done.seconds)
        taken.peak[name].append(ours.peak_megabytes)
        bench.tell(name, f"{done.seconds:.2f} s ({done.processors}), worker {ours.peak_megabytes:.0f} MB")
        if name == ALL:
            again = await run_cycle(ours, MaintenanceRequest(kind="hourly"))
            taken.seconds[IDLE].append(again.seconds)
            bench.tell(IDLE, f"{again.seconds:.2f} s")


async def _celery(bench: Bench, servers: Servers, home: Path, taken: Taken, *, template: str, busy: int) -> None:
    if missing := celery_run.missing():
        if (remark := f"{CELERY}: {missing}") not in bench.results.remarks:
            bench.results.remarks.append(remark)
        bench.tell(CELERY, missing)
        return
    async with database(servers, template=template) as url:
        tenants = await tenant_ids(url)
        due, seconds = await celery_run.by_celery("due_sessions", url, datetime.now(UTC), tenants, home=home)
    if due != busy:
        raise RuntimeError(f"Celery found {due} due sessions of {busy}")
    taken.seconds[CELERY].append(seconds)
    bench.tell(CELERY, f"{seconds:.2f} s")


def _report(bench: Bench, taken: Taken, tenants: int, busy: int) -> None:
    results = bench.results
    size = f"{tenants:,} tenants of {MEMORIES_EACH} memories, {busy} with a due session, extractive"
    notes = {ALL: size, BUSY: f"{busy} tenants", CELERY: "asks only; two processes", IDLE: "right after it"}
    for name, values in taken.seconds.items():
        results.measured(name, values, "s", notes[name])
    for name, values in taken.peak.items():
        results.measured(f"{name}: peak memory of the worker", values, "MB", "VmHWM")
    results.judged(ALL, taken.ratio(ALL, BUSY), 1.5, how="by the busy tenants alone")
    if taken.seconds[CELERY]:
        faster = taken.ratio(CELERY, ALL)
        results.judged(
            "Celery asking each tenant", faster, 5, sense="at_least", how="by ours, which also does the work"
        )
    flat = median(taken.peak[ALL]) / median(taken.peak[BUSY])
    what = f"Memory of the worker from {busy:,} to {tenants:,} tenants"
    results.judged(what, flat, 1.1, how="peak in an hourly run; flat")

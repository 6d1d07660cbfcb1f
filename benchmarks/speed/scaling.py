"""The figures of docs/scaling.md: what a tenant, a row and a page to plan cost, and how time and memory grow."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import uuid4

import asyncpg
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client

from benchmarks.speed.results import Bench, Target
from benchmarks.speed.servers import Servers, database, written
from benchmarks.speed.store import Fleet, fill_nights, fill_past, night
from benchmarks.speed.workers import Cycle, workers
from memory_maintenance.cycles.planner import Planner
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import open_pool
from memory_maintenance.task import Tools
from memory_maintenance.tasks import tasks_with
from memory_maintenance.work import Kind, Run
from workflows.messages import MaintenanceRequest
from workflows.options import PAGE_SIZE

# --- what a night leaves in Temporal, and what it costs by tenant and by row -------------------------


async def measure_shares(bench: Bench, servers: Servers) -> None:
    """Do two nights of many small tenants, then two of fewer large ones; the second night counts."""
    small, large = Fleet(bench.size(1_000, 50), 10), Fleet(bench.size(300, 30), 1_000)
    cycle, left, _ = await _second_night(servers, small)
    for name, amount in left.items():
        bench.take(f"Temporal, a tenant and night: {name}", amount / cycle.tenants, name, f"{small.tenants:,} tenants")
    for process, seconds in cycle.processors._asdict().items():
        name = f"Processor time by tenant: {process.capitalize()}"
        bench.take(name, 1e3 * seconds / cycle.tenants, "ms", f"{small.memories_each} memories each")
    cycle, _, heap_only = await _second_night(servers, large)
    note = f"{heap_only:.0%} without touching an index"
    bench.take("Written ahead per row, second night, for scaling", cycle.wal_bytes / cycle.rows, "bytes", note)
    for process, seconds in cycle.processors._asdict().items():
        name = f"Processor time by million rows: {process.capitalize()}"
        bench.take(name, 1e6 * seconds / cycle.rows, "s", f"{large.tenants:,} tenants of {large.memories_each:,}")


async def _second_night(servers: Servers, fleet: Fleet) -> tuple[Cycle, Counter[str], float]:
    """Return the run, what it left in Temporal, and the share of its rows that touched no index."""
    async with database(servers) as url:
        await fill_nights(url, fleet)
        async with workers(servers, url) as ours:
            await ours.decay(night(1))
            load = await _load(ours.client)
        before = await written(url)
        async with workers(servers, url) as ours:
            cycle = await ours.decay(night(2))
            left = await _load(ours.client)
        after = await written(url)
    left.subtract(load)
    return cycle, left, (after.heap_only - before.heap_only) / (after.rows - before.rows)


async def _load(client: Client) -> Counter[str]:
    """Return events and bytes of the histories of all workflows, and state transitions, by the server's account."""
    total: Counter[str] = Counter()
    async for listed in client.list_workflows():
        request = DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=listed.raw_info.execution)
        info = (await client.workflow_service.describe_workflow_execution(request)).workflow_execution_info
        total["events"] += info.history_length
        total["bytes"] += info.history_size_bytes
        total["transitions"] += info.state_transition_count
    return total


# --- planning ----------------------------------------------------------------------------------------

SCANNED: Final = 500
"""Tenants that one set of the planner's statements looks at; a page of 200 with work takes at least one such set."""

PAGES: Final = 8
"""Pages planned one after the other on one connection: from the sixth on Postgres may use a generic plan."""

PLANNED: Final = "Planning a page of a {} run, {:,} rows"
PLAIN: Final = "Planning a page of a {} run, {:,} rows, any pool"

KINDS: Final[tuple[Kind, ...]] = ("daily", "hourly")


async def measure_planning(bench: Bench, servers: Servers) -> None:
    """Plan pages in two stores of equal tenants, of which the second has ten times as many."""
    each = bench.size(1_000, 50)
    small, large = 1_000 * each, 10_000 * each
    for memories in (small, large):
        async with database(servers) as url:
            await fill_past(url, Fleet(memories // each, each, busy=10), summarized=True)
            for kind in KINDS:
                note = f"of {SCANNED} tenants looked at, {each:,} memories each"
                bench.take(PLANNED.format(kind, memories), await _planned(url, kind), note=note)
                if memories == small:
                    bench.take(PLAIN.format(kind, memories), await _planned(url, kind, plain=True), note=note)
    for kind in KINDS:
        ratio = bench.ratio(PLAIN.format(kind, small), PLANNED.format(kind, small))
        how = "asyncpg.create_pool(url) by the pool of the worker"
        bench.judge(Target(f"Planning a page of a {kind} run on any pool", ratio, 1.1, how=how))
        ratio = bench.ratio(PLANNED.format(kind, large), PLANNED.format(kind, small))
        how = f"{large:,} rows by {small:,}, tenants of {each:,} each"
        bench.judge(Target(f"Planning a page of a {kind} run in ten times as many rows", ratio, 1.5, how=how))


async def _planned(url: str, kind: Kind, *, plain: bool = False) -> list[float]:
    """Return the seconds by ``SCANNED`` tenants of each page but the first, which finds little in memory.

    *plain*: on a pool that a user of the library opened, without this project's session settings.
    """
    settings, seconds = Settings(_env_file=None, rae_llm_backend="extractive"), list[float]()
    pool = await (
        asyncpg.create_pool(url, min_size=1, max_size=1) if plain else open_pool(url, size=1, timeout_seconds=600)
    )
    tasks = [task for task in tasks_with(Tools(pool, settings)) if kind in task.spec.cycles]
    try:
        for _ in range(PAGES + 1):
            began = time.perf_counter()
            run = Run(cycle_id=uuid4(), as_of=datetime.now(UTC), kind=kind)
            page = await Planner(pool, settings, tasks).plan_page(run, limit=PAGE_SIZE)
            seconds.append((time.perf_counter() - began) * SCANNED / page.looked_at)
    finally:
        await pool.close()
    return seconds[1:]


# --- how time and memory grow ------------------------------------------------------------------------

GROWTH: Final = "Growth: {:,} {}, {} worker{}: {}"
"""Measurements so called are the points of a picture."""

Axis = Literal["memories", "tenants", "sessions"]

FULL: Final[dict[tuple[Axis, int], tuple[int, ...]]] = {
    ("memories", 1): (10_000, 100_000, 1_000_000, 10_000_000),
    ("tenants", 1): (10, 100, 1_000, 10_000),
    ("tenants", 2): (10, 100, 1_000),
    ("sessions", 1): (10, 100, 1_000),
    ("sessions", 2): (10, 100, 1_000),
}
"""What grows, and the worker processes that share the work: the sizes."""

SMALL: Final[dict[tuple[Axis, int], tuple[int, ...]]] = {
    ("memories", 1): (1_000, 10_000),
    ("tenants", 1): (10, 50),
    ("sessions", 2): (10, 20),
}

LARGEST_REPEATED: Final = 1_000
"""Largest size that is run more than once: the others take up to minutes, and vary less."""


async def measure_growth(bench: Bench, servers: Servers) -> None:
    """Let one thing grow and everything else stay; each point on a fresh store, with fresh workers."""
    for (axis, count), sizes in (SMALL if bench.quick else FULL).items():
        for size in sizes:
            async with database(servers) as template:
                await fill_past(template, _fleet(axis, size), summarized=axis == "sessions")
                for _ in range(bench.repetitions if size <= LARGEST_REPEATED else 1):
                    await _point(bench, servers, template, axis, size, count)


async def _point(bench: Bench, servers: Servers, template: str, axis: Axis, size: int, count: int) -> None:
    hourly = axis == "sessions"
    request = MaintenanceRequest(kind="hourly") if hourly else MaintenanceRequest(tasks=("decay",))
    async with database(servers, template=template) as url, workers(servers, url, count=count) as ours:
        cycle = await ours.run(request)
        megabytes = ours.peak_megabytes
    done = {"memories": cycle.rows, "tenants": cycle.tenants, "sessions": cycle.summaries}[axis]
    if done != size:
        raise RuntimeError(f"the run did {done} of {size} {axis}")
    point = (size, axis, count, "s" if count > 1 else "")
    bench.take(GROWTH.format(*point, "time"), cycle.seconds)
    bench.take(GROWTH.format(*point, "peak memory of a worker"), megabytes, "MB", "VmHWM")


def _fleet(axis: Axis, size: int) -> Fleet:
    if axis == "memories":
        return Fleet(1, size)
    if axis == "tenants":
        return Fleet(size, 10)
    return Fleet(size // 10, 10, busy=size // 10, sessions=10)

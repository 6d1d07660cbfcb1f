"""One night of decay over a large store: ours, what bounds it from below, and what others do in its place.

All work on copies of the same files, taken one after the other within each repetition, so that a
slow minute of the machine meets all of them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.speed import bare_sql, celery_run, rae_loop
from benchmarks.speed.bench import Bench
from benchmarks.speed.children_worker import children_worker, run_children
from benchmarks.speed.decay_results import (
    AGAIN,
    BARE,
    BARE_TWO,
    CELERY,
    CHILDREN,
    EVEN,
    LOOP,
    SKEWED,
    TABLE,
    Taken,
    report,
)
from benchmarks.speed.processes import processors
from benchmarks.speed.servers import (
    Servers,
    database,
    rows_written_since,
    settle,
    transaction_id,
    updates,
    wal_position,
)
from benchmarks.speed.store import fill, fill_skewed, night, tenant_ids
from benchmarks.speed.workers import connected_client, run_decay, worker

TENANTS: Final = 1_000
MEMORIES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Ground:
    """What every competitor starts from."""

    bench: Bench
    servers: Servers
    home: Path
    template: str
    tenants: Sequence[str]
    taken: Taken


async def measure(bench: Bench) -> None:
    """Measure a night of decay."""
    tenants = bench.size(TENANTS, 20)
    memories = bench.size(MEMORIES, 10_000)
    taken = Taken(memories, tenants)
    async with bench.servers(temporal_database=True) as servers, AsyncExitStack() as stores:
        even = await stores.enter_async_context(database(servers))
        skewed = await stores.enter_async_context(database(servers))
        began = time.perf_counter()
        await fill(even, tenants, memories // tenants)
        await fill_skewed(skewed, tenants, memories, large=memories // 2)
        bench.tell("two stores", f"filled in {time.perf_counter() - began:.0f} s")
        for _ in range(bench.repetitions):
            with bench.folder() as home:
                await _repetition(Ground(bench, servers, home, even, await tenant_ids(even), taken), skewed)
    report(taken, bench.results)


async def _repetition(ground: Ground, skewed: str) -> None:
    await _ours(ground)
    await _ours_skewed(ground, skewed)
    await _bare(ground)
    await _on_copy(ground, BARE_TWO, lambda url: bare_sql.per_tenant(url, night(1), ground.tenants, connections=2))
    await _on_copy(ground, TABLE, lambda url: bare_sql.whole_table(url, night(1)))
    await _on_copy(ground, LOOP, lambda url: rae_loop.one_after_the_other(url, night(1), ground.tenants))
    await _children(ground)
    await _celery(ground)


async def _ours(ground: Ground) -> None:
    """Two nights, the first of them run twice; each begins on a settled store, with a worker just started."""
    async with database(ground.servers, template=ground.template) as url:
        for number in (1, 2):
            await settle(url)
            before = await updates(url)
            async with worker(ground.servers, url, home=ground.home) as process:
                wal = await wal_position(url)
                cycle = await run_decay(process, night(number))
                ground.taken.wal(EVEN, number, (await wal_position(url) - wal) / cycle.rows)
                if number == 1:
                    ground.taken.peak.append(process.peak_megabytes)
                    ground.taken.ours.append(cycle)
                    _took(ground, EVEN, cycle.seconds, str(cycle.processors))
                    written = await transaction_id(url)
                    again = await run_decay(process, night(number))
                    ground.taken.again_rows.append(await rows_written_since(url, written))
                    ground.taken.again_children.append(again.tenants)
                    _took(ground, AGAIN, again.seconds)
            ground.taken.hot(EVEN, number, (await updates(url)).since(before).hot_share)


async def _ours_skewed(ground: Ground, template: str) -> None:
    async with database(ground.servers, template=template) as url:
        await settle(url)
        async with worker(ground.servers, url, home=ground.home) as process:
            cycle = await run_decay(process, night(1))
        _took(ground, SKEWED, cycle.seconds, str(cycle.processors))


async def _bare(ground: Ground) -> None:
    async with database(ground.servers, template=ground.template) as url:
        for number in (1, 2):
            await settle(url)
            before, wal, began = await updates(url), await wal_position(url), time.perf_counter()
            rows = await bare_sql.per_tenant(url, night(number), ground.tenants)
            if number == 1:
                _took(ground, BARE, time.perf_counter() - began)
            ground.taken.wal(BARE, number, (await wal_position(url) - wal) / rows)
            ground.taken.hot(BARE, number, (await updates(url)).since(before).hot_share)


async def _on_copy(ground: Ground, name: str, run: Callable[[str], Awaitable[int]]) -> None:
    async with database(ground.servers, template=ground.template) as url:
        await settle(url)
        began = time.perf_counter()
        rows = await run(url)
        seconds = time.perf_counter() - began
    _check_rows(ground, name, rows)
    _took(ground, name, seconds)


async def _children(ground: Ground) -> None:
    client = await connected_client(ground.servers)
    async with children_worker(ground.servers, home=ground.home) as process:
        before, began = processors(ground.servers, process), time.perf_counter()
        done = await run_children(client, ground.tenants)
        seconds, used = time.perf_counter() - began, processors(ground.servers, process).since(before)
    if done != len(ground.tenants):
        raise RuntimeError(f"only {done} children have ended")
    ground.taken.children.append(used)
    _took(ground, CHILDREN, seconds, str(used))


async def _celery(ground: Ground) -> None:
    if missing := celery_run.missing():
        remark = f"{CELERY}: {missing}"
        if remark not in ground.bench.results.remarks:
            ground.bench.results.remarks.append(remark)
            ground.bench.tell(CELERY, missing)
        return
    async with database(ground.servers, template=ground.template) as url:
        await settle(url)
        rows, seconds = await celery_run.by_celery("decay_tenant", url, night(1), ground.tenants, home=ground.home)
    _check_rows(ground, CELERY, rows)
    _took(ground, CELERY, seconds)


def _check_rows(ground: Ground, name: str, rows: int) -> None:
    if rows < 0.9 * ground.taken.memories:
        raise RuntimeError(f"{name}: only {rows} memories were written")


def _took(ground: Ground, name: str, seconds: float, more: str = "") -> None:
    ground.taken.seconds[name].append(seconds)
    ground.bench.tell(name, f"{seconds:.2f} s" + (f" ({more})" if more else ""))

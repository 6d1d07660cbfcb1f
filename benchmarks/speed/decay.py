"""A night of decay over a large store, beside what bounds it from below and what others do in its place; a month, too.

All work on copies of the same files, one after the other within each repetition, so that a slow
minute of the machine meets all of them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

from benchmarks.speed.children import run_children
from benchmarks.speed.competitors import by_celery, missing, tenant_by_tenant, whole_table
from benchmarks.speed.results import Bench, Target
from benchmarks.speed.servers import Processors, Servers, database, settle, value, wal_position
from benchmarks.speed.store import Fleet, fill_nights, night, tenant_ids
from benchmarks.speed.workers import workers

Competitor = Callable[[str], Awaitable[tuple[int, float]]]
"""From the URL of a store to the rows written and the seconds it took."""

NIGHT: Final = "One night of decay: "
"""Measurements so called are the bars of a picture."""

OURS: Final = NIGHT + "through Temporal"
SKEWED: Final = NIGHT + "the same, one tenant has half of the memories"
PARTITIONED: Final = NIGHT + "the same, table partitioned by tenant"
CHILDREN: Final = NIGHT + "children with one empty activity, no SQL"
BARE: Final = NIGHT + "bare UPDATE per tenant, one connection"
BARE_TWO: Final = NIGHT + "bare UPDATE per tenant, two connections"
TABLE: Final = NIGHT + "bare UPDATE of the whole table"
LOOP: Final = NIGHT + "RAE's rule, tenants one after the other"
CELERY: Final = NIGHT + "RAE's rule, Celery on 2 processes with Redis"
CELERY_BARE: Final = NIGHT + "bare UPDATE, Celery on 2 processes with Redis"
AGAIN: Final = "The same run again, same as_of"
AGAIN_ROWS: Final = "Rows that it writes"
AGAIN_CHILDREN: Final = "Children that it starts"
PEAK: Final = "Peak memory of the worker"

NOTES: Final = {
    BARE: "the floor: four columns, no rule",
    TABLE: "the floor with one statement",
    LOOP: "one column, no base: a second run decays again",
    CELERY: "one column; keeps no history: a killed worker's task is lost or done twice",
    CELERY_BARE: "four columns, no rule; keeps no history",
}

VALUES_OF: Final = """
SELECT count(*) || ' ' || md5(string_agg(id || ' ' || importance || ' ' || decayed_importance, '|' ORDER BY id))
FROM memories
"""
DIFFERENT: Final = "Values that differ in a partitioned table"

WRITTEN_SINCE: Final = "SELECT count(*) FROM memories WHERE xmin::text::bigint > $1"
"""Rows of transactions later than $1; the ids of a fresh server have not wrapped around."""

MONTH: Final = "A month of nights: through Temporal"
MONTH_TOLERANT: Final = "A month of nights: the same with MEMORY_DECAY_TOLERANCE=0.001"
MONTH_CELERY: Final = "A month of nights: RAE's rule, Celery on 2 processes with Redis"

MONTHS: Final[dict[str, dict[str, str] | None]] = {
    MONTH: {},
    MONTH_TOLERANT: {"MEMORY_DECAY_TOLERANCE": "0.001"},
    MONTH_CELERY: None,
}
"""The settings of the worker that does the nights; None: Celery does them."""


async def measure_night(bench: Bench, servers: Servers) -> None:
    """Measure a night of this project and of each competitor, in every repetition."""
    fleet = Fleet(bench.size(1_000, 20), bench.size(1_000, 500))
    memories = fleet.tenants * fleet.memories_each
    size = f"{memories:,} memories of {fleet.tenants:,} tenants"
    async with database(servers) as even, database(servers) as skewed, database(servers) as parted:
        await fill_nights(even, fleet)
        await fill_nights(skewed, replace(fleet, large=memories // 2))
        await fill_nights(parted, replace(fleet, partitions=8))
        tenants, at = await tenant_ids(even), night(1)
        competitors: dict[str, Competitor] = {
            BARE: lambda url: _timed(tenant_by_tenant(url, "bare", at, tenants)),
            BARE_TWO: lambda url: _timed(tenant_by_tenant(url, "bare", at, tenants, connections=2)),
            TABLE: lambda url: _timed(whole_table(url, at)),
            LOOP: lambda url: _timed(tenant_by_tenant(url, "rae", at, tenants)),
            CELERY: lambda url: by_celery(servers, url, "rae", at, tenants),
            CELERY_BARE: lambda url: by_celery(servers, url, "bare", at, tenants),
        }
        if lacking := missing():
            bench.skipped |= dict.fromkeys((CELERY, CELERY_BARE), lacking)
        for _ in range(bench.repetitions):
            plain = await _ours(bench, servers, even, size)
            for name, template in ((SKEWED, skewed), (PARTITIONED, parted)):
                async with database(servers, template=template) as url:
                    await settle(url)
                    async with workers(servers, url) as ours:
                        bench.take(name, (await ours.decay(at)).seconds)
                    if name == PARTITIONED:
                        bench.take(DIFFERENT, await value(url, VALUES_OF) != plain, "tables")
            seconds, used = await run_children(servers, fleet.tenants)
            bench.take(CHILDREN, seconds)
            _processors(bench, CHILDREN, used)
            for name, run in competitors.items():
                if name not in bench.skipped:
                    async with database(servers, template=even) as url:
                        await _competitor(bench, url, name, run, least=int(0.9 * memories))
    _judge(bench, size)


async def _timed(doing: Awaitable[int]) -> tuple[int, float]:
    began = time.perf_counter()
    return await doing, time.perf_counter() - began


async def _competitor(bench: Bench, url: str, name: str, run: Competitor, *, least: int) -> None:
    for number in (1, 2) if name == BARE else (1,):
        await settle(url)
        wal = await wal_position(url)
        rows, seconds = await run(url)
        if rows < least:
            raise RuntimeError(f"{name}: only {rows} memories were written")
        if number == 1:
            bench.take(name, seconds, note=NOTES.get(name, ""))
        bench.take(_wal(name, number), (await wal_position(url) - wal) / rows, "bytes")


async def _ours(bench: Bench, servers: Servers, template: str, size: str) -> str:
    """Measure two nights, the first of them run twice; each begins on a settled store, with a worker just started.

    Return a digest of what the first night left.
    """
    left = ""
    async with database(servers, template=template) as url:
        for number in (1, 2):
            await settle(url)
            async with workers(servers, url) as ours:
                cycle = await ours.decay(night(number))
                if number == 1:
                    bench.take(OURS, cycle.seconds, note=size)
                    bench.take(PEAK, ours.peak_megabytes, "MB", "VmHWM, first night")
                    _processors(bench, OURS, cycle.processors)
                    last = await value(url, "SELECT pg_current_xact_id()::text::bigint")
                    again = await ours.decay(night(number))
                    bench.take(AGAIN, again.seconds)
                    bench.take(AGAIN_ROWS, await value(url, WRITTEN_SINCE, last), "rows")
                    bench.take(AGAIN_CHILDREN, again.tenants, "children")
                    left = await value(url, VALUES_OF)
                bench.take(_wal(OURS, number), cycle.wal_bytes / cycle.rows, "bytes")
    return left


def _processors(bench: Bench, name: str, used: Processors) -> None:
    for process, seconds in used._asdict().items():
        bench.take(f"Processor time: {name.removeprefix(NIGHT)}: {process.capitalize()}", seconds)


def _wal(name: str, number: int) -> str:
    return f"Written ahead per row: {name.removeprefix(NIGHT)}, night {number}"


def _judge(bench: Bench, size: str) -> None:
    ours = bench.median(OURS)
    floor = ours / (bench.median(CHILDREN) + bench.median(BARE))
    bench.judge(Target(f"Decay of {size}", floor, 1, how="ours by empty children plus bare UPDATE per tenant"))
    bench.judge(Target("The same by RAE's rule in a loop", bench.ratio(OURS, LOOP), 1, goal=True))
    if CELERY not in bench.skipped:
        for other, bound in ((CELERY, 1.2), (CELERY_BARE, 1.05)):
            what = f"The same by {other.removeprefix(NIGHT)}"
            bench.judge(Target(what, bench.ratio(OURS, other), bound, how=NOTES[other], goal=True))
    bench.judge(Target("One tenant has half of the memories", bench.ratio(SKEWED, OURS), 1.25, how="by the even store"))
    bench.judge(Target("The table is partitioned", bench.ratio(PARTITIONED, OURS), 1.2, how="by the plain table"))
    bench.judge(Target(DIFFERENT, max(bench.measurements[DIFFERENT].values), 0, "tables"))
    bench.judge(Target(AGAIN, 100 * bench.ratio(AGAIN, OURS), 5, "%", how="of the first"))
    bench.judge(Target(AGAIN_ROWS, max(bench.measurements[AGAIN_ROWS].values), 0, "rows"))
    bench.judge(Target(AGAIN_CHILDREN, max(bench.measurements[AGAIN_CHILDREN].values), 0, "children"))
    bench.judge(Target(PEAK, bench.median(PEAK), 200, "MB"))
    for number in (1, 2):
        ratio = bench.ratio(_wal(OURS, number), _wal(BARE, number))
        bench.judge(Target(f"Written ahead per row, night {number}", ratio, 1.15, how="by the bare UPDATE's"))


async def measure_month(bench: Bench, servers: Servers) -> None:
    """Measure the nights of a month once, by each on its own copy of one store, which is settled before every night."""
    fleet, nights = Fleet(bench.size(1_000, 10), bench.size(1_000, 500)), bench.size(30, 3)
    memories = fleet.tenants * fleet.memories_each
    if lacking := missing():
        bench.skipped[MONTH_CELERY] = lacking
    async with database(servers) as template:
        await fill_nights(template, fleet)
        tenants = await tenant_ids(template)
        for name, settings in MONTHS.items():
            if name in bench.skipped:
                continue
            rows, seconds = 0, list[float]()
            async with database(servers, template=template) as url, AsyncExitStack() as stack:
                by_ours = workers(servers, url, settings=settings) if settings is not None else None
                ours = await stack.enter_async_context(by_ours) if by_ours else None
                for at in map(night, range(1, nights + 1)):
                    await settle(url)
                    if ours is None:
                        written, took = await by_celery(servers, url, "rae", at, tenants)
                    else:
                        cycle = await ours.decay(at)
                        written, took = cycle.rows, cycle.seconds
                    rows += written
                    seconds.append(took)
            bench.take(
                name, sum(seconds), note=f"nights 1 to {nights}, {memories:,} memories, {fleet.tenants:,} tenants"
            )
            bench.take(f"{name}: each night", seconds)
            bench.take(f"{name}: rows written", 100 * rows / memories / nights, "%", "of memories and nights")
    if MONTH_CELERY not in bench.skipped:
        for name, how in ((MONTH, "default settings: no tolerance"), (MONTH_TOLERANT, "not the default")):
            what = f"{name} by Celery's"
            bench.judge(Target(what, bench.ratio(name, MONTH_CELERY), 0.6, how=how, goal=True))
    saved = bench.ratio(MONTH_TOLERANT, MONTH)
    bench.judge(Target("A month with the tolerance by one without", saved, 0.6, how="ours", goal=True))

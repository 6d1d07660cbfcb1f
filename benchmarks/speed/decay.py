"""One night of decay over a large store, beside what bounds it from below and what others do in its place.

All work on copies of the same files, one after the other within each repetition, so that a slow
minute of the machine meets all of them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from statistics import fmean
from typing import Final

from benchmarks.speed.children import run_children
from benchmarks.speed.competitors import by_celery, missing, tenant_by_tenant, whole_table
from benchmarks.speed.results import Bench, Target
from benchmarks.speed.servers import Processors, Servers, database, settle, value, wal_position
from benchmarks.speed.store import Fleet, fill_nights, night, tenant_ids
from benchmarks.speed.workers import Cycle, workers

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

TOLERANCE: Final = "0.005"


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
    bench.judge(Target("The same by RAE's rule in a loop", bench.ratio(OURS, LOOP), 1.2, goal=True))
    if CELERY not in bench.skipped:
        how = NOTES[CELERY]
        bench.judge(Target("The same by Celery with Redis", bench.ratio(OURS, CELERY), 3, how=how, goal=True))
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


async def measure_tolerance(bench: Bench, servers: Servers) -> None:
    """Measure the last nights of forty with a tolerance and without, each on its copy of one store.

    Few large tenants: with 1,000 memories each, the child workflows, which both need, would be half the time.
    """
    fleet = Fleet(bench.size(4, 1), bench.size(50_000, 5_000))
    first, last = bench.size(30, 4), bench.size(40, 6)
    memories, rows = fleet.tenants * fleet.memories_each, []
    size = f"mean of nights {first} to {last}, {memories:,} memories of {fleet.tenants} tenants"
    names = {"0": "A night without tolerance", TOLERANCE: f"A night with a tolerance of {TOLERANCE}"}
    async with database(servers) as template:
        await fill_nights(template, fleet)
        for tolerance, name in names.items():
            nights: list[Cycle] = []
            settings = {"MEMORY_DECAY_TOLERANCE": tolerance}
            async with database(servers, template=template) as url, workers(servers, url, settings=settings) as ours:
                for number in range(1, last + 1):
                    if number >= first:
                        await settle(url)
                    nights.append(await ours.decay(night(number)))
            bench.take(name, [cycle.seconds for cycle in nights[first - 1 :]], note=size)
            rows.append(fmean(cycle.rows for cycle in nights[first - 1 :]))
    without, tolerant = (fmean(bench.measurements[name].values) for name in names.values())
    what = f"Rows written with MEMORY_DECAY_TOLERANCE={TOLERANCE}"
    bench.judge(Target(what, 100 * rows[1] / memories, 25, "%", how=size))
    bench.judge(Target("Time with it", 100 * tolerant / without, 50, "%", how="of the same nights without"))

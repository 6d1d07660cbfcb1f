"""What a tolerance saves: forty nights with and without, the last eleven counted."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Final

from benchmarks.speed.bench import Bench
from benchmarks.speed.servers import Servers, database, settle
from benchmarks.speed.store import fill, night
from benchmarks.speed.workers import Cycle, run_decay, worker

TOLERANCE: Final = "0.005"
WITHOUT: Final = "0"


MEMORIES_EACH: Final = 50_000
"""Many: of a tenant with 1,000 a child workflow, which both kinds of night need, is half of the time."""


async def measure(bench: Bench) -> None:
    """Measure nights with MEMORY_DECAY_TOLERANCE and without, one after the other on copies of one store."""
    tenants, memories_each = bench.size(4, 1), bench.size(MEMORIES_EACH, 5_000)
    first, last = bench.size(30, 4), bench.size(40, 6)
    async with bench.servers(temporal_database=True) as servers, database(servers) as template:
        await fill(template, tenants, memories_each)
        without, tolerant = [
            await _nights(bench, servers, template, tolerance=tolerance, first=first, last=last)
            for tolerance in (WITHOUT, TOLERANCE)
        ]
    memories = tenants * memories_each
    nights = f"mean of nights {first} to {last}, {memories:,} memories of {tenants} tenants"
    results = bench.results
    results.measured("A night without tolerance", _seconds(without), "s", nights)
    results.measured(f"A night with a tolerance of {TOLERANCE}", _seconds(tolerant), "s", nights)
    share = 100 * fmean(cycle.rows for cycle in tolerant) / memories
    results.judged(f"Rows written with MEMORY_DECAY_TOLERANCE={TOLERANCE}", share, 25, unit="%", how=nights)
    time = 100 * fmean(_seconds(tolerant)) / fmean(_seconds(without))
    results.judged("Time with it", time, 50, unit="%", how="of the same nights without")


async def _nights(
    bench: Bench, servers: Servers, template: str, *, tolerance: str, first: int, last: int
) -> list[Cycle]:
    """Do all nights from the first on, which decide what is stored, and return those that count."""
    counted = []
    with bench.folder() as home:
        async with database(servers, template=template) as url:
            settings = {"MEMORY_DECAY_TOLERANCE": tolerance}
            async with worker(servers, url, home=home, settings=settings) as process:
                for number in range(1, last + 1):
                    if number >= first:
                        await settle(url)
                    cycle = await run_decay(process, night(number))
                    if number >= first:
                        counted.append(cycle)
                    bench.tell(f"tolerance {tolerance}, night {number}", f"{cycle.seconds:.2f} s, {cycle.rows} rows")
    return counted


def _seconds(cycles: Sequence[Cycle]) -> list[float]:
    return [cycle.seconds for cycle in cycles]

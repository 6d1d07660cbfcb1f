"""One night of many small tenants: decay alone, and with a session that is due for some; ours beside Celery."""

from __future__ import annotations

from typing import Final

from benchmarks.speed.competitors import by_celery, missing
from benchmarks.speed.results import Bench, Target
from benchmarks.speed.servers import Servers, database, settle
from benchmarks.speed.store import Fleet, fill_nights, night, tenant_ids
from benchmarks.speed.workers import Cycle, workers
from workflows.messages import MaintenanceRequest

DECAY: Final = "A night of small tenants: decay through Temporal"
DUE: Final = "A night of small tenants: decay and due sessions through Temporal"
CELERY: Final = "A night of small tenants: RAE's rule, Celery on 2 processes with Redis"
CELERY_DUE: Final = "A night of small tenants: RAE's rule and its fallback as summaries, Celery"
PEAK: Final = "Peak memory of the worker: decay of {:,} tenants"


async def measure_fleet(bench: Bench, servers: Servers) -> None:
    """Measure a night of more than a page of tenants, which are done in bulk but for those with a due session."""
    fleet = Fleet(bench.size(10_000, 250), bench.size(100, 20), busy=bench.size(200, 5))
    few = Fleet(bench.size(1_000, 25), fleet.memories_each)
    size = f"{fleet.tenants:,} tenants of {fleet.memories_each} memories"
    sessions = f"a session of 12 events is due for {fleet.busy} of them"
    at = night(1)
    if lacking := missing():
        bench.skipped |= dict.fromkeys((CELERY, CELERY_DUE), lacking)
    async with database(servers) as template, database(servers) as smaller:
        await fill_nights(template, fleet)
        await fill_nights(smaller, few)
        tenants, due = await tenant_ids(template), await tenant_ids(template, due=True)
        for _ in range(bench.repetitions):
            _, peak = await _night(servers, smaller, "decay")
            bench.take(PEAK.format(few.tenants), peak, "MB", "VmHWM")
            cycle, peak = await _night(servers, template, "decay")
            bench.take(DECAY, cycle.seconds, note=size)
            bench.take(PEAK.format(fleet.tenants), peak, "MB", "VmHWM")
            cycle, _ = await _night(servers, template, "decay", "summarization")
            if cycle.summaries != fleet.busy:
                raise RuntimeError(f"{cycle.summaries} summaries of {fleet.busy} due sessions")
            bench.take(DUE, cycle.seconds, note=f"extractive; {sessions}")
            if CELERY in bench.skipped:
                continue
            async with database(servers, template=template) as url:
                await settle(url)
                _, seconds = await by_celery(servers, url, "rae", at, tenants)
                bench.take(CELERY, seconds, note="one column; keeps no history")
                written, more = await by_celery(servers, url, "fallback", at, due)
                if written != fleet.busy:
                    raise RuntimeError(f"Celery wrote {written} summaries of {fleet.busy} sessions")
                bench.take(CELERY_DUE, seconds + more, note="knows which are due; quotes the first five events")
    if CELERY not in bench.skipped:
        bench.judge(Target(f"Decay of {size}", bench.ratio(DECAY, CELERY), 1.3, how="by Celery's", goal=True))
        bench.judge(
            Target(f"The same night; {sessions}", bench.ratio(DUE, CELERY_DUE), 1.3, how="by Celery's", goal=True)
        )
    flat = bench.ratio(PEAK.format(fleet.tenants), PEAK.format(few.tenants))
    what = f"Memory of the worker from {few.tenants:,} to {fleet.tenants:,} decayed tenants"
    bench.judge(Target(what, flat, 1.1, how="peak; flat"))


async def _night(servers: Servers, template: str, *tasks: str) -> tuple[Cycle, float]:
    """Do a night on a copy of a store, by a worker started for it; return what it was and its peak memory."""
    async with database(servers, template=template) as url:
        await settle(url)
        async with workers(servers, url) as ours:
            return await ours.run(MaintenanceRequest(tasks=tasks, as_of=night(1))), ours.peak_megabytes

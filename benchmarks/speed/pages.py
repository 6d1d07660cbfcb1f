"""What a page of ``starter.py web`` takes, beside the functions that it asks: the rest is words and markup."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import httpx2

from benchmarks.speed.results import Bench, Target
from benchmarks.speed.servers import Servers, database
from benchmarks.speed.store import Fleet, fill_nights, tenant_ids
from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome
from memory_maintenance.cycles.record import close_cycle, open_cycle, record_outcomes
from memory_maintenance.inspection.cycles import latest_cycles
from memory_maintenance.inspection.decay import explain_decay
from memory_maintenance.inspection.derived import dependents_of, written_memory
from memory_maintenance.inspection.fleet import fleet_page
from memory_maintenance.inspection.report import cycle_report
from memory_maintenance.inspection.tenant import tenant_report
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch_value
from memory_maintenance.work import Counts
from web.application import application
from web.fleet import PER_PAGE
from web.sources import Sources, opened

NIGHTS: Final = 30
TIMES: Final = 9
"""Requests of each page; the first, which finds little in memory, does not count."""

AT_MOST: Final = 1.5
"""Of the pages by the functions behind them."""

SECONDS: Final = 0.2
"""Of one page; a goal, because it depends on the machine."""

ANY_MEMORY: Final = """
-- speed.ANY_MEMORY
SELECT id FROM memories LIMIT 1
"""

DECAYED: Final = """
-- speed.DECAYED: one tenant's memories have a base, so that the page of a cycle has its histogram.
--   $1 tenant_id  text
UPDATE memories SET base_importance = importance, base_importance_at = created_at WHERE tenant_id = $1::text::uuid
"""

Asked = Callable[[], Awaitable[object]]


async def measure_pages(bench: Bench, servers: Servers) -> None:
    """Ask for each page of a large fleet with a month of nights, and for what is behind it."""
    size = Fleet(bench.size(10_000, 50), bench.size(100, 20))
    settings = Settings(_env_file=None, rae_llm_backend="extractive")
    async with database(servers) as url:
        await fill_nights(url, size)
        async with opened(Sources(settings, url, "127.0.0.1:1")) as sources:
            pool, tenants = await sources.pool(), await tenant_ids(url)
            await execute(pool, DECAYED, tenants[0])
            await _record_nights(pool, tenants)
            memory: UUID = await fetch_value(pool, ANY_MEMORY)
            behind: dict[str, Asked] = {
                "/fleet": lambda: fleet_page(pool, most=PER_PAGE),
                f"/tenant?id={tenants[0]}": lambda: tenant_report(pool, settings, tenants[0]),
                f"/memory?id={memory}": lambda: _explained(pool, settings, memory),
                "/cycles": lambda: latest_cycles(pool, NIGHTS),
                "/cycle": lambda: cycle_report(pool),
            }
            transport = httpx2.ASGITransport(application(sources))
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                taken = [await _measure(bench, client, path, function, size) for path, function in behind.items()]
    # Of all together: words and markup take some milliseconds, more than the statement of a page that reads little.
    ratio = sum(page for page, _ in taken) / sum(functions for _, functions in taken)
    bench.judge(Target("The web pages by the functions behind them", ratio, AT_MOST, how="sums of medians"))


async def _measure(
    bench: Bench, client: httpx2.AsyncClient, path: str, behind: Asked, size: Fleet
) -> tuple[float, float]:
    """Return the seconds of the page and of the functions behind it."""
    name, note = path.partition("?")[0], f"{size.tenants * size.memories_each:,} memories, {size.tenants:,} tenants"
    page, functions = f"Page {name}", f"Behind the page {name}"
    # In turn, so that both have the same caches.
    taken = [(await _seconds(lambda: _get(client, path)), await _seconds(behind)) for _ in range(TIMES)][1:]
    bench.take(page, [one for one, _ in taken], note=note)
    bench.take(functions, [one for _, one in taken], note=note)
    bench.judge(Target(f"The page {name}", bench.median(page), SECONDS, "s", goal=True))
    return bench.median(page), bench.median(functions)


async def _get(client: httpx2.AsyncClient, path: str) -> None:
    (await client.get(path)).raise_for_status()


async def _seconds(asked: Asked) -> float:
    began = time.perf_counter()
    await asked()
    return time.perf_counter() - began


async def _explained(pool: Pool, settings: Settings, memory: UUID) -> None:
    await explain_decay(pool, settings, [memory])
    await written_memory(pool, memory)
    await dependents_of(pool, memory)


async def _record_nights(pool: Pool, tenants: list[str]) -> None:
    """Record nights in which every tenant had work, by the functions that record a run's."""
    outcomes = [TenantOutcome(tenant_id=each, decay=Counts(seen=100, updated=50), seconds=0.1) for each in tenants]
    for age in range(NIGHTS, 0, -1):
        cycle, at = uuid4(), datetime.now(UTC) - timedelta(days=age)
        await open_cycle(pool, cycle, kind="daily", as_of=at, config={"llm_backend": "extractive"})
        for page, start in enumerate(range(0, len(outcomes), 1_000)):
            await record_outcomes(pool, cycle, page, outcomes[start : start + 1_000])
        totals = CycleTotals(looked_at=len(tenants)).with_outcomes(outcomes)
        await close_cycle(pool, cycle, status="completed", totals=totals.model_dump(mode="json"))

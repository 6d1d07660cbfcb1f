"""What it costs to plan a page, in stores whose tenants are alike and of which one has ten times as many."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from benchmarks.speed.bench import Bench
from benchmarks.speed.servers import database
from benchmarks.speed.session_store import Fleet, fill_sessions
from memory_maintenance.cycles.outcomes import TASKS, Task
from memory_maintenance.cycles.planner import Planner
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import open_pool
from workflows.options import PAGE_SIZE

SCANNED: Final = 500
"""Tenants that one set of the planner's statements looks at; a page of 200 with work takes at least one such set."""

TIMES: Final = 8
"""Pages planned one after the other on one connection: from the sixth on Postgres may take a plan of its own making."""

KINDS: Final[dict[str, tuple[Task, ...]]] = {"daily": TASKS, "hourly": ("summarization",)}
"""Tasks of a run of each kind."""


async def measure(bench: Bench) -> None:
    """Fill both stores and plan pages in each."""
    taken: dict[tuple[str, int], float] = {}
    each = bench.size(1_000, 50)
    small, large = 1_000 * each, 10_000 * each
    async with bench.servers() as servers:
        for memories in (small, large):
            async with database(servers) as url:
                await fill_sessions(url, Fleet(memories // each, each, busy=10))
                for kind in KINDS:
                    values = await _planned(url, kind)
                    name = f"Planning a page of a {kind} run, {memories:,} rows"
                    note = f"of {SCANNED} tenants looked at, {each:,} memories each"
                    taken[kind, memories] = bench.results.measured(name, values, "s", note).median
                    bench.tell(name, f"{taken[kind, memories]:.3f} s")
    for kind in KINDS:
        growth = taken[kind, large] / taken[kind, small]
        what = f"Planning a page of a {kind} run in ten times as many rows"
        bench.results.judged(what, growth, 1.5, how=f"{large:,} rows by {small:,}, tenants of {each:,} each")


async def _planned(url: str, kind: str) -> list[float]:
    """Return the seconds by ``SCANNED`` tenants of each time but the first, which finds little in memory."""
    pool = await open_pool(url, size=1, timeout_seconds=600)
    planner, seconds = Planner(pool, Settings(_env_file=None, rae_llm_backend="extractive")), []
    try:
        for _ in range(TIMES + 1):
            began = time.perf_counter()
            as_of = datetime.now(UTC)
            page = await planner.plan_page(as_of=as_of, daily=kind == "daily", tasks=KINDS[kind], limit=PAGE_SIZE)
            seconds.append((time.perf_counter() - began) * SCANNED / page.looked_at)
    finally:
        await pool.close()
    return seconds[1:]

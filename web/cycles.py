"""*Cycles*: the trend over thirty nights, and one night as ``report --html`` saves it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from starlette.datastructures import QueryParams
from temporalio.service import RPCError

from memory_maintenance.errors import MaintenanceError
from memory_maintenance.inspection.calls import cycle_costs
from memory_maintenance.inspection.cycle_words import kind_of
from memory_maintenance.inspection.cycles import Cycle, latest_cycles
from memory_maintenance.inspection.report import TREND, cycle_report, trend_of
from memory_maintenance.inspection.task_words import columns_of
from runtime.running import left_running
from web.cycle_page import cycle_context, trends
from web.page import Filled
from web.sources import PATIENCE_SECONDS, Sources

SHOWN: Final = 30


async def read(sources: Sources, query: QueryParams) -> Filled:  # noqa: ARG001  every page takes a query
    """Return the page of all cycles."""
    pool = await sources.pool()
    cycles = await _as_the_server_has_them(sources, await latest_cycles(pool, SHOWN))
    nights = await latest_cycles(pool, TREND, "daily", of_fleet=True)
    points = await trend_of(pool, nights[::-1])
    return Filled(
        "cycles.html.j2",
        {
            "title": "Cycles",
            "cycles": cycles,
            "costs": await cycle_costs(pool, [one.cycle_id for one in cycles]),
            "trends": trends(points),
            "points": len(points),
            "tasks": columns_of(one.totals for one in cycles),
            "kind": kind_of,
        },
    )


async def read_one(sources: Sources, query: QueryParams) -> Filled:
    """Return the page of the cycle whose id begins with ``id``; without one, of the newest over the whole fleet.

    Raises:
        CycleNotFoundError: no cycle matches, or more than one.
    """
    report = await cycle_report(await sources.pool(), query.get("id") or None, with_text=sources.with_text)
    [known] = await _as_the_server_has_them(sources, [report.cycle])
    return Filled("report.html.j2", {"layout": "layout.html.j2", **cycle_context(replace(report, cycle=known))})


async def _as_the_server_has_them(sources: Sources, cycles: Sequence[Cycle]) -> list[Cycle]:
    """Return *cycles*, those as ``abandoned`` that are open and whose workflow no longer runs, if Temporal answers."""
    left: set[UUID] = set()
    if open_ones := [cycle.cycle_id for cycle in cycles if cycle.status == "running"]:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                left = await left_running(await sources.client(), open_ones)
        except (MaintenanceError, RPCError, TimeoutError):
            sources.forget_client()
    return [cycle.unless_left(left) for cycle in cycles]

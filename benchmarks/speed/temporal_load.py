"""What a night leaves in Temporal, and what it costs all processes: by tenant and by row, for docs/scaling.md."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest, ListWorkflowExecutionsRequest
from temporalio.client import Client

from benchmarks.speed.bench import Bench
from benchmarks.speed.servers import database, updates, wal_position
from benchmarks.speed.store import fill, night
from benchmarks.speed.workers import Cycle, run_decay, worker

SMALL: Final = 10
"""Memories of a tenant where what a tenant costs is asked for."""

LARGE: Final = 1_000
"""Memories of a tenant where what a row costs is asked for."""

_UNITS: Final = {"events": "events", "bytes": "bytes", "transitions": "transitions"}


@dataclass(frozen=True, slots=True)
class Load:
    """Of all workflows on a server: events and bytes of their histories, and state transitions."""

    events: int
    bytes: int
    transitions: int

    def since(self, before: Load) -> Load:
        """Return what came after *before*."""
        return Load(*(getattr(self, f.name) - getattr(before, f.name) for f in fields(Load)))


async def load(client: Client) -> Load:
    """Return what the server's workflows come to, by its own descriptions of each."""
    total, page = Load(0, 0, 0), b""
    while True:
        found = await client.workflow_service.list_workflow_executions(
            ListWorkflowExecutionsRequest(namespace=client.namespace, page_size=500, next_page_token=page)
        )
        for listed in found.executions:
            described = await client.workflow_service.describe_workflow_execution(
                DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=listed.execution)
            )
            info = described.workflow_execution_info
            total = Load(
                total.events + info.history_length,
                total.bytes + info.history_size_bytes,
                total.transitions + info.state_transition_count,
            )
        page = found.next_page_token
        if not page:
            return total


async def measure(bench: Bench) -> None:
    """Do two nights of many small tenants, then two of fewer large ones."""
    await _by_tenant(bench, bench.size(1_000, 50))
    await _by_row(bench, bench.size(300, 30))


async def _by_tenant(bench: Bench, tenants: int) -> None:
    with bench.folder() as home:
        async with bench.servers() as servers, database(servers) as url:
            await fill(url, tenants, SMALL)
            async with worker(servers, url, home=home) as ours:
                await run_decay(ours, night(1))
                before = await load(ours.client)
                cycle = await run_decay(ours, night(2))
                used = (await load(ours.client)).since(before)
    for name, unit in _UNITS.items():
        share = getattr(used, name) / cycle.tenants
        note = f"{tenants:,} tenants, decay alone"
        bench.results.measured(f"Temporal, a tenant and night: {name}", share, unit, note)
        bench.tell(name, f"{share:.1f} a tenant")
    _processors(bench, cycle, cycle.tenants, "tenant", f"{SMALL} memories each")


async def _by_row(bench: Bench, tenants: int) -> None:
    with bench.folder() as home:
        async with bench.servers() as servers, database(servers) as url:
            await fill(url, tenants, LARGE)
            async with worker(servers, url, home=home) as ours:
                await run_decay(ours, night(1))
                wal, rows = await wal_position(url), await updates(url)
                cycle = await run_decay(ours, night(2))
                wal, rows = await wal_position(url) - wal, (await updates(url)).since(rows)
    hot = f"{rows.hot_share:.0%} without touching an index"
    bench.results.measured("Written ahead per row, second night, for scaling", wal / cycle.rows, "bytes", hot)
    bench.tell("written ahead", f"{wal / cycle.rows:.0f} bytes a row, {hot}")
    _processors(bench, cycle, cycle.rows / 1e6, "million rows", f"{tenants:,} tenants of {LARGE:,}")


def _processors(bench: Bench, cycle: Cycle, by: float, what: str, note: str) -> None:
    for process in ("worker", "temporal", "postgres"):
        seconds = getattr(cycle.processors, process) / by
        name = f"Processor time by {what}: {process.capitalize()}"
        small = what == "tenant"
        kept = bench.results.measured(name, seconds * (1e3 if small else 1), "ms" if small else "s", note)
        bench.tell(name, f"{kept.median:.2f} {kept.unit}")

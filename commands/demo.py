"""``demo``: the main job on the embedded servers, from nothing to results."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.live import Live
from rich.table import Table
from rich.text import Text
from temporalio.client import Client
from temporalio.service import RPCError

from commands.console import AsJson, err, out, print_json, run, settings_for_command
from commands.demo_results import show_results
from commands.instants import AsOf
from commands.tables import table
from memory_maintenance.cycles.outcomes import TenantOutcome
from memory_maintenance.inspection.task_words import specs
from memory_maintenance.settings import Settings
from memory_maintenance.store.importing import import_memories
from runtime.runs import start_run
from runtime.wiring import running_application
from runtime.workers import polling
from workflows.messages import MaintenanceRequest
from workflows.page import tenant_workflow_id
from workflows.tenant import TenantMaintenanceWorkflow

SAMPLES: Final = Path(__file__).parent.parent / "samples"
_POLL_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Stage:
    """What one tenant's run is at."""

    status: str = "waiting"
    outcome: TenantOutcome | None = None


def demo(as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Run one daily maintenance over sample memories, on servers of its own, and show what happened."""
    # A demo never writes samples into somebody's store: only the embedded servers are used.
    stats = run(_demo(settings_for_command(embedded=True), as_of, quiet=as_json))
    if as_json:
        print_json(stats)


async def _demo(settings: Settings, as_of: datetime | None, *, quiet: bool) -> dict[str, Any]:
    say = partial((err if quiet else out).print, highlight=False)
    servers = "Postgres, Temporal and a worker (each a real one, in your home folder)"
    say(Text.assemble(("1. Starting", "bold"), f" {servers}"))
    async with running_application(settings) as app, polling(app.client, settings, app.pool):
        say(f"   Temporal Web UI: {app.stack.temporal_ui_url}")
        with (SAMPLES / "memories.jsonl").open("rb") as lines:
            imported = await import_memories(app.pool, lines)
        counts = f"{imported.added} memories added, {imported.already_there} already there"
        say(Text.assemble(("2. Importing", "bold"), f" samples: {counts}"))
        how = ": decay, then summaries, then dreams, every tenant a workflow of its own"
        say(Text.assemble(("3. One daily maintenance", "bold"), how))
        stats = await _maintain(app.client, as_of, quiet=quiet)
        if not quiet:
            again = await _maintain(app.client, datetime.fromisoformat(stats["as_of"]), quiet=True)
            await show_results(app, tenant_names(), stats, again)
        return stats


def tenant_names() -> dict[str, str]:
    """Return the sample tenants' names by id."""
    named: Mapping[str, Mapping[str, str]] = json.loads((SAMPLES / "tenants.json").read_text())
    return {tenant_id: about["name"] for tenant_id, about in named.items()}


async def _maintain(client: Client, as_of: datetime | None, *, quiet: bool) -> dict[str, Any]:
    names = tenant_names()
    started = await start_run(client, MaintenanceRequest(tenants=tuple(names), as_of=as_of))
    result = asyncio.create_task(started.result())
    if quiet:
        return await result
    with Live(console=err, transient=True) as live:
        while not result.done():
            live.update(_picture(names, await _stages(client, names, started.first_execution_run_id)))
            await asyncio.wait({result}, timeout=_POLL_SECONDS)
    return result.result()


async def _stages(client: Client, names: Mapping[str, str], root_run: str | None) -> dict[str, Stage]:
    found = await asyncio.gather(*(_stage(client, tenant_id, root_run) for tenant_id in names))
    return dict(zip(names, found, strict=True))


async def _stage(client: Client, tenant_id: str, root_run: str | None) -> Stage:
    handle = client.get_workflow_handle(tenant_workflow_id(tenant_id))
    try:
        described = await handle.describe()
        if described.raw_description.workflow_execution_info.root_execution.run_id != root_run:
            return Stage()  # the run of an earlier cycle
        status = await handle.query(TenantMaintenanceWorkflow.status)
        done = await handle.query(TenantMaintenanceWorkflow.progress)
    except RPCError:
        return Stage()
    return Stage("done" if described.close_time else status, done)


def _picture(names: Mapping[str, str], stages: Mapping[str, Stage]) -> Table:
    shown = [spec for spec in specs() if spec.always_shown]
    rows = table(None, "   tenant", "stage", *(f"{spec.results}#" for spec in shown))
    for tenant_id, stage in stages.items():
        done = stage.outcome or TenantOutcome(tenant_id=tenant_id)
        counts = [done.of(spec.name).of(*spec.done) for spec in shown]
        rows.add_row(f"   {names[tenant_id]}", stage.status, *map(str, counts))
    return rows

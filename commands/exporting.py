"""``memories export-derived``: what maintenance wrote, as JSON Lines for an index outside the store."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import typer

from commands.console import err, refuse, run, say, settings_for_command
from commands.instants import instant
from memory_maintenance.inspection.cycles import find_cycle
from memory_maintenance.inspection.export import derived_since
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.tenants.known import ensure_known
from runtime.wiring import running_store

OVERLAP: Final = timedelta(minutes=1)
"""Longer than any transaction that stores a text, which carries the time of its beginning."""


def export_derived(
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            parser=instant,
            metavar="TIME",
            help="Only what was written since: a date or a time in ISO 8601; UTC unless it says otherwise.",
        ),
    ] = None,
    since_cycle: Annotated[
        str | None,
        typer.Option(
            "--since-cycle",
            metavar="ID",
            help="Only what was written since a cycle started: its id, or the beginning of it.",
        ),
    ] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")] = None,
) -> None:
    """Print summaries and reflections as JSON Lines, with their texts, for an index such as RAE's Qdrant."""
    if since is not None and since_cycle is not None:
        refuse("give one of --since and --since-cycle")
    count, began = run(_export(settings_for_command(), since, since_cycle, tenant))
    next_since = (began - OVERLAP).isoformat(timespec="seconds")
    say(f"{count} texts; for what is written from now on: --since {next_since}", on=err)


async def _export(
    settings: Settings, since: datetime | None, since_cycle: str | None, tenant: str | None
) -> tuple[int, datetime]:
    count = 0
    async with running_store(settings) as pool:
        began = await checked_as_of(pool, None)
        if tenant is not None:
            await ensure_known(pool, tenant)
        if since_cycle is not None:
            since = (await find_cycle(pool, since_cycle)).started_at
        async for line in derived_since(pool, since, tenant_id=tenant):
            sys.stdout.write(_as_text(line))
            count += 1
    return count, began


def _as_text(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"

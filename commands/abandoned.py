"""Cycles that are open in the store and whose workflow no longer runs on the server."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from commands.console import show_note
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.inspection.cycles import Cycle
from memory_maintenance.settings import Settings
from runtime.client import connect
from runtime.running import left_running
from runtime.wiring import running_temporal


async def as_the_server_has_them(settings: Settings, cycles: Sequence[Cycle]) -> list[Cycle]:
    """Return *cycles*, those as ``abandoned`` that are open and whose workflow no longer runs.

    Temporal is asked only where a cycle is open.
    """
    left: set[UUID] = set()
    if open_ones := [cycle.cycle_id for cycle in cycles if cycle.status == "running"]:
        try:
            async with running_temporal(settings) as address:
                left = await left_running(await connect(address, settings, patience_seconds=3), open_ones)
        except MaintenanceError as error:
            show_note(f"whether open cycles still run is not known: {error}")
    return [cycle.unless_left(left) for cycle in cycles]

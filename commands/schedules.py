"""``schedules``: the two Schedules of the daily and the hourly run."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import typer

from commands.console import AsJson, out, print_json, run, settings_for_command, table
from memory_maintenance.settings import Settings
from runtime.client import connect
from runtime.schedules import ScheduleState, apply_schedule, schedule_id, schedule_states
from runtime.wiring import running_stack_of

app = typer.Typer(no_args_is_help=True, help="The Schedules of the daily and the hourly run.")


@app.command("apply")
def apply() -> None:
    """Create the Schedules or bring them to the settings; a pause stays."""
    for name, done in run(_apply(settings_for_command())):
        out.print(f"{name}: {done}", highlight=False)
    out.print("see them: starter.py schedules list", highlight=False)


async def _apply(settings: Settings) -> list[tuple[str, str]]:
    async with running_stack_of(settings) as stack:
        client = await connect(stack.temporal_address, settings)
        return [(schedule_id(kind), await apply_schedule(client, settings, kind)) for kind in ("daily", "hourly")]


@app.command("list")
def list_schedules(as_json: AsJson = False) -> None:
    """Show the Schedules with their next and last times, in UTC."""
    states = run(_states(settings_for_command()))
    if as_json:
        return print_json([asdict(state) for state in states])
    rows = table(None, "schedule", "state", "next", "last", "skipped#", "missed#")
    for state in states:
        paused = f"paused ({state.note})" if state.paused and state.note else "paused" if state.paused else "active"
        rows.add_row(
            state.id, paused, _time(state.next_at), _time(state.last_at), str(state.skipped), str(state.missed)
        )
    out.print(rows if states else "no schedules: create them with starter.py schedules apply")
    return None


async def _states(settings: Settings) -> list[ScheduleState]:
    async with running_stack_of(settings) as stack:
        client = await connect(stack.temporal_address, settings)
        return [state async for state in schedule_states(client)]


def _time(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else "-"

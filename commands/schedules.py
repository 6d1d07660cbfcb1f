"""``schedules``: the two Schedules of the daily and the hourly run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from temporalio.client import Client

from activities.messages import Kind
from commands.console import AsJson, By, err, fail, out, print_json, run, settings_for_command, table
from commands.run import INSTANTS
from memory_maintenance.settings import Settings
from runtime.client import connect
from runtime.schedule_orders import (
    ScheduleState,
    backfill,
    delete,
    pause,
    resume,
    schedule_states,
    trigger,
)
from runtime.schedules import KINDS, apply_schedule, schedule_id
from runtime.search_attributes import RegistrationRefusedError, register_search_attributes
from runtime.wiring import running_stack_of

Result = TypeVar("Result")

app = typer.Typer(no_args_is_help=True, help="The Schedules of the daily and the hourly run.")

_TIMES = ["%Y-%m-%d", *INSTANTS]
OneKind = Annotated[Kind, typer.Argument(help="daily or hourly.")]


@app.command("apply")
def apply() -> None:
    """Bring the Schedules to what the settings say, and register the search attributes; a pause stays."""
    for name, done in run(_apply(settings_for_command())):
        out.print(f"{name}: {done}", highlight=False)
    out.print("see them: starter.py schedules list", highlight=False)


async def _apply(settings: Settings) -> list[tuple[str, str]]:
    async with _connected(settings) as client:
        done = [(schedule_id(kind), str(await apply_schedule(client, settings, kind))) for kind in KINDS]
        return [*done, ("search attributes", await _register(client))]


async def _register(client: Client) -> str:
    try:
        new = await register_search_attributes(client)
    except RegistrationRefusedError as error:
        err.print(f"note: {error}", highlight=False, soft_wrap=True)
        return "not registered"
    return f"registered {', '.join(new)}" if new else "unchanged"


@app.command("list")
def list_schedules(as_json: AsJson = False) -> None:
    """Show the Schedules with their next and last times, in UTC."""
    states = run(_states(settings_for_command()))
    if as_json:
        return print_json([asdict(state) for state in states])
    rows = table(None, "schedule", "state", "next (UTC)", "last (UTC)", "running", "skipped#", "missed#")
    for state in states:
        paused = f"paused ({state.note})" if state.paused and state.note else "paused" if state.paused else "active"
        times = (_time(state.next_at) if not state.paused else "-", _time(state.last_at))
        rows.add_row(state.id, paused, *times, ", ".join(state.running) or "-", str(state.skipped), str(state.missed))
    out.print(rows if states else "no schedules: create them with starter.py schedules apply")
    return None


async def _states(settings: Settings) -> list[ScheduleState]:
    async with _connected(settings) as client:
        return [state async for state in schedule_states(client)]


@app.command("trigger")
def trigger_schedule(kind: OneKind) -> None:
    """Run a Schedule now, also a paused one; nothing is started while its last run goes on."""
    started = run(_on_server(settings_for_command(), lambda client: trigger(client, kind)))
    if started is None:
        fail(f"{schedule_id(kind)} runs already, nothing was started: starter.py schedules list")
    out.print(f"started {started}", highlight=False, soft_wrap=True)


@app.command("backfill")
def backfill_schedule(
    kind: OneKind,
    start: Annotated[datetime, typer.Option("--from", formats=_TIMES, help="ISO 8601, UTC unless it says otherwise.")],
    end: Annotated[datetime, typer.Option("--to", formats=_TIMES, help="The same; both are included.")],
) -> None:
    """Run a Schedule for times past, one after the other, each as of its own time.

    Seldom needed: the next run finds all that is due by itself, and decay as of a time before
    the tenant's last writes nothing.
    """
    first, last = _utc(start), _utc(end)
    times = run(_on_server(settings_for_command(), lambda client: backfill(client, kind, first, last)))
    out.print(f"{schedule_id(kind)}: {times} runs, one after the other; see starter.py schedules list", soft_wrap=True)


@app.command("pause")
def pause_schedule(
    kind: OneKind, note: Annotated[str, typer.Option("--note", help="Why.")] = "paused", by: By = None
) -> None:
    """Stop a Schedule's automatic times; what runs goes on."""
    said = f"{by}: {note}" if by else note
    run(_on_server(settings_for_command(), lambda client: pause(client, kind, note=said)))
    out.print(f"paused {schedule_id(kind)} ({said}); undo: starter.py schedules resume {kind}", soft_wrap=True)


@app.command("resume")
def resume_schedule(kind: OneKind, by: By = None) -> None:
    """Let a Schedule run by itself again; the next run finds the work of the times that passed."""
    said = f"resumed by {by}" if by else "resumed"
    run(_on_server(settings_for_command(), lambda client: resume(client, kind, note=said)))
    out.print(f"resumed {schedule_id(kind)}; undo: starter.py schedules pause {kind}", soft_wrap=True)


@app.command("delete")
def delete_schedule(kind: OneKind) -> None:
    """Remove a Schedule; what runs goes on."""
    run(_on_server(settings_for_command(), lambda client: delete(client, kind)))
    setting = f"MAINTENANCE_{kind.upper()}_CRON=off"
    out.print(
        f"deleted {schedule_id(kind)}; undo: starter.py schedules apply (for good: set {setting})",
        highlight=False,
        soft_wrap=True,
    )


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Client]:
    async with running_stack_of(settings) as stack:
        yield await connect(stack.temporal_address, settings)


async def _on_server(settings: Settings, order: Callable[[Client], Awaitable[Result]]) -> Result:
    async with _connected(settings) as client:
        return await order(client)


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _time(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else "-"

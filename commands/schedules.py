"""``schedules``: those of the daily and the hourly run, and of tenants with daily times of their own."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Final

import typer
from temporalio.client import Client

from commands.console import (
    AsJson,
    By,
    Reason,
    fail,
    options,
    out,
    print_json,
    run,
    said,
    say,
    settings_for_command,
    show_note,
    starter,
)
from commands.instants import instant
from commands.schedule_audit import ScheduleOrder, schedule_order
from commands.tables import fitting_table, table
from embedded.stack import Stack
from memory_maintenance.errors import MaintenanceError, RegistrationRefusedError
from memory_maintenance.inspection.cycle_words import minute
from memory_maintenance.settings import Settings
from memory_maintenance.tenants.daily_times import applied_groups
from memory_maintenance.tenants.orders import latest_orders
from memory_maintenance.work import Kind
from runtime.client import connect
from runtime.schedule_groups import apply_groups, daily_group, remove_group
from runtime.schedule_orders import (
    ScheduleState,
    backfill,
    delete,
    note_order,
    pause,
    resume,
    schedule_states,
    trigger,
)
from runtime.schedules import apply_schedule
from runtime.search_attributes import register_search_attributes
from runtime.wanted_schedules import KINDS, schedule_id
from runtime.wiring import in_store, running_pool, running_stack_of

_PAUSED_BY: Final = "paused by "

app = typer.Typer(no_args_is_help=True, help="The Schedules of the daily and the hourly run.")

OneKind = Annotated[Kind, typer.Argument(help="daily or hourly.")]


@app.command("apply")
def apply() -> None:
    """Bring the Schedules to what the settings say, and register the search attributes; a pause stays."""
    for name, done in run(_apply(settings_for_command())):
        say(f"{name}: {done}")
    say("see them: starter.py schedules list")


async def _apply(settings: Settings) -> list[tuple[str, str]]:
    async with running_stack_of(settings) as stack:
        client = await connect(stack.temporal_address, settings)
        of_groups, daily = dict[str, str](), None
        try:
            async with running_pool(settings, stack.database_url) as pool:
                of_groups = await apply_groups(client, pool, settings)
                daily = daily_group(await applied_groups(pool))
        except MaintenanceError as error:
            show_note(f"the Schedules of tenants with times of their own are as they were: {error}")
        done = [
            (schedule_id(kind), str(await apply_schedule(client, settings, kind, daily if kind == "daily" else None)))
            for kind in KINDS
        ]
        return [*done, *of_groups.items(), ("search attributes", await _register(client))]


async def _register(client: Client) -> str:
    try:
        new = await register_search_attributes(client)
    except RegistrationRefusedError as error:
        show_note(str(error))
        return "not registered"
    return f"registered {', '.join(new)}" if new else "unchanged"


@app.command("list")
def list_schedules(as_json: AsJson = False) -> None:
    """Show the Schedules with their next and last times, in UTC."""
    states = run(_states(settings_for_command()))
    if as_json:
        return print_json([asdict(state) for state in states])
    columns = ("schedule", "state", "next (UTC)", "last (UTC)", "note", "running", "skipped#", "missed#")
    rows = fitting_table(columns, [_row(state) for state in states], whole=2)
    out.print(rows if states else "no schedules: create them with starter.py schedules apply")
    return None


def _row(state: ScheduleState) -> tuple[str, ...]:
    times = ("paused", "-") if state.paused else ("active", minute(state.next_at))
    running = ", ".join(state.running) or "-"
    counts = (str(state.skipped), str(state.missed))
    name = f"{state.id} ({state.group})" if state.group else state.id
    return name, *times, minute(state.last_at), state.note or "-", running, *counts


async def _states(settings: Settings) -> list[ScheduleState]:
    async with running_stack_of(settings) as stack:
        client = await connect(stack.temporal_address, settings)
        return [state async for state in schedule_states(client, await _groups(settings, stack))]


async def _groups(settings: Settings, stack: Stack) -> list[str]:
    """Return the daily times of tenants that have a Schedule; none, and a note, where the store is away."""
    try:
        async with running_pool(settings, stack.database_url) as pool:
            return sorted(await applied_groups(pool))
    except MaintenanceError as error:
        show_note(f"the Schedules of tenants with times of their own are left out: {error}")
        return []


async def _groups_with(kind: Kind, order: ScheduleOrder) -> list[str]:
    """Return the daily times of tenants whose Schedules an order is about, too: with the daily one, all of them."""
    return await _groups(order.settings, order.stack) if kind == "daily" else []


@app.command("trigger")
def trigger_schedule(kind: OneKind, by: By = None, reason: Reason = None) -> None:
    """Run a Schedule now, also a paused one; nothing is started while its last run goes on.

    With the daily one, those of tenants' own daily times.
    """

    async def carry_out() -> list[str]:
        async with schedule_order(kind, by, reason) as order:
            all_started = []
            for group in (None, *await _groups_with(kind, order)):
                if started := await trigger(order.client, kind, group):
                    all_started.append(started)
                    await note_order(order.client, kind, order.in_words("triggered"), group=group)
                    await order.record("trigger", workflow=started)
            return all_started

    started = run(carry_out())
    if not started:
        fail(f"{schedule_id(kind)} runs already, nothing was started: starter.py schedules list")
    for workflow_id in started:
        say(f"started {workflow_id}{said(by, reason)}")


@app.command("backfill")
def backfill_schedule(
    kind: OneKind,
    start: Annotated[
        datetime, typer.Option("--from", parser=instant, metavar="TIME", help="ISO 8601, UTC unless it says otherwise.")
    ],
    end: Annotated[datetime, typer.Option("--to", parser=instant, metavar="TIME", help="The same; both are included.")],
    by: By = None,
    reason: Reason = None,
) -> None:
    """Run a Schedule for times past, one after the other, each as of its own time.

    With the daily one, those of tenants' own daily times. Seldom needed: the next run finds all that is due by itself,
    and decay as of a time before the tenant's last writes nothing.
    """

    async def carry_out() -> dict[str | None, int]:
        async with schedule_order(kind, by, reason) as order:
            groups = (None, *await _groups_with(kind, order))
            runs = await backfill(order.client, kind, start, end, groups)
            for group, times in runs.items():
                await note_order(order.client, kind, order.in_words("backfilled"), group=group)
                await order.record("backfill", start=start.isoformat(), end=end.isoformat(), runs=times)
            return runs

    for group, times in run(carry_out()).items():
        say(f"{schedule_id(kind, group)}: {times} runs, one after the other{said(by, reason)}")
    say("see starter.py schedules list")


@app.command("pause")
def pause_schedule(
    kind: OneKind,
    by: By = None,
    reason: Annotated[str | None, typer.Option("--reason", "--note", help="Why.")] = None,
) -> None:
    """Stop a Schedule's automatic times; what runs goes on. With the daily one, those of tenants' own daily times."""
    note = f"{by}: {reason}" if reason else f"{_PAUSED_BY}{by}"

    async def carry_out() -> ScheduleState:
        async with schedule_order(kind, by, reason) as order:
            before = await pause(order.client, kind, note=note)
            for group in await _groups_with(kind, order):
                await pause(order.client, kind, note=note, group=group)
            await order.record("pause")
            return before

    before = run(carry_out())
    undo = _pausing(kind, before.note) if before.paused else starter("schedules", "resume", kind)
    say(f"paused {schedule_id(kind)}{said(by, reason)}; undo: {undo}")
    if before.paused and before.note != note:
        say(f"it was paused already ({before.note or 'without a note'}): that is replaced")


def _pausing(kind: Kind, note: str | None) -> str:
    """Return the command that pauses a Schedule with the *note* it has, or had."""
    by, sign, reason = (note or "").partition(": ")
    if not sign:
        by, reason = (note.removeprefix(_PAUSED_BY), "") if note and note.startswith(_PAUSED_BY) else ("", note or "")
    return starter("schedules", "pause", kind, *options({"--by": by, "--reason": reason}))


@app.command("resume")
def resume_schedule(kind: OneKind, by: By = None, reason: Reason = None) -> None:
    """Let a Schedule run by itself again; the next run finds the work of the times that passed.

    With the daily one, those of tenants' own daily times.
    """

    async def carry_out() -> ScheduleState:
        async with schedule_order(kind, by, reason) as order:
            before = await resume(order.client, kind, note=order.in_words("resumed"))
            for group in await _groups_with(kind, order):
                await resume(order.client, kind, note=order.in_words("resumed"), group=group)
            if before.paused:
                await order.record("resume")
            return before

    before = run(carry_out())
    if not before.paused:
        return say(f"{schedule_id(kind)} was not paused: nothing was changed")
    return say(f"resumed {schedule_id(kind)}{said(by, reason)}; undo: {_pausing(kind, before.note)}")


@app.command("delete")
def delete_schedule(kind: OneKind, by: By = None, reason: Reason = None) -> None:
    """Remove a Schedule; what runs goes on. With the daily one, those of tenants' own daily times."""

    async def carry_out() -> None:
        async with schedule_order(kind, by, reason) as order:
            await delete(order.client, kind)
            if groups := await _groups_with(kind, order):
                async with running_pool(order.settings, order.stack.database_url) as pool:
                    for group in groups:
                        await remove_group(order.client, pool, group)
            await order.record("delete")

    run(carry_out())
    setting = f"MAINTENANCE_{kind.upper()}_CRON=off"
    say(f"deleted {schedule_id(kind)}{said(by, reason)}; undo: starter.py schedules apply (for good: set {setting})")


@app.command("orders")
def show_orders(
    last: Annotated[int, typer.Option("--last", min=1, help="How many.")] = 20, as_json: AsJson = False
) -> None:
    """Show who ordered what of the Schedules, when and why, also of one that was deleted since; the newest first."""
    orders = run(in_store(settings_for_command(), lambda pool: latest_orders(pool, None, last)))
    if as_json:
        return print_json([asdict(order) for order in orders])
    rows = table(None, "ordered (UTC)", "schedule", "what", "by", "reason")
    for one in orders:
        what = f"backfill {one.details['runs']} runs" if one.action == "backfill" else one.action
        rows.add_row(minute(one.ordered_at), one.details["schedule"], what, one.ordered_by or "-", one.reason or "-")
    return out.print(rows if orders else "no orders about the Schedules yet", highlight=False)

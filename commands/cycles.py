"""``cycles``: what maintenance runs did, and one of them in detail."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from commands.console import AsJson, err, out, print_json, run, settings_for_command, table
from commands.run import in_a_line
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.inspection.cycles import (
    Cycle,
    after_failure,
    find_cycle,
    latest_cycles,
    next_command,
    outcomes_of,
)
from memory_maintenance.inspection.report import CallCount, cycle_calls, cycle_costs, skipped_work
from memory_maintenance.operations.outcomes import TASKS, CycleTotals, TenantOutcome
from memory_maintenance.settings import Settings
from runtime.client import connect
from runtime.running import left_running
from runtime.wiring import running_store, running_temporal
from workflows.page import tenant_workflow_id

app = typer.Typer(invoke_without_command=True, help="What maintenance runs did; `cycles show ID` has one in detail.")

SHOWN_FAILURES = 50

TEMPORALS_VERSION: Final = 7
"""Of the UUIDs that Temporal gives to runs."""


def _number(of: Callable[[CycleTotals], int]) -> Callable[[Cycle, Decimal], str]:
    return lambda cycle, _: f"{of(cycle.totals):,}" if cycle.totals else "-"


def _failed(totals: CycleTotals) -> int:
    return totals.statuses.get("failed", 0) + totals.statuses.get("page_failed", 0)


COLUMNS: Final[Mapping[str, Callable[[Cycle, Decimal], str]]] = {
    "cycle": lambda cycle, _: short_id(cycle.cycle_id),
    "started (UTC)": lambda cycle, _: f"{cycle.started_at:%Y-%m-%d %H:%M}",
    "kind": lambda cycle, _: kind_of(cycle),
    "status": lambda cycle, _: cycle.status,
    "took#": lambda cycle, _: took(cycle.took),
    "tenants#": _number(lambda totals: totals.tenants),
    "failed#": _number(_failed),
    "decayed#": _number(lambda totals: totals.decay.updated),
    "summaries#": _number(lambda totals: totals.summarization.written),
    "dreams#": _number(lambda totals: totals.dreaming.reflections),
    "cost#": lambda _, cost: f"{cost:.4f}",
}
"""What the list says of a cycle and what it cost."""

LEAST_NEEDED: Final = ("dreams#", "summaries#", "decayed#", "tenants#", "cost#", "failed#", "took#", "started (UTC)")
"""Columns of the list that a narrow screen has no room for, the first to go first."""


@app.callback()
def list_cycles(
    context: typer.Context,
    last: Annotated[int, typer.Option("--last", min=1, max=10_000, help="How many, the newest first.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show the newest cycles with their totals; `cycles show ID` has one in detail."""
    if context.invoked_subcommand:
        return
    cycles, costs = run(_latest(settings_for_command(), last))
    if as_json:
        print_json([cycle_data(cycle) | {"cost": costs[cycle.cycle_id]} for cycle in cycles])
    elif not cycles:
        out.print("no cycle yet: starter.py run daily")
    else:
        _show_list(cycles, costs)


@app.command("show")
def show_cycle(
    cycle_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A cycle's id, or its beginning; left out: the newest.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one cycle: totals, cost, tenants by outcome, what was skipped and why, failures and what to type next."""
    cycle, outcomes, calls = run(_one(settings_for_command(), cycle_id))
    if as_json:
        data = [outcome.model_dump(mode="json") | next_steps(cycle, outcome) for outcome in outcomes]
        asked = [asdict(call) for call in calls]
        return print_json(cycle_data(cycle) | {"config": cycle.config, "calls": asked, "tenants": data})
    return _show_one(cycle, outcomes, calls)


def cycle_data(cycle: Cycle) -> dict[str, Any]:
    """Return a cycle as data; its configuration is left out."""
    totals = cycle.totals.model_dump(mode="json") if cycle.totals else None
    seconds = cycle.took.total_seconds() if cycle.took else None
    known = {k: v for k, v in asdict(cycle).items() if k != "config"}
    failure = cycle.failure.model_dump() if cycle.failure else None
    told = {"totals": totals, "seconds": seconds, "failure": failure}
    return known | told | (_whole(cycle) if cycle.status == "failed" else {})


async def _latest(settings: Settings, last: int) -> tuple[list[Cycle], dict[UUID, Decimal]]:
    async with running_store(settings) as pool:
        cycles = await as_the_server_has_them(settings, await latest_cycles(pool, last))
        return cycles, await cycle_costs(pool, [cycle.cycle_id for cycle in cycles])


async def _one(settings: Settings, beginning: str | None) -> tuple[Cycle, list[TenantOutcome], tuple[CallCount, ...]]:
    async with running_store(settings) as pool:
        cycle = await find_cycle(pool, beginning)
        [cycle] = await as_the_server_has_them(settings, [cycle])
        return cycle, await outcomes_of(pool, cycle.cycle_id), await cycle_calls(pool, cycle.cycle_id)


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
            err.print(f"note: whether open cycles still run is not known: {error}", highlight=False, soft_wrap=True)
    return [cycle.unless_left(left) for cycle in cycles]


def _show_list(cycles: Sequence[Cycle], costs: Mapping[UUID, Decimal]) -> None:
    columns = [(name, [cell(cycle, costs[cycle.cycle_id]) for cycle in cycles]) for name, cell in COLUMNS.items()]
    out.print(fitting(columns, LEAST_NEEDED, out.width))
    out.print("more of one: starter.py cycles show CYCLE", highlight=False)


def fitting(columns: Sequence[tuple[str, Sequence[str]]], least_needed: Sequence[str], width: int) -> Table:
    """Return a table of those *columns* that fit into *width*, left out in the order of *least_needed*.

    Nothing in it is folded: what is left of an id or a state says nothing.
    """
    left = list(least_needed)
    while left and _width(columns) > width:
        dropped = left.pop(0)
        columns = [column for column in columns if column[0] != dropped]
    rows = table(None, *(name for name, _ in columns))
    for column in rows.columns:
        column.no_wrap, column.overflow = True, "ignore"
    for cells in zip(*(cells for _, cells in columns), strict=True):
        rows.add_row(*cells)
    return rows


def _width(columns: Sequence[tuple[str, Sequence[str]]]) -> int:
    gaps = 2 * (len(columns) - 1)
    return gaps + sum(max(map(len, [name.removesuffix("#"), *cells])) for name, cells in columns)


def kind_of(cycle: Cycle) -> str:
    """Return the kind, or the tasks where they are not all of it, and of how many tenants where they were named."""
    tasks = cycle.config.get("tasks")
    what = cycle.kind if tasks is None or cycle.kind != "daily" or set(tasks) >= set(TASKS) else " + ".join(tasks)
    return what if cycle.named_tenants is None else f"{what} of {cycle.named_tenants} named"


def _show_one(cycle: Cycle, outcomes: Sequence[TenantOutcome], calls: Sequence[CallCount]) -> None:
    totals = cycle.totals or CycleTotals().with_outcomes(outcomes)
    out.print(Text.assemble(f"{kind_of(cycle)} cycle {cycle.cycle_id}: ", (cycle.status, "bold")))
    out.print(
        f"as of {cycle.as_of:%Y-%m-%d %H:%M} UTC, started {cycle.started_at:%Y-%m-%d %H:%M}, took {took(cycle.took)}"
    )
    if cycle.status == "abandoned":
        out.print(
            "its workflow no longer runs and did not close it; the pages below were recorded, the next cycle goes on"
        )
    out.print(in_a_line(totals), highlight=False)
    out.print(_cost(cycle, calls), highlight=False)
    by_status = Counter(outcome.status for outcome in outcomes)
    out.print("tenants: " + (", ".join(f"{n} {status}" for status, n in by_status.most_common()) or "none with work"))
    for kind, why, count in skipped_work(totals):
        out.print(f"skipped: {count:,} {kind}, {why}", highlight=False)
    if cycle.status == "failed":
        _show_whole(cycle)
    _show_failures(cycle, [outcome for outcome in outcomes if outcome.failed])


def _cost(cycle: Cycle, calls: Sequence[CallCount]) -> str:
    """Return what the cycle cost, in the currency of the prices that are configured."""
    if not calls:
        return f"cost: 0, no model was asked; texts are written by {cycle.config.get('llm_backend', 'nobody')}"
    cost, asked = sum((call.cost for call in calls), Decimal(0)), sum(call.calls for call in calls)
    read, written = sum(call.input_tokens for call in calls), sum(call.output_tokens for call in calls)
    return f"cost: {cost:.4f} for {asked:,} questions to the model, {read:,} tokens in and {written:,} out"


def _show_failures(cycle: Cycle, failed: Sequence[TenantOutcome]) -> None:
    if not failed:
        return
    _say("\nFailed tenants")
    for outcome in failed[:SHOWN_FAILURES]:
        steps = next_steps(cycle, outcome)
        _say(f"{outcome.tenant_id}: {outcome.status}, {outcome.error_type or '-'} → {steps['next_command']}")
        _say_why(steps)
    if len(failed) > SHOWN_FAILURES:
        out.print(f"... and {len(failed) - SHOWN_FAILURES} more: starter.py cycles show {cycle.cycle_id} --json")


def _show_whole(cycle: Cycle) -> None:
    steps, failure = _whole(cycle), cycle.failure
    why = f"{failure.error_type}: {failure.message}".removesuffix(": ") if failure else "why, was not recorded"
    _say(f"\nThe cycle failed as a whole: {why} → {steps['next_command']}")
    _say_why(steps)


def _say_why(steps: Mapping[str, str]) -> None:
    if "workflow" in steps:
        _say(f"  in the Web UI: {steps['workflow']}")
    if "log" in steps:
        _say(f"  in the workers' log: {steps['log']}")


def _say(line: str) -> None:
    out.print(line, highlight=False, soft_wrap=True)


def next_steps(cycle: Cycle, outcome: TenantOutcome) -> dict[str, str]:
    """Return what to type about a tenant that failed, and where more is said; nothing of one that did not."""
    if not outcome.failed:
        return {}
    following = {"next_command": next_command(cycle.kind, outcome)}
    if not _by_temporal(cycle):
        return following | _log(outcome.tenant_id, "tenant_maintenance_failed")
    if outcome.status == "page_failed":  # its end was lost with the page, and no step of it failed
        return following | _root(cycle)
    workflow = tenant_workflow_id(outcome.tenant_id)
    return following | {"workflow": workflow} | _log(workflow, "activity_")


def _whole(cycle: Cycle) -> dict[str, str]:
    """Return what to type about a cycle that failed as a whole, and where more is said."""
    following, itself = {"next_command": after_failure(cycle)}, str(cycle.cycle_id)
    if not _by_temporal(cycle):
        return following | _log(itself, "maintenance_cycle_failed")
    return following | _root(cycle) | _log(itself, "activity_")


def _root(cycle: Cycle) -> dict[str, str]:
    return {"workflow": f'RunId = "{cycle.cycle_id}"'}


def _log(subject: str, event: str) -> dict[str, str]:
    return {"log": f"grep -F {shlex.quote(subject)} LOG | grep {event}"}


def _by_temporal(cycle: Cycle) -> bool:
    """Return whether a workflow did it: its id is the server's, of version 7; those of the library are random."""
    return cycle.cycle_id.version == TEMPORALS_VERSION


def short_id(cycle_id: UUID) -> str:
    """Return the beginning of an id that is enough to find the cycle: Temporal's begin with a time in milliseconds."""
    return str(cycle_id)[:13]


def took(length: timedelta | None) -> str:
    """Return a length of time in its two largest units."""
    if length is None:
        return "-"
    seconds = length.total_seconds()
    for unit, size, smaller, part in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} {int(seconds % size // part)} {smaller}"
    return f"{seconds:.1f} s"

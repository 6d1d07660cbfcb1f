"""``cycles``: what maintenance runs did, and one of them in detail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape

from commands.console import AsJson, err, out, print_json, run, settings_for_command, table
from commands.run import in_a_line
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.inspection.cycles import Cycle, find_cycle, latest_cycles, next_command, outcomes_of
from memory_maintenance.inspection.report import CallCount, cycle_calls, cycle_costs, skipped_work
from memory_maintenance.operations.outcomes import CycleTotals, TenantOutcome
from memory_maintenance.settings import Settings
from runtime.client import connect
from runtime.running import left_running
from runtime.wiring import running_store, running_temporal

app = typer.Typer(invoke_without_command=True, help="What maintenance runs did; `cycles show ID` has one in detail.")

SHOWN_FAILURES = 50


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
        data = [outcome.model_dump(mode="json") | _next(cycle, outcome) for outcome in outcomes]
        asked = [asdict(call) for call in calls]
        return print_json(cycle_data(cycle) | {"config": cycle.config, "calls": asked, "tenants": data})
    return _show_one(cycle, outcomes, calls)


def cycle_data(cycle: Cycle) -> dict[str, Any]:
    """Return a cycle as data; its configuration is left out."""
    totals = cycle.totals.model_dump(mode="json") if cycle.totals else None
    seconds = cycle.took.total_seconds() if cycle.took else None
    return {k: v for k, v in asdict(cycle).items() if k != "config"} | {"totals": totals, "seconds": seconds}


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
    columns = ("started (UTC)", "kind", "status", "took#", "tenants#", "failed#", "decayed#", "summaries#", "dreams#")
    rows = table(None, "cycle", *columns, "cost#")
    for cycle in cycles:
        numbers = _numbers(cycle.totals) if cycle.totals else ["-"] * 5
        rows.add_row(
            short_id(cycle.cycle_id), f"{cycle.started_at:%Y-%m-%d %H:%M}", _kind(cycle), cycle.status,
            took(cycle.took), *numbers, f"{costs[cycle.cycle_id]:.4f}",
        )  # fmt: skip
    out.print(rows)
    out.print("more of one: starter.py cycles show CYCLE", highlight=False)


def _kind(cycle: Cycle) -> str:
    """Return the kind, and of how many tenants where they were named: then it is no success of the fleet."""
    named = cycle.config.get("named_tenants")
    return cycle.kind if named is None else f"{cycle.kind} of {named} named"


def _numbers(totals: CycleTotals) -> list[str]:
    summaries = totals.summarization
    failed = totals.statuses.get("failed", 0) + totals.statuses.get("page_failed", 0)
    written = summaries.stored + summaries.updated + summaries.fallbacks
    return [f"{n:,}" for n in (totals.tenants, failed, totals.decay.updated, written, totals.dreaming.reflections)]


def _show_one(cycle: Cycle, outcomes: Sequence[TenantOutcome], calls: Sequence[CallCount]) -> None:
    totals = cycle.totals or CycleTotals().with_outcomes(outcomes)
    out.print(f"{_kind(cycle)} cycle {cycle.cycle_id}: [bold]{cycle.status}[/]", highlight=False)
    out.print(
        f"as of {cycle.as_of:%Y-%m-%d %H:%M} UTC, started {cycle.started_at:%Y-%m-%d %H:%M}, took {took(cycle.took)}"
    )
    if cycle.status == "abandoned":
        out.print(
            "its workflow no longer runs and did not close it; the pages below were recorded, the next cycle goes on"
        )
    out.print(in_a_line(totals), highlight=False)
    out.print(_cost(cycle, calls), highlight=False, markup=False)
    by_status = Counter(outcome.status for outcome in outcomes)
    out.print("tenants: " + (", ".join(f"{n} {status}" for status, n in by_status.most_common()) or "none with work"))
    for kind, why, count in skipped_work(totals):
        out.print(f"skipped: {count:,} {kind}, {why}", highlight=False)
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
    rows = table("\nFailures", "tenant", "status", "error", "next")
    for outcome in failed[:SHOWN_FAILURES]:
        following = escape(next_command(cycle.kind, outcome))
        rows.add_row(escape(outcome.tenant_id), outcome.status, outcome.error_type or "-", following)
    out.print(rows)
    if len(failed) > SHOWN_FAILURES:
        out.print(f"... and {len(failed) - SHOWN_FAILURES} more: starter.py cycles show {cycle.cycle_id} --json")


def _next(cycle: Cycle, outcome: TenantOutcome) -> dict[str, str]:
    return {"next_command": next_command(cycle.kind, outcome)} if outcome.failed else {}


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

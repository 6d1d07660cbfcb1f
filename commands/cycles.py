"""``cycles``: what maintenance runs did, a line for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

import typer

from commands.abandoned import as_the_server_has_them
from commands.console import AsJson, out, print_json, run, say, settings_for_command
from commands.cycle import cycle_data, show_cycle
from commands.tables import fitting_table
from memory_maintenance.cycles.outcomes import CycleTotals
from memory_maintenance.inspection.calls import cycle_costs
from memory_maintenance.inspection.cycle_words import kind_of, short_id, took
from memory_maintenance.inspection.cycles import Cycle, latest_cycles
from memory_maintenance.inspection.task_words import columns_of, specs
from memory_maintenance.settings import Settings
from memory_maintenance.work import TaskSpec
from runtime.wiring import running_store

app = typer.Typer(invoke_without_command=True, help="What maintenance runs did; `cycles show ID` has one in detail.")

app.command("show")(show_cycle)


def _number(of: Callable[[CycleTotals], int]) -> Callable[[Cycle, Decimal], str]:
    return lambda cycle, _: f"{of(cycle.totals):,}" if cycle.totals else "-"


def _done(spec: TaskSpec) -> Callable[[Cycle, Decimal], str]:
    return _number(lambda totals: totals.of(spec.name).of(*spec.done))


COLUMNS: Final[Mapping[str, Callable[[Cycle, Decimal], str]]] = {
    "cycle": lambda cycle, _: short_id(cycle.cycle_id),
    "started (UTC)": lambda cycle, _: f"{cycle.started_at:%Y-%m-%d %H:%M}",
    "kind": lambda cycle, _: kind_of(cycle),
    "status": lambda cycle, _: cycle.status,
    "took#": lambda cycle, _: took(cycle.took),
    "tenants#": _number(lambda totals: totals.tenants),
    "failed#": _number(lambda totals: totals.failed),
    **{f"{spec.name}#": _done(spec) for spec in specs()},
    "cost#": lambda _, cost: f"{cost:.4f}",
}
"""What the list says of a cycle and what it cost."""

LEAST_NEEDED: Final = (
    *(f"{spec.name}#" for spec in reversed(specs())),
    "tenants#",
    "cost#",
    "failed#",
    "took#",
    "started (UTC)",
)
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


async def _latest(settings: Settings, last: int) -> tuple[list[Cycle], dict[UUID, Decimal]]:
    async with running_store(settings) as pool:
        cycles = await as_the_server_has_them(settings, await latest_cycles(pool, last))
        return cycles, await cycle_costs(pool, [cycle.cycle_id for cycle in cycles])


def _show_list(cycles: Sequence[Cycle], costs: Mapping[UUID, Decimal]) -> None:
    without = {spec.name for spec in specs()} - {spec.name for spec in columns_of(cycle.totals for cycle in cycles)}
    columns = {name: cell for name, cell in COLUMNS.items() if name.removesuffix("#") not in without}
    rows = [[cell(cycle, costs[cycle.cycle_id]) for cell in columns.values()] for cycle in cycles]
    least_needed = [name for name in LEAST_NEEDED if name in columns]
    out.print(fitting_table(list(columns), rows, whole=len(columns), least_needed=least_needed))
    say("more of one: starter.py cycles show CYCLE")

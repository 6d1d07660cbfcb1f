"""``cost``: what a run takes of Temporal Cloud, reckoned from what is due now."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from commands.console import AsJson, print_json, run, say, settings_for_command
from commands.instants import AsOf
from commands.tables import show_titled, table
from memory_maintenance.settings import Settings
from memory_maintenance.work import Kind
from runtime.cloud_cost import CloudMoney, CloudUse, money
from runtime.planned import planned_run
from runtime.wiring import in_store


def show_cost(
    kind: Annotated[Kind, typer.Argument(help="daily: decay, summaries and dreams; hourly: idle sessions.")] = "daily",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Compute the Actions, storage and money that a run due now takes of Temporal Cloud; reads the store only."""
    settings = settings_for_command()
    use = run(in_store(settings, lambda pool: planned_run(pool, settings, kind, as_of))).use
    price = money(use, settings)
    if as_json:
        amounts = {name: float(amount) for name, amount in asdict(price).items()} | {"total": float(price.total)}
        return print_json(asdict(use) | {"actions": use.actions, "money": amounts})
    return _show(kind, use, price, settings)


def _show(kind: Kind, use: CloudUse, price: CloudMoney, settings: Settings) -> None:
    own, bulk = use.tenants_with_workflow, use.tenants_in_bulk
    rows = table(None, "", "number#", "Actions#")
    rows.add_row("the cycle and its pages", "", f"{use.actions_of_cycle:,}")
    rows.add_row("tenants with workflows of their own", f"{own:,}", f"{use.actions_of_workflows:,}")
    rows.add_row("small tenants, many in a step", f"{bulk:,}", f"{use.actions_of_bulk:,}")
    rows.add_row("together", f"{own + bulk:,}", f"{use.actions:,}")
    show_titled(f"{'A daily' if kind == 'daily' else 'An hourly'} run of what is due now, on Temporal Cloud", rows)
    days = settings.temporal_cloud_retention_days
    say(f"history: {use.history_bytes / 1e6:,.1f} MB, kept for {days} days")
    say(
        f"cost: {price.total:,.4f} ({price.actions:,.4f} for Actions, {price.active_storage:,.4f} for active and "
        f"{price.retained_storage:,.4f} for retained storage); prices: TEMPORAL_CLOUD_PRICE_…"
    )
    say("not counted: retries, queries, and a heartbeat for every 3 seconds of a longer step")

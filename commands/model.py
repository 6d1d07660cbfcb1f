"""``model``: how the language model fares, and closing its breaker."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from commands.console import AsJson, By, out, print_json, run, say, settings_for_command
from commands.tables import table
from memory_maintenance.inspection.model import BreakerState, ModelStatus, model_status
from memory_maintenance.writers.model.breaker import reset_breakers
from runtime.wiring import in_store

app = typer.Typer(no_args_is_help=True, help="Show how the language model fares; close its breaker.")


@app.command("status")
def show_status(as_json: AsJson = False) -> None:
    """Show the breaker, today's budgets, and how the calls of the last 24 hours ended."""
    settings = settings_for_command()
    status = run(in_store(settings, lambda pool: model_status(pool, settings)))
    if as_json:
        print_json(status_data(status))
    else:
        _show(status)


def status_data(status: ModelStatus) -> dict[str, Any]:
    """Return the status as data; money as text, so that no digit is lost."""
    return {**asdict(status), "claims_lost": status.lost}


def _show(status: ModelStatus) -> None:
    writer = f"model {', '.join(status.models)}" if status.models else f"no model ({status.backend})"
    say(f"texts are written by: {writer}")
    for breaker in status.breakers:
        say(_in_words(breaker))
    if not status.breakers:
        out.print("breaker: closed")
    budgets = table(f"\nUsed or reserved on {status.day} (UTC)", "whose", "tokens#", "of#", "cost#", "of#")
    for use in status.budgets:
        whose = "the deployment" if use.tenant_id is None else f"tenant {use.tenant_id}"
        budgets.add_row(whose, str(use.tokens), str(use.token_limit), f"{use.cost:.4f}", f"{use.cost_limit:.2f}")
    out.print(budgets)
    calls = table("\nCalls of the last 24 hours", "purpose", "outcome", "reason", "calls#", "tokens#", "cost#")
    for one in status.calls:
        calls.add_row(one.purpose, one.state, one.reason or "-", str(one.calls), str(one.tokens), f"{one.cost:.4f}")
    out.print(calls if status.calls else "\nno calls in the last 24 hours")
    say(f"claims lost: {status.lost}")
    if status.answers.worrying:
        say(f"{status.answers.found} → {status.answers.next_step or 'starter.py doctor'}")
    if status.fallback_takeover_since:
        say(
            f"no usable answer since {status.fallback_takeover_since:%Y-%m-%d %H:%M} UTC: "
            "the extractive writer writes the fallbacks"
        )


def _in_words(breaker: BreakerState) -> str:
    since = f"since {breaker.opened_at:%Y-%m-%d %H:%M} UTC ({breaker.reason})"
    if not breaker.open:
        return f"breaker of {breaker.endpoint}: the next call tries; it failed {since}"
    until = f"until {breaker.opened_until:%Y-%m-%d %H:%M} UTC"
    return f"breaker of {breaker.endpoint}: open {since}, {until}; close it: starter.py model reset-breaker"


@app.command("reset-breaker")
def reset_breaker(
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="Only this one, as `model status` names it.")
    ] = None,
    by: By = None,
) -> None:
    """Let calls through again at once, when what was wrong has been put right."""
    closed = run(in_store(settings_for_command(), lambda pool: reset_breakers(pool, endpoint, by=by)))
    for name in closed:
        say(f"closed the breaker of {name}")
    if not closed:
        out.print("no breaker was open")

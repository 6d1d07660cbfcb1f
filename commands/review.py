"""``review``: what tasks propose to change, and what a person decides of it."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.changes import Limit, Number, OfTask, OfTenant, change_data, listed, show_list, show_one, with_texts
from commands.console import AsJson, By, Reason, print_json, run, said, say, settings_for_command
from memory_maintenance.changes.change import Change
from memory_maintenance.changes.reviewing import Verdict, decide
from runtime.wiring import in_store

app = typer.Typer(no_args_is_help=True, help="Decide of what tasks propose to change.")


@app.command("list")
def list_proposals(
    tenant: OfTenant = None,
    task: OfTask = None,
    rejected: Annotated[bool, typer.Option("--rejected", help="Those that were rejected.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List proposals that wait for a decision; the newest first."""
    status = "rejected" if rejected else "proposed"
    found = listed(tenant, task=task, status=status, most=limit)
    show_list(found, as_json=as_json, none="no proposals")


@app.command("show")
def show_proposal(change_id: Number, as_json: AsJson = False) -> None:
    """Show a proposal: both memories, and why."""
    found, texts = run(with_texts(settings_for_command(), change_id))
    if as_json:
        print_json(change_data(found) | {"memories": {str(key): dict(row) for key, row in texts.items()}})
        return
    show_one(found, texts)
    if found.status == "proposed":
        say(f"decide: starter.py review accept {change_id}, or starter.py review reject {change_id}")


@app.command("accept")
def accept(change_id: Number, by: By = None, reason: Reason = None, as_json: AsJson = False) -> None:
    """Apply exactly what was proposed; refused where a memory has changed since."""
    made = _decide(change_id, "accept", by, reason)
    if as_json:
        return print_json(change_data(made))
    say(f"applied change {change_id} of {made.tenant_id}{said(by, reason)}; undo: starter.py undo {change_id}")
    return None


@app.command("reject")
def reject(change_id: Number, by: By = None, reason: Reason = None, as_json: AsJson = False) -> None:
    """Keep both memories as they are; the pair is not proposed again."""
    made = _decide(change_id, "reject", by, reason)
    if as_json:
        return print_json(change_data(made))
    say(f"rejected proposal {change_id} of {made.tenant_id}{said(by, reason)}; it is not proposed again")
    return None


def _decide(change_id: int, verdict: Verdict, by: str | None, reason: str | None) -> Change:
    settings = settings_for_command()
    return run(in_store(settings, lambda pool: decide(pool, change_id, verdict, by=by, reason=reason)))

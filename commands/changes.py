"""``changes``: what maintenance changed of memories, and which texts it wrote again; ``undo`` takes it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

import typer

from commands.console import (
    FAILED,
    AsJson,
    By,
    Reason,
    err,
    out,
    print_json,
    run,
    said,
    say,
    settings_for_command,
)
from commands.explanation import digits, facts_table, utc
from commands.tables import table
from memory_maintenance.changes.change import Change, change, changes, texts_of
from memory_maintenance.changes.undoing import Undone, undo
from memory_maintenance.settings import Settings
from runtime.wiring import in_store, running_store

app = typer.Typer(
    no_args_is_help=True, help="Show what maintenance changed of memories, and which texts of its own it wrote again."
)

LONGEST = 500
"""Characters of a memory that are shown."""

Number = Annotated[int, typer.Argument(help="Number of the change or proposal.", metavar="CHANGE", min=1)]
OfTenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant.")]
OfTask = Annotated[str | None, typer.Option("--task", help="Only this task.")]
Limit = Annotated[int, typer.Option("--limit", help="At most so many, the newest first.", min=1)]


@app.command("list")
def list_changes(
    tenant: OfTenant = None,
    task: OfTask = None,
    memory: Annotated[UUID | None, typer.Option("--memory", help="Only changes of or for this memory.")] = None,
    cycle: Annotated[UUID | None, typer.Option("--cycle", help="Only changes of this cycle.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List changes that were made, taken back or not; the newest first."""
    found = listed(tenant, task=task, memory_id=memory, cycle_id=cycle, most=limit)
    show_list(found, as_json=as_json, none="no changes")


@app.command("show")
def show_change(change_id: Number, as_json: AsJson = False) -> None:
    """Show a change: its memories, why, and the columns before and after."""
    found, texts = run(with_texts(settings_for_command(), change_id))
    if as_json:
        print_json(change_data(found) | {"memories": {str(key): dict(row) for key, row in texts.items()}})
    else:
        show_one(found, texts)


def take_back(
    target: Annotated[
        str, typer.Argument(help="Number of a change, or the id of a cycle or a memory.", metavar="CHANGE|CYCLE|MEMORY")
    ],
    by: By = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Take changes back: one, all of a cycle or all of a memory. Twice is once."""
    done = run(
        in_store(settings_for_command(), lambda pool: undo(pool, target, by=by, reason=reason)),
        interrupted="what was taken back stays so; the same command takes back the rest",
    )
    if as_json:
        print_json([asdict(one) for one in done])
    else:
        _show_undone(done, by, reason)
    if any(one.refused for one in done):
        raise typer.Exit(FAILED)


def _show_undone(done: list[Undone], by: str | None, reason: str | None) -> None:
    for one in done:
        if one.refused:
            say(f"change {one.change_id} stays: {one.refused}", on=err)
        elif one.already:
            say(f"change {one.change_id} had been undone before")
    if undone := [one.change_id for one in done if not one.refused and not one.already]:
        what = f"change {undone[0]}" if len(undone) == 1 else f"{len(undone)} changes"
        say(f"undid {what}{said(by, reason)}; a pair that was undone is not proposed again")


def listed(tenant: str | None, **which: Any) -> list[Change]:
    """Return the changes that the options name."""
    settings = settings_for_command()
    return run(in_store(settings, lambda pool: changes(pool, tenant_id=tenant, **which), tenant=tenant))


async def with_texts(settings: Settings, change_id: int) -> tuple[Change, Mapping[UUID, Any]]:
    """Return a change and its two memories, as far as they are there."""
    async with running_store(settings) as pool:
        found = await change(pool, change_id)
        return found, await texts_of(pool, found.tenant_id, found.memories, most=LONGEST)


def show_list(found: list[Change], *, as_json: bool, none: str) -> None:
    """Print changes as a table or as JSON."""
    if as_json:
        return print_json(list(map(_without_text, found)))
    if not found:
        return out.print(none)
    rows = table(None, "change#", "tenant", "task", "kind", "status", "memory", "in favour of", "reason", "when")
    for one in found:
        pair = (str(one.memory_id), ", ".join(map(str, one.evidence)) or "-")
        when = f"{one.changed_at:%Y-%m-%d %H:%M}"
        rows.add_row(str(one.change_id), one.tenant_id, one.task, one.kind, one.status, *pair, one.reason, when)
    out.print(rows)
    return None


def show_one(one: Change, texts: Mapping[UUID, Any]) -> None:
    """Print one change or proposal with its memories."""
    facts = facts_table()
    facts.add_row("change", f"{one.change_id}, {one.status}, of task {one.task} ({one.kind}: {one.reason})")
    facts.add_row("tenant", one.tenant_id)
    names = ("written again",) if one.revision else ("demoted", "in favour of")
    for name, memory_id in zip(names, one.memories, strict=True):
        row = texts.get(memory_id)
        facts.add_row(name, str(memory_id) if row else f"{memory_id}, which is gone")
        if row:
            created = utc(row["created_at"]) if row["created_at"] else "unknown"
            facts.add_row("", f"{created}, importance {digits(row['importance'])}: {row['content']}")
    facts.add_row(*("revision", str(one.revision)) if one.revision else ("demotion", f"x {one.demotion:g}"))
    facts.add_row("cycle", str(one.cycle_id or "-"))
    if one.decided_at:
        facts.add_row("decided", f"{utc(one.decided_at)}{said(one.decided_by, one.decided_reason)}")
    out.print(facts, highlight=False)
    if one.before and one.after:
        rows = table(None, "memory", "column", "before", "after")
        for key, before in one.before.items():
            after = one.after[key]
            for column in before.keys() & after.keys():
                if before[column] != after[column]:
                    rows.add_row(key, column, str(before[column]), str(after[column]))
        out.print(rows)
    if one.status == "applied" and one.before:
        say(f"undo: starter.py undo {one.change_id}")
    elif one.status == "applied":
        say("the earlier text is not kept: a source of it was deleted, has expired or was edited")


def change_data(one: Change) -> dict[str, Any]:
    """Return a change as data, without the texts' fingerprints."""
    return {name: value for name, value in asdict(one).items() if name != "fingerprints"}


def _without_text(one: Change) -> dict[str, Any]:
    """Return a change as data for a list: of a text that was written again only the columns of decay."""
    data = change_data(one)
    for name in ("before", "after") if one.revision else ():
        states = data[name] or {}
        data[name] = {key: {k: v for k, v in state.items() if "importance" in k} for key, state in states.items()}
    return data

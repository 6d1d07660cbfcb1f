"""What ``memories set-aside`` and ``memories requeue`` do and say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from commands.console import AsJson, out, print_json, refuse, run, say, settings_for_command
from commands.tables import table
from memory_maintenance.writers.model.set_aside import SetAside, all_set_aside, requeue
from runtime.wiring import in_store


def list_set_aside(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the model is no longer asked about, because it kept failing at it."""
    found = run(in_store(settings_for_command(), lambda pool: all_set_aside(pool, tenant), tenant=tenant))
    if as_json:
        return print_json([asdict(one) for one in found])
    if not found:
        return out.print("nothing is set aside")
    rows = table(None, "tenant", "project", "what", "session", "memories#", "reason", "since")
    for one in found:
        since = f"{one.set_aside_at:%Y-%m-%d %H:%M}"
        rows.add_row(one.tenant_id, one.project, one.kind, *_extent(one), one.reason, since)
    out.print(rows)
    return None


def _extent(one: SetAside) -> Sequence[str]:
    what = one.name if one.kind == "memory" else one.session_id or "-"
    return what, "-" if one.kind == "session" else str(one.memories)


def requeue_set_aside(
    tenant: Annotated[str, typer.Option("--tenant", help="Whose.")],
    project: Annotated[str | None, typer.Option("--project", help="Only this project.")] = None,
    session: Annotated[str | None, typer.Option("--session", help="Only this session and its memories.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything of the tenant, or of the project.")] = False,
) -> None:
    """Let the model be asked again about what was set aside."""
    if (session is not None) == everything:
        refuse("say what to requeue: one of --session or --all")
    settings, which = settings_for_command(), {"project": project, "session_id": session}
    count = run(in_store(settings, lambda pool: requeue(pool, tenant, **which), tenant=tenant))
    after = "; the next daily run asks the model again" if count else ""
    say(f"requeued {count} of {tenant}{after}")

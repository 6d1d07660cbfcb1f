"""``memories forget`` and ``memories certificate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from commands.console import (
    FAILED,
    UNTOUCHED,
    AsJson,
    By,
    Reason,
    print_json,
    refusing,
    run,
    say,
    settings_for_command,
    show_note,
)
from commands.explanation import utc
from commands.tables import show_titled, table
from memory_maintenance.erasure.carrying_out import Erasure
from memory_maintenance.erasure.orders import erasure_order, order_erasure
from memory_maintenance.erasure.selection import Hit, Selector, gone_sources, hits_of
from memory_maintenance.settings import Settings
from runtime.wiring import in_store, running_store

_SHOWN: Final = 100
"""Hits that are printed; JSON has all."""


def forget(
    memory: Annotated[list[UUID] | None, typer.Option("--memory", help="This one; may be repeated.")] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only of this tenant; alone: all of it.")] = None,
    session: Annotated[str | None, typer.Option("--session", help="This session of the tenant.")] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Memories with this name, address or number, however written.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option("--pattern", help="Memories that this regular expression matches, in any case.")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="What others have deleted: remove the traces that are left of it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, what would be forgotten is shown.")] = False,
    by: By = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Delete memories for good, with every trace of them, and print a certificate. There is no undo."""
    selector = Selector(tenant, tuple(memory or ()), session, subject, pattern, repair)
    with refusing():
        selector.check()
    settings = settings_for_command()
    if not yes:
        hits, gone = run(_preview(settings, selector), interrupted=UNTOUCHED)
        _show_hits(hits, gone, as_json=as_json)
        return
    certificate = run(
        _forget(settings, selector, by=by, reason=reason),
        interrupted="an order that was written stays, and the next cycle goes on with it; else nothing was forgotten",
    )
    show_certificate(certificate, as_json=as_json)
    if certificate["residue"]["score"]:
        raise typer.Exit(FAILED)


def certificate_command(
    order: Annotated[UUID, typer.Argument(help="Id of the order.", metavar="ORDER")], as_json: AsJson = False
) -> None:
    """Print the certificate of an order to forget."""
    found = run(in_store(settings_for_command(), lambda pool: erasure_order(pool, order))).certificate
    if found is None:
        say(f"order {order} is not done yet: the next cycle, or another `memories forget`, goes on with it")
        raise typer.Exit(FAILED)
    show_certificate(found, as_json=as_json)


async def _preview(settings: Settings, selector: Selector) -> tuple[list[Hit], int]:
    async with running_store(settings) as pool:
        gone = len(await gone_sources(pool, selector.tenant_id)) if selector.repair else 0
        return await hits_of(pool, selector), gone


async def _forget(settings: Settings, selector: Selector, *, by: str | None, reason: str | None) -> dict[str, Any]:
    async with running_store(settings) as pool:
        order = await order_erasure(pool, selector, by=by, reason=reason)
        show_note(f"order {order} is written: if this process ends, the next cycle goes on with it")
        return await Erasure(pool, settings, files=_own_files(settings)).carry_out(order)


def _own_files(settings: Settings) -> list[Path]:
    """Return the logs that this application's own servers write."""
    home = settings.memory_maintenance_home.expanduser()
    return sorted(home.glob("*.log*")) if home.is_dir() else []


def _show_hits(hits: list[Hit], gone: int, *, as_json: bool) -> None:
    if as_json:
        found = [{"id": str(hit.id), "tenant_id": hit.tenant_id, "content": hit.content} for hit in hits]
        print_json({"memories": found, "gone_sources": gone, "forgotten": False})
        return
    rows = table(None, "tenant", "when", "id", "memory")
    for hit in hits[:_SHOWN]:
        when = utc(hit.created_at) if hit.created_at else "-"
        rows.add_row(hit.tenant_id, when, str(hit.id), " ".join(hit.content.split())[:100])
    if hits:
        show_titled(f"{len(hits)} memories would be forgotten", rows)
    if len(hits) > _SHOWN:
        say(f"... and {len(hits) - _SHOWN} more: --json")
    if gone:
        say(f"{gone} memories that others deleted have left traces, which would be removed")
    say("nothing was changed: add --yes to forget them" if hits or gone else "nothing is meant: no memory matches")


def show_certificate(certificate: dict[str, Any], *, as_json: bool) -> None:
    """Print a certificate, as JSON or for people."""
    if as_json:
        print_json(certificate)
        return
    memories, derived, residue = certificate["memories"], certificate["derived"], certificate["residue"]
    score = "not measured: what it was is not known any more" if residue["score"] is None else f"{residue['score']:.4f}"
    subject = certificate["subject"]
    hashed = f", SHA-256 {subject['sha256']} of the salt {subject['salt']} and the subject" if subject else ""
    lines = [
        f"Certificate of erasure {certificate['order_id']}",
        f"ordered by {certificate['ordered_by']} at {certificate['ordered_at']}, done at {certificate['completed_at']}",
        f"selected by {certificate['selected_by']}{hashed}",
        f"tenants: {', '.join(certificate['tenants'])}",
        f"memories: {memories['deleted']} deleted of {memories['named']} named (ids: --json)",
        f"summaries and reflections: {len(derived['rewritten'])} written again, {len(derived['removed'])} removed",
        f"traces removed: {', '.join(f'{what} {n}' for what, n in certificate['traces'].items()) or 'none'}",
        f"residue score: {score} ({residue['found']} of {residue['strings']} strings found; searched:"
        f" {residue['rows_searched']} rows, {residue['columns_searched']} columns, {residue['files_searched']} files)",
        *(f"  found in {place}: {count}" for place, count in residue["places"].items()),
        "out of reach:",
        *(f"  - {what}" for what in certificate["out_of_reach"]),
    ]
    for line in lines:
        say(line)

"""``memories archive``: what left the store by expiry, and bringing it back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from commands.console import (
    UNTOUCHED,
    AsJson,
    By,
    Reason,
    out,
    print_json,
    refuse,
    run,
    said,
    say,
    settings_for_command,
)
from commands.tables import table
from memory_maintenance.expiry.archive import MOST_BATCHES, audit_rows, purge_archive, unarchive
from runtime.wiring import in_store

app = typer.Typer(no_args_is_help=True, help="Memories that left the store by expiry: list, restore, purge.")

Tenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count, and write nothing.")]


@app.command("list")
def list_archive(
    tenant: Tenant = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="Batches that are listed.")] = MOST_BATCHES,
    as_json: AsJson = False,
) -> None:
    """List the audit rows: what was archived, deleted, purged and restored, the newest first."""
    found = run(in_store(settings_for_command(), lambda pool: audit_rows(pool, tenant, most=most)))
    if as_json:
        return print_json([asdict(one) for one in found])
    if not found:
        return out.print("nothing has left the store by expiry")
    rows = table(None, "batch#", "tenant", "when", "action", "memories#", "why", "in archive#", "purged after")
    for one in found:
        why = ", ".join(f"{number} {reason}" for reason, number in one.reasons.items()) or one.ordered_by or "-"
        until = f"{one.purge_after:%Y-%m-%d}" if one.purge_after else "-"
        when = f"{one.recorded_at:%Y-%m-%d %H:%M}"
        rows.add_row(
            *(str(one.batch_id), one.tenant_id, when, one.action, str(len(one.memories)), why),
            *(str(one.in_archive) if one.action == "archived" else "-", until),
        )
    out.print(rows)
    for one in found:
        if one.only_source_of:
            say(f"batch {one.batch_id}: the last source of {len(one.only_source_of)} derived memories that stay")
    return None


@app.command("restore")
def restore_archived(
    tenant: Tenant = None,
    memory: Annotated[list[UUID] | None, typer.Option("--memory", help="Only this one; may be repeated.")] = None,
    batch: Annotated[int | None, typer.Option("--batch", help="Only this batch, as `list` shows it.")] = None,
    by: By = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring archived memories back as they were, with their embeddings; expiry does not take them again."""
    if tenant is None and not memory and batch is None:
        refuse("say what to restore: --tenant, --memory or --batch")
    result = run(
        in_store(
            settings_for_command(),
            lambda pool: unarchive(
                pool,
                tenant_id=tenant,
                memory_ids=memory or None,
                batch_id=batch,
                by=by,
                reason=reason,
                dry_run=dry_run,
            ),
        ),
        interrupted=UNTOUCHED if dry_run else "what was restored stays; the same command restores the rest",
    )
    if as_json:
        return print_json({**asdict(result), "dry_run": dry_run})
    done = "would restore" if dry_run else "restored"
    left = f"; {result.left} left in the archive: their id or another key is taken" if result.left else ""
    return say(f"{done} {result.restored} memories{said(by, reason)}{left}")


@app.command("purge")
def purge(tenant: Tenant = None, by: By = None, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Delete archived memories whose time has come, also of tenants that have no memories left or no rule."""
    count = run(
        in_store(settings_for_command(), lambda pool: purge_archive(pool, tenant, by=by, dry_run=dry_run)),
        interrupted=UNTOUCHED if dry_run else "what was purged is gone; the same command purges the rest",
    )
    if as_json:
        return print_json({"purged": count, "dry_run": dry_run})
    return say(f"{'would purge' if dry_run else 'purged'} {count} memories{said(by, None)}")

"""What ``memories restore`` does and says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from uuid import UUID

from commands.console import progress_of, said, say
from memory_maintenance.decay.restore import RestoreResult, restore_memories, restore_tenant
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.control import all_tenants
from memory_maintenance.tenants.known import ensure_known, memories_of
from runtime.wiring import running_store


async def restore(
    settings: Settings,
    tenant: str | None,
    memories: Sequence[UUID],
    *,
    by: str | None,
    reason: str | None,
    dry_run: bool,
) -> RestoreResult | None:
    """Restore the *memories*; without any, the *tenant*; without one, every tenant. None: there is no tenant."""
    async with running_store(settings) as pool:
        if memories:
            return await restore_memories(pool, memories, by=by, reason=reason, dry_run=dry_run)
        tenants = [tenant] if tenant is not None else [control.tenant_id for control in await all_tenants(pool)]
        done = [await _with_progress(pool, settings, each, by=by, reason=reason, dry_run=dry_run) for each in tenants]
    return reduce(add, done) if done else None


async def _with_progress(
    pool: Pool, settings: Settings, tenant: str, *, by: str | None, reason: str | None, dry_run: bool
) -> RestoreResult:
    await ensure_known(pool, tenant)
    with progress_of() as bar:
        task = bar.add_task(f"{tenant}: memories", total=None if bar.disable else await memories_of(pool, tenant))
        return await restore_tenant(
            pool,
            tenant,
            by=by,
            reason=reason,
            dry_run=dry_run,
            page_size=settings.memory_decay_page_size,
            progress=lambda seen: bar.update(task, completed=seen),
        )


def show_restored(
    result: RestoreResult,
    settings: Settings,
    *,
    tenant: str | None,
    by: str | None,
    reason: str | None,
    dry_run: bool,
) -> None:
    """Print what was restored, and what comes next: there is no undo."""
    did = "would restore" if dry_run else "restored"
    whose = f" of {tenant}" if tenant else ""
    memories = "memory" if result.restored == 1 else "memories"
    rest = (
        (result.renewed, "at their base already: it holds from now on"),
        (result.left, "left: set by the agent since, or never decayed"),
        (result.busy, "busy: others hold them; restore again to have them too"),
    )
    lines = [
        f"{did} {result.restored} {memories}{whose}{'' if dry_run else said(by, reason)}",
        *(f"{count} {what}" for count, what in rest if count),
    ]
    if not dry_run:
        lines.append(_what_next(settings, tenant))
    for line in lines:
        say(line)


def _what_next(settings: Settings, tenant: str | None) -> str:
    undo = "there is no undo: the decayed values follow from the rule, and time"
    if not settings.memory_importance_decay_enabled:
        return f"{undo}; decay is off, so they stay as they are"
    keep = f"starter.py tenants pause {tenant or 'TENANT'}"
    return f"{undo}; they decay again from now, first in the next daily run. To keep them: {keep}"

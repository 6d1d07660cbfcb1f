"""``tenants``: list, show, pause, resume, cancel, and what differs for one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from temporalio.service import RPCError, RPCStatusCode

from commands import overrides, tenant
from commands.console import AsJson, By, Reason, err, out, print_json, run, settings_for_command, table
from commands.run import aware
from memory_maintenance.operations.orders import record_order
from memory_maintenance.operations.tenants import TenantControl, all_tenants, ensure_known, pause, resume
from memory_maintenance.settings import Settings
from runtime.client import TemporalUnreachableError, connect
from runtime.runs import start_run
from runtime.wiring import running_pool, running_stack_of, running_store
from workflows.messages import MaintenanceRequest
from workflows.page import tenant_workflow_id

app = typer.Typer(
    no_args_is_help=True,
    help="List tenants; show one; pause, resume or cancel its maintenance; set what differs for it.",
)

app.command("show")(tenant.show_tenant)
app.command("set")(overrides.set_overrides)
app.command("unset")(overrides.unset_overrides)

Tenant = Annotated[str, typer.Argument(help="Tenant id, as `tenants list` shows it.")]


@app.command("list")
def list_tenants(as_json: AsJson = False) -> None:
    """Show every tenant with what operators said of it."""
    tenants = run(_list(settings_for_command()))
    if as_json:
        return print_json([asdict(t) | {"overrides": t.overrides.model_dump(exclude_none=True)} for t in tenants])
    rows = table(None, "tenant", "state", "by", "reason", "since", "until", "overrides")
    for t in tenants:
        state = "paused" if t.paused else "active"
        overrides = ", ".join(f"{k}={v}" for k, v in t.overrides.model_dump(exclude_none=True).items())
        said = (t.paused_by, t.paused_reason, t.paused_since, t.paused_until) if t.paused else (None,) * 4
        rows.add_row(t.tenant_id, state, *(_said(x) for x in said), overrides or "-")
    out.print(rows if tenants else "no tenants yet: the memories table is empty")
    return None


def _said(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value or "-")


@app.command("pause")
def pause_tenant(
    tenant: Tenant,
    by: By = None,
    reason: Reason = None,
    until: Annotated[datetime | None, typer.Option("--until", help="When the pause ends by itself, UTC.")] = None,
) -> None:
    """Stop a tenant's maintenance after its batch in flight, and keep it stopped."""
    run(_pause(settings_for_command(), tenant, by, reason, aware(until)))
    said = ": ".join(part for part in (by, reason) if part)
    until_when = f" until {aware(until):%Y-%m-%d %H:%M} UTC" if until else ""
    out.print(
        f"paused {tenant}{until_when}{f' ({said})' if said else ''}; undo: starter.py tenants resume {tenant}",
        highlight=False,
        soft_wrap=True,
    )


@app.command("resume")
def resume_tenant(
    tenant: Tenant,
    by: By = None,
    reason: Reason = None,
    no_run: Annotated[bool, typer.Option("--no-run", help="Wait for the next cycle to catch up.")] = False,
) -> None:
    """Let maintenance work for a tenant again; it starts at once."""
    was_paused, started = run(_resume(settings_for_command(), tenant, by, reason, start=not no_run))
    done = f"resumed {tenant}" if was_paused else f"{tenant} was not paused"
    ran = f"; started {started}" if started else ""
    out.print(f"{done}{ran}; undo: starter.py tenants pause {tenant}", highlight=False, soft_wrap=True)


@app.command("cancel")
def cancel_tenant(tenant: Tenant, by: By = None, reason: Reason = None) -> None:
    """End a tenant's running maintenance after its batch in flight; the next cycle goes on."""
    ran = run(_cancel(settings_for_command(), tenant, by, reason))
    out.print(
        f"cancelled the run of {tenant}; the next cycle goes on: starter.py run daily --tenant {tenant}"
        if ran
        else f"nothing runs for {tenant}",
        highlight=False,
        soft_wrap=True,
    )


async def _list(settings: Settings) -> list[TenantControl]:
    async with running_store(settings) as pool:
        return await all_tenants(pool)


async def _pause(settings: Settings, tenant: str, by: str | None, reason: str | None, until: datetime | None) -> None:
    async with running_stack_of(settings) as stack, running_pool(settings, stack) as pool:
        await ensure_known(pool, tenant)
        await pause(pool, tenant, by=by, reason=reason, until=until)
        order = {"by": by, "reason": reason, "until": until.isoformat() if until else None}
        await _signal_what_runs(settings, stack.temporal_address, tenant, "pause", order)


async def _resume(
    settings: Settings, tenant: str, by: str | None, reason: str | None, *, start: bool
) -> tuple[bool, str | None]:
    async with running_stack_of(settings) as stack, running_pool(settings, stack) as pool:
        await ensure_known(pool, tenant)
        was_paused = await resume(pool, tenant, by=by, reason=reason)
        if not was_paused:
            return was_paused, None
        # Also where no run is started: a pause that was signalled while no worker polled would come after this.
        await _signal_what_runs(settings, stack.temporal_address, tenant, "resume", {"by": by, "reason": reason})
        if not start:
            return was_paused, None
        client = await connect(stack.temporal_address, settings)
        return was_paused, (await start_run(client, MaintenanceRequest(tenants=(tenant,)))).id


async def _cancel(settings: Settings, tenant: str, by: str | None, reason: str | None) -> bool:
    async with running_stack_of(settings) as stack, running_pool(settings, stack) as pool:
        await ensure_known(pool, tenant)
        order = {"by": by, "reason": reason}
        ran = await _signal_what_runs(settings, stack.temporal_address, tenant, "cancel", order)
        if ran:
            await record_order(pool, tenant, "cancel", **order)
        return ran


async def _signal_what_runs(
    settings: Settings, address: str, tenant: str, signal: str, order: Mapping[str, Any]
) -> bool:
    """Signal the tenant's workflow; return whether one runs. The row is written already, and it decides."""
    try:
        client = await connect(address, settings, patience_seconds=3)
        await client.get_workflow_handle(tenant_workflow_id(tenant)).signal(signal, dict(order))
    except TemporalUnreachableError as error:
        err.print(f"note: what runs was not told: {error}", highlight=False, soft_wrap=True)
        return False
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True

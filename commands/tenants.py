"""``tenants``: list, show, pause, resume, cancel, and what differs for one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from temporalio.service import RPCError, RPCStatusCode

from commands import overrides, tenant
from commands.console import (
    AsJson,
    By,
    Reason,
    options,
    out,
    print_json,
    refuse,
    run,
    said,
    say,
    settings_for_command,
    show_note,
    starter,
)
from commands.instants import instant
from commands.tables import fitting_table
from commands.tenant import state_in_words
from memory_maintenance.errors import TemporalUnreachableError
from memory_maintenance.settings import Settings
from memory_maintenance.tenants.control import TenantControl, all_tenants, pause, pause_of, resume
from memory_maintenance.tenants.known import ensure_known
from memory_maintenance.tenants.orders import record_order
from runtime.client import connect
from runtime.running import cancel_in_cycles
from runtime.runs import start_run
from runtime.wiring import in_store, running_pool, running_stack_of
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
    tenants = run(in_store(settings_for_command(), all_tenants))
    if as_json:
        return print_json([asdict(t) | {"overrides": t.overrides.model_dump(exclude_none=True)} for t in tenants])
    columns = ("tenant", "state", "by", "reason", "since", "until", "overrides")
    rows = fitting_table(columns, [_row(tenant) for tenant in tenants], whole=2)
    out.print(rows if tenants else "no tenants yet: the memories table is empty")
    return None


def _row(tenant: TenantControl) -> tuple[str, ...]:
    own = ", ".join(f"{k}={v}" for k, v in tenant.overrides.model_dump(exclude_none=True).items())
    pause = (tenant.paused_by, tenant.paused_reason, tenant.paused_since, tenant.paused_until)
    cells = [_as_cell(part) if tenant.paused else "-" for part in pause]
    return tenant.tenant_id, "paused" if tenant.paused else "active", *cells, own or "-"


def _as_cell(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value or "-")


@app.command("pause")
def pause_tenant(
    tenant: Tenant,
    by: By = None,
    reason: Reason = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            parser=instant,
            metavar="TIME",
            help="When the pause ends by itself: a date or a time in ISO 8601; UTC unless it says otherwise.",
        ),
    ] = None,
) -> None:
    """Stop a tenant's maintenance after its batch in flight, and keep it stopped."""
    if until is not None and until <= datetime.now(UTC):
        refuse(f"--until has passed: {until:%Y-%m-%d %H:%M} UTC")
    before = run(_pause(settings_for_command(), tenant, by, reason, until))
    until_when = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
    undo = _pausing(before) if before else starter("tenants", "resume", tenant)
    say(f"paused {tenant}{until_when}{said(by, reason)}; undo: {undo}")
    if before and (before.paused_by, before.paused_reason, before.paused_until) != (by, reason, until):
        say(f"it was {state_in_words(before)}: that is replaced")


def _pausing(control: TenantControl) -> str:
    """Return the command that pauses a tenant as it is, or was."""
    until = control.paused_until.isoformat(timespec="seconds") if control.paused_until else None
    given = options({"--by": control.paused_by, "--reason": control.paused_reason, "--until": until})
    return starter("tenants", "pause", *given, *_as_argument(control.tenant_id))


def _as_argument(text: str) -> list[str]:
    return ["--", text] if text.startswith("-") else [text]


@app.command("resume")
def resume_tenant(
    tenant: Tenant,
    by: By = None,
    reason: Reason = None,
    no_run: Annotated[bool, typer.Option("--no-run", help="Wait for the next cycle to catch up.")] = False,
) -> None:
    """Let maintenance work for a tenant again; it starts at once."""
    before, started = run(_resume(settings_for_command(), tenant, by, reason, start=not no_run))
    if before is None:
        return say(f"{tenant} was not paused: nothing was changed")
    ran = f"; started {started}" if started else ""
    return say(f"resumed {tenant}{said(by, reason)}{ran}; undo: {_pausing(before)}")


@app.command("cancel")
def cancel_tenant(tenant: Tenant, by: By = None, reason: Reason = None) -> None:
    """End a tenant's running maintenance after its batch in flight; the next cycle goes on."""
    ran, cycles = run(_cancel(settings_for_command(), tenant, by, reason))
    again = starter("run", "daily", f"--tenant={tenant}")
    if ran:
        say(f"cancelled the run of {tenant}{said(by, reason)}; the next cycle goes on: {again}")
    elif cycles:
        say(
            f"{tenant} has no run of its own now; {cycles} running cycle(s) begin nothing more for it{said(by, reason)}"
        )
    else:
        say(f"nothing runs for {tenant}")


async def _pause(
    settings: Settings, tenant: str, by: str | None, reason: str | None, until: datetime | None
) -> TenantControl | None:
    """Pause the tenant and return what operators had said of it where it was paused already."""
    async with running_stack_of(settings) as stack, running_pool(settings, stack.database_url) as pool:
        await ensure_known(pool, tenant)
        before = await pause_of(pool, tenant)
        await pause(pool, tenant, by=by, reason=reason, until=until)
        order = {"by": by, "reason": reason, "until": until.isoformat() if until else None}
        await _signal_what_runs(settings, stack.temporal_address, tenant, "pause", order)
        return before


async def _resume(
    settings: Settings, tenant: str, by: str | None, reason: str | None, *, start: bool
) -> tuple[TenantControl | None, str | None]:
    """Resume the tenant; return how it was paused, if it was, and the id of the run that is started."""
    async with running_stack_of(settings) as stack, running_pool(settings, stack.database_url) as pool:
        await ensure_known(pool, tenant)
        before = await pause_of(pool, tenant)
        if not await resume(pool, tenant, by=by, reason=reason):
            return None, None
        # Also where no run is started: a pause that was signalled while no worker polled would come after this.
        await _signal_what_runs(settings, stack.temporal_address, tenant, "resume", {"by": by, "reason": reason})
        if before is None or not start:
            return before, None
        client = await connect(stack.temporal_address, settings)
        return before, (await start_run(client, MaintenanceRequest(tenants=(tenant,)))).id


async def _cancel(settings: Settings, tenant: str, by: str | None, reason: str | None) -> tuple[bool, int]:
    """Cancel the tenant's run and return whether one runs; else tell the cycles, and return how many run.

    A cycle does small tenants of a large fleet itself, and has others waiting.
    """
    async with running_stack_of(settings) as stack, running_pool(settings, stack.database_url) as pool:
        await ensure_known(pool, tenant)
        order = {"by": by, "reason": reason}
        ran = await _signal_what_runs(settings, stack.temporal_address, tenant, "cancel", order)
        cycles = 0 if ran else await _cancel_in_cycles(settings, stack.temporal_address, tenant, order)
        if ran or cycles:
            await record_order(pool, tenant, "cancel", **order)
        return ran, cycles


async def _cancel_in_cycles(settings: Settings, address: str, tenant: str, order: Mapping[str, Any]) -> int:
    try:
        return await cancel_in_cycles(await connect(address, settings, patience_seconds=3), tenant, order)
    except TemporalUnreachableError:
        return 0  # noted already, when the tenant's run was signalled


async def _signal_what_runs(
    settings: Settings, address: str, tenant: str, signal: str, order: Mapping[str, Any]
) -> bool:
    """Signal the tenant's workflow; return whether one runs. The row is written already, and it decides."""
    try:
        client = await connect(address, settings, patience_seconds=3)
        await client.get_workflow_handle(tenant_workflow_id(tenant)).signal(signal, dict(order))
    except TemporalUnreachableError as error:
        show_note(f"could not notify the running workflow: {error}")
        return False
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True

"""``run``, ``summarize`` and ``dream``: maintenance now, over the fleet or for one tenant."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from temporalio.exceptions import ApplicationError

from commands.backfill import confirm_backfill
from commands.console import (
    FAILED,
    AsJson,
    err,
    fail,
    print_json,
    progress_of,
    refuse,
    run,
    say,
    settings_for_command,
    show_note,
)
from commands.dry_run import DryRun, preview_in_a_line, show_preview, tenants_left
from commands.instants import AsOf
from commands.tables import show_titled, table
from embedded.stack import Stack
from memory_maintenance.cycles.outcomes import CycleTotals
from memory_maintenance.errors import (
    DatabaseRefusedError,
    DatabaseUnavailableError,
    MaintenanceError,
    SessionNotFoundError,
)
from memory_maintenance.inspection.sessions import session_reports
from memory_maintenance.inspection.task_words import counts_of, done_in_words, left_in_words, results_in_words, specs
from memory_maintenance.preflight.finding import Finding
from memory_maintenance.redaction import shown_address
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.tenants.known import ensure_known, ensure_project, fleet_size
from memory_maintenance.work import Kind
from runtime.client import connect
from runtime.runs import ensure_worker, follow, start_run
from runtime.wiring import running_pool, running_stack_of
from workflows.messages import MaintenanceRequest, understood

Tenants = Annotated[list[str] | None, typer.Option("--tenant", help="Only this tenant; may be repeated.")]
Backfill = Annotated[
    int | None,
    typer.Option(
        "--backfill",
        min=0,
        max=36_500,
        metavar="DAYS",
        help="Summarize sessions, too, that ended up to DAYS before adoption; says first what that takes, and asks.",
    ),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Start the run and return.")]


def run_now(
    kind: Annotated[Kind, typer.Argument(help="daily: decay, summaries and dreams; hourly: idle sessions.")],
    tenant: Tenants = None,
    as_of: AsOf = None,
    backfill: Backfill = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a back-fill.")] = False,
    dry_run: DryRun = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Run one maintenance now and print what it did; ends with status 1 where a tenant or a unit of work failed."""
    tenants = tuple(tenant) if tenant else None
    if backfill is not None and kind != "daily":
        refuse("--backfill is for a daily run")
    request = _request(kind=kind, tenants=tenants, as_of=as_of, backfill_days=backfill, dry_run=dry_run)
    settings = settings_for_command()
    if backfill is not None and not dry_run:
        confirm_backfill(settings, backfill, tenants, as_of=as_of, yes=yes)
    _start(settings, request, no_wait=no_wait, as_json=as_json)


def summarize(
    tenant: Annotated[str, typer.Argument(help="Tenant id.")],
    project: Annotated[str, typer.Argument(help="Project; `default` for memories without one.")],
    session: Annotated[str, typer.Argument(help="Session id.")],
    min_events: Annotated[int, typer.Option(help="Fewest new events.")] = 1,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Summarize one session now, due or not; ends with status 1 where that failed."""
    request = _request(
        tasks=("summarization",),
        tenants=(tenant,),
        project=project,
        session=session,
        min_events=min_events,
        dry_run=dry_run,
    )
    _start(settings_for_command(), request, as_json=as_json)


def dream(
    tenant: Annotated[str, typer.Argument(help="Tenant id.")],
    project: Annotated[str, typer.Argument(help="Project; `default` for memories without one.")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Generate a reflection for one project now; ends with status 1 where that failed."""
    request = _request(tasks=("dreaming",), tenants=(tenant,), project=project, dry_run=dry_run)
    _start(settings_for_command(), request, as_json=as_json)


def _request(**asked: Any) -> MaintenanceRequest:
    """Return what is asked for; what no run takes is refused."""
    try:
        return understood(asked)
    except ApplicationError as error:
        refuse(error.message)


def _start(settings: Settings, request: MaintenanceRequest, *, no_wait: bool = False, as_json: bool = False) -> None:
    stats = run(_run(settings, request, no_wait=no_wait))
    if request.dry_run and not no_wait:
        show_preview(stats, request, as_json=as_json)
    elif as_json:
        print_json(stats)
    elif not no_wait:
        show_stats(stats)
    for finding in map(Finding.model_validate, stats.get("preflight", ())):
        say(f"preflight, {finding.severity}: {finding}", on=err)
    if stats.get("status") == "cancelled":
        fail("the run was cancelled; what it did stays, the next one goes on")
    if stats.get("failed_tenants") or any(counts_of(stats, spec.name).of("failed") for spec in specs()):
        raise typer.Exit(FAILED)


async def _ensure_there(settings: Settings, stack: Stack, request: MaintenanceRequest) -> None:
    """Raise where a tenant, project or session that the request names is not there, or its time has not come.

    A run would skip the one and fail at the other. Where only Temporal can be reached from here, a run of named
    tenants is started without being checked.
    """
    if request.tenants is None and request.as_of is None:
        return
    try:
        async with running_pool(settings, stack.database_url) as pool:
            await checked_as_of(pool, request.as_of)
            for tenant in request.tenants or ():
                await ensure_known(pool, tenant)
                if request.project is not None:
                    await ensure_project(pool, tenant, request.project)
                if request.session is not None:
                    found = await session_reports(pool, settings, tenant, request.session)
                    if request.project not in {one.project for one in found}:
                        raise SessionNotFoundError(tenant, request.session)
    except (DatabaseUnavailableError, DatabaseRefusedError):
        if request.project is not None:
            raise


async def _run(settings: Settings, request: MaintenanceRequest, *, no_wait: bool) -> dict[str, Any]:
    async with running_stack_of(settings) as stack:
        client = await connect(stack.temporal_address, settings)
        await _ensure_there(settings, stack, request)
        await ensure_worker(client)
        started = await start_run(client, request)
        ui = stack.temporal_ui_url or settings.temporal_ui_url
        where = f"; watch it at {shown_address(ui)}/namespaces/{client.namespace}/workflows/{started.id}" if ui else ""
        err.print(f"started {started.id}{where}", soft_wrap=True)
        if no_wait:
            if request.dry_run:
                err.print(f"it writes nothing; its result: temporal workflow result -w {started.id}", soft_wrap=True)
            return {"workflow_id": started.id}
        with progress_of() as bar:
            task = bar.add_task("planning", total=None if bar.disable else await _size(settings, stack, request))
            tell = preview_in_a_line if request.dry_run else in_a_line
            try:
                return await follow(
                    client,
                    started,
                    lambda now: bar.update(task, description=tell(now.totals), completed=now.tenants_behind),
                )
            except asyncio.CancelledError:  # Ctrl-C
                show_note(f"{started.id} goes on without this command; starter.py status shows it")
                raise


async def _size(settings: Settings, stack: Stack, request: MaintenanceRequest) -> int | None:
    """Return how many tenants the run will have behind it at its end, those without work among them.

    None where only Temporal can be reached from here: a run needs no more.
    """
    if request.tenants is not None:
        return len(request.tenants)
    try:
        async with running_pool(settings, stack.database_url) as pool:
            return await fleet_size(pool)
    except MaintenanceError:
        return None


def in_a_line(totals: CycleTotals) -> str:
    """Return what a run did so far, for a progress line."""
    return f"{totals.tenants} tenants done: {results_in_words(totals)}"


def show_stats(stats: dict[str, Any]) -> None:
    """Print a run's statistics as a table."""
    tenants = stats["tenants"]
    rows = table(None, "", "done", "left")
    rows.add_row("tenants", f"{tenants.get('completed', 0)} of {tenants['with_work']} with work", tenants_left(tenants))
    for spec in specs():
        counts = counts_of(stats, spec.name)
        if counts or spec.always_shown:
            rows.add_row(spec.name, done_in_words(spec, counts), left_in_words(spec, counts))
    show_titled(f"Maintenance as of {stats['as_of']}", rows)
    for tenant in stats["failed_tenants"]:
        err.print(f"failed: tenant {tenant}", highlight=False)

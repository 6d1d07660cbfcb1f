"""``status``: whether the next daily run will run, what runs now, what ran last, what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import typer

from commands.console import FAILED, AsJson, out, print_json, run, said, say, settings_for_command, show_error
from commands.cycle import cycle_data
from commands.run import in_a_line
from commands.tables import show_titled, table
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.inspection.cycle_words import kind_of, short_id, took
from memory_maintenance.inspection.cycles import Cycle, last_failure
from memory_maintenance.inspection.lag import Lag, current_lag
from memory_maintenance.inspection.model import ModelStatus, model_status
from memory_maintenance.inspection.preflight import CycleFindings, latest_findings
from memory_maintenance.inspection.successes import (
    LastSuccess,
    TenantSuccess,
    last_successes,
    successes_of_tenants,
)
from memory_maintenance.redaction import shown_address
from memory_maintenance.settings import Settings
from memory_maintenance.tenants.control import TenantControl, all_tenants
from memory_maintenance.tenants.daily_times import Groups, groups
from runtime.client import connect
from runtime.running import Running
from runtime.stuck import StuckWorkflow
from runtime.tonight import TemporalState, Verdict, temporal_state, verdict
from runtime.wiring import running_store, running_temporal_stack

SHOWN_PAUSED: Final = 20
SHOWN_SUCCESSES: Final = 10
SHOWN_STUCK: Final = 10


@dataclass(frozen=True, slots=True)
class _Status:
    verdict: Verdict
    temporal: TemporalState
    web_ui: str | None
    store: str
    successes: list[LastSuccess]
    of_named: list[LastSuccess]
    """Runs of named tenants, newer than the success of the whole fleet."""
    by_tenant: list[TenantSuccess]
    failure: Cycle | None
    preflight: list[CycleFindings]
    paused: list[TenantControl]
    tenants: int
    lag: Lag
    model: ModelStatus


def show_status(as_json: AsJson = False) -> None:
    """Show whether the next daily run will run (if not, ends with status 1), what runs, what ran last, what waits."""
    found = run(_status(settings_for_command()))
    if as_json:
        print_json(_data(found))
    else:
        _show(found)
    if not found.verdict.will_run:
        raise typer.Exit(FAILED)


async def _status(settings: Settings) -> _Status:
    async with running_store(settings) as pool:
        temporal, web_ui = await _of_temporal(settings, await groups(pool, settings))
        tenants = await all_tenants(pool)
        preflight, model = await latest_findings(pool), await model_status(pool, settings)
        successes = await last_successes(pool)
        newest = {one.kind: one.completed_at for one in successes}
        of_named = [
            one
            for one in await last_successes(pool, named=True)
            if one.kind not in newest or one.completed_at > newest[one.kind]
        ]
        return _Status(
            verdict=verdict(temporal, settings, preflight, model),
            temporal=temporal,
            web_ui=shown_address(web_ui) if web_ui else None,
            store=settings.store_name,
            successes=successes,
            of_named=of_named,
            by_tenant=await successes_of_tenants(pool),
            failure=await last_failure(pool),
            preflight=preflight,
            paused=[tenant for tenant in tenants if tenant.paused],
            tenants=len(tenants),
            lag=await current_lag(pool, settings),
            model=model,
        )


async def _of_temporal(settings: Settings, found: Groups) -> tuple[TemporalState, str | None]:
    """Return what Temporal says, and the address of its Web UI."""
    try:
        async with running_temporal_stack(settings) as stack:
            client = await connect(stack.temporal_address, settings, patience_seconds=5)
            return await temporal_state(client, settings, found), settings.temporal_ui_url or stack.temporal_ui_url
    except MaintenanceError as error:
        show_error(str(error))
        return TemporalState(error=str(error)), settings.temporal_ui_url


def _data(found: _Status) -> dict[str, Any]:
    running, daily = None, found.temporal.daily
    if found.temporal.running:
        cycles = [
            asdict(cycle) | {"totals": cycle.totals.model_dump(mode="json") if cycle.totals else None}
            for cycle in found.temporal.running.cycles
        ]
        running = asdict(found.temporal.running) | {"cycles": cycles}
    return {
        "tonight": asdict(found.verdict)
        | {"will_run": found.verdict.will_run, "next_at": daily.next_at if daily and not daily.paused else None},
        "web_ui": found.web_ui,
        "store": found.store,
        "running": running,
        "stuck": [asdict(one) for one in found.temporal.stuck] if running else None,
        "last_success": [asdict(one) | {"age": one.age.total_seconds()} for one in found.successes],
        "last_success_of_named": [asdict(one) | {"age": one.age.total_seconds()} for one in found.of_named],
        "last_success_of_tenants": [
            asdict(one) | {"age": _seconds(one.age)} for one in found.by_tenant
        ],
        "last_failure": cycle_data(found.failure) if found.failure else None,
        "preflight": [
            asdict(one) | {"findings": [finding.model_dump() for finding in one.findings]} for one in found.preflight
        ],
        "paused_schedules": [
            {"id": one.id, "note": one.note} for one in found.temporal.schedules if one.paused
        ] if running else None,
        "daily_times": [
            {"schedule": group, "tenants": tenants, "next_at": schedule.next_at if schedule else None}
            for group, tenants, schedule in found.temporal.of_groups
        ] if running else None,
        "tenants": found.tenants,
        "paused": [
            {"tenant_id": tenant.tenant_id, "by": tenant.paused_by, "reason": tenant.paused_reason,
             "since": tenant.paused_since, "until": tenant.paused_until}
            for tenant in found.paused
        ],
        "lag": {name: _seconds(value) for name, value in asdict(found.lag).items()},
        "model": asdict(found.model),
    }  # fmt: skip


def _seconds(value: Any) -> Any:
    return value.total_seconds() if hasattr(value, "total_seconds") else value


def _show(found: _Status) -> None:
    say(found.verdict.line + (f": {found.verdict.next_step}" if found.verdict.next_step else ""))
    _show_where(found)
    if found.temporal.running is not None:
        _show_running(found.temporal.running)
    _show_stuck(found.temporal.stuck)
    for schedule in found.temporal.schedules:
        if not schedule.paused:
            continue
        say(
            f"{schedule.id} is paused{f' ({schedule.note})' if schedule.note else ''}: "
            f"starter.py schedules resume {schedule.kind}"
        )
    for one, of in (*((one, "") for one in found.successes), *((one, " of named tenants") for one in found.of_named)):
        say(
            f"last {one.kind} success{of}: {one.completed_at:%Y-%m-%d %H:%M} UTC, {took(one.age)} ago "
            f"(starter.py cycles show {short_id(one.cycle_id)})"
        )
    if not found.successes:
        of = " over all tenants" if found.of_named else ""
        say(f"no cycle{of} has completed yet: starter.py run daily")
    if found.failure:
        _show_failure(found.failure)
    for last in found.preflight:
        for finding in last.findings:
            say(f"preflight of the last {last.kind} run, {finding.severity}: {finding}")
    _show_waiting(found.lag)
    say(f"tenants: {found.tenants}, {len(found.paused)} paused; the runs of one: starter.py tenants show TENANT")
    for tenant in found.paused[:SHOWN_PAUSED]:
        since = f"{tenant.paused_since:%Y-%m-%d %H:%M}{said(tenant.paused_by, tenant.paused_reason)}"
        say(f"  {tenant.tenant_id} paused since {since}")
    _show_model(found.model)
    _show_by_tenant(found.by_tenant)


def _show_where(found: _Status) -> None:
    daily = found.temporal.daily
    if daily and daily.next_at and not daily.paused:
        say(f"next run: {daily.next_at:%Y-%m-%d %H:%M} UTC")
    for group, tenants, schedule in found.temporal.of_groups:
        if schedule and schedule.next_at and not schedule.paused:
            say(f"next run of {tenants} tenants at {group}: {schedule.next_at:%Y-%m-%d %H:%M} UTC")
    if found.web_ui:
        say(f"Web UI: {found.web_ui}")


def _show_by_tenant(successes: Sequence[TenantSuccess]) -> None:
    if not successes:
        return
    rows = table(None, "tenant", "kind", "last success (UTC)", "ago", "not completed since#")
    for one in successes[:SHOWN_SUCCESSES]:
        at = f"{one.succeeded_at:%Y-%m-%d %H:%M}" if one.succeeded_at else "never"
        rows.add_row(one.tenant_id, one.kind, at, took(one.age), str(one.runs_since))
    show_titled("Last success of each tenant that had work: those that failed since first, then the longest ago", rows)
    if (more := len(successes) - SHOWN_SUCCESSES) > 0:
        say(f"... and {more:,} more: starter.py status --json")


def _show_failure(cycle: Cycle) -> None:
    whole = f"as a whole ({cycle.failure.error_type})" if cycle.failure else "as a whole"
    tenants = len(cycle.totals.failures) if cycle.totals else 0
    what = whole if cycle.status == "failed" else f"for {tenants} {'tenant' if tenants == 1 else 'tenants'}"
    say(
        f"last failure: {kind_of(cycle)}, started {cycle.started_at:%Y-%m-%d %H:%M} UTC, {what} "
        f"(starter.py cycles show {short_id(cycle.cycle_id)})"
    )


def _show_running(running: Running) -> None:
    if not running.cycles and not running.tenants:
        out.print("nothing runs now")
    for cycle in running.cycles:
        did = in_a_line(cycle.totals) if cycle.totals else _unanswered(running.polled_at)
        say(f"running: {cycle.workflow_id} since {cycle.started_at:%H:%M} UTC: {did}")
    if running.tenants:
        rows = table(None, "  tenant", "stage", "since (UTC)")
        for tenant in running.tenants:
            rows.add_row(f"  {tenant.tenant_id}", tenant.stage or "?", f"{tenant.started_at:%H:%M:%S}")
        out.print(rows)
    if running.tenant_count > len(running.tenants):
        say(f"  ... and {running.tenant_count - len(running.tenants)} more tenants")


def _unanswered(polled_at: datetime | None) -> str:
    """Say why a cycle's totals are not known: a worker whose slots are all taken answers later."""
    if polled_at is None:
        return "no worker has polled for five minutes: python worker.py"
    seconds = max(0, round((datetime.now(UTC) - polled_at).total_seconds()))
    return f"a worker polled {seconds} s ago and is too busy to answer"


def _show_stuck(stuck: Sequence[StuckWorkflow]) -> None:
    for one in stuck[:SHOWN_STUCK]:
        say(f"stuck: {one.workflow_id} since {one.started_at:%Y-%m-%d %H:%M} UTC, {one.found}: {one.command}")
    if (more := len(stuck) - SHOWN_STUCK) > 0:
        say(f"... and {more:,} more stuck workflows: starter.py status --json")


def _show_waiting(lag: Lag) -> None:
    if lag.decayed_longest_ago is not None:
        say(f"decay: the oldest is {took(lag.decayed_longest_ago)} old ({lag.decayed_longest_ago_tenant})")
    if lag.never_decayed:
        say(f"decay: {lag.never_decayed:,} tenants have never been decayed")
    if lag.oldest_due_session is None:
        out.print("summaries: no session is due")
    else:
        say(f"summaries: {lag.due_sessions:,} sessions are due, the oldest ended {took(lag.oldest_due_session)} ago")


def _show_model(model: ModelStatus) -> None:
    today = next(use for use in model.budgets if use.tenant_id is None)
    writer = ", ".join(model.models) or f"no model ({model.backend})"
    say(
        f"model: {writer}; today {today.tokens:,} of {today.token_limit:,} tokens, "
        f"{today.cost:.4f} of {today.cost_limit:.2f} in cost"
    )
    if model.model and model.answers.worrying:
        say(f"  {model.answers.found} → {model.answers.next_step or 'starter.py model status'}")
    if model.fallback_takeover_since:
        say(
            f"  no usable answer since {model.fallback_takeover_since:%Y-%m-%d %H:%M} UTC: "
            "the extractive writer writes the fallbacks (starter.py doctor)"
        )
    for breaker in model.breakers:
        if breaker.open:
            say(
                f"  breaker open for {breaker.endpoint} until {breaker.opened_until:%H:%M} UTC ({breaker.reason}): "
                "starter.py model status"
            )

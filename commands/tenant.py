"""``tenants show``: one tenant, and why one of its sessions is or is not summarized."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from commands.console import AsJson, print_json, run, said, say, settings_for_command
from commands.tables import show_titled, table
from memory_maintenance.inspection.cycle_words import short_id
from memory_maintenance.inspection.derived import Dangling
from memory_maintenance.inspection.sessions import SessionReport, session_reports
from memory_maintenance.inspection.task_words import columns_of, left_in_words
from memory_maintenance.inspection.tenant import TenantReport, TenantRun, tenant_report
from memory_maintenance.tenants.control import TenantControl
from memory_maintenance.tenants.orders import Order
from runtime.wiring import in_store


def show_tenant(
    tenant: Annotated[str, typer.Argument(help="Tenant id, as `tenants list` shows it.")],
    session: Annotated[
        str | None, typer.Option("--session", help="Say why this session is or is not summarized.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what operators said of a tenant, its last runs, and what is due now; with --session: why, or why not."""
    settings = settings_for_command()
    if session is None:
        report = run(in_store(settings, lambda pool: tenant_report(pool, settings, tenant)))
        return print_json(tenant_data(report)) if as_json else _show_tenant(report)
    reports = run(in_store(settings, lambda pool: session_reports(pool, settings, tenant, session), tenant=tenant))
    return print_json([asdict(one) for one in reports]) if as_json else _show_sessions(reports)


def tenant_data(report: TenantReport) -> dict[str, Any]:
    """Return a tenant as data."""
    control = report.control
    return {
        **{
            name: getattr(control, name)
            for name in ("tenant_id", "paused", "paused_by", "paused_reason", "paused_since")
        },
        "paused_until": control.paused_until,
        "overrides": control.overrides.model_dump(mode="json", exclude_none=True),
        "decay": {
            "enabled": report.decay_enabled,
            "policy": report.rule.policy,
            "rate": report.rule.rate,
            "retained_share": report.rule.retained,
            "from": asdict(report.origin),
            "as_of": report.decayed_as_of,
        },
        "duplicates": {"exact": report.duplicates.exact, "from": report.duplicates.origin},
        "due": {
            "sessions_hourly": report.due_hourly,
            "sessions_daily": report.due_daily,
            "first_sessions": [asdict(session) for session in report.sessions],
            "projects_to_dream": report.projects,
            "dreams_wait": report.dreams_wait,
        },
        "not_due": [asdict(session) for session in report.unwritten],
        "dangling": [asdict(one) for one in report.dangling],
        "orders": [asdict(order) for order in report.orders],
        "runs": [asdict(one) | {"outcome": one.outcome.model_dump(mode="json")} for one in report.runs],
    }


def _show_tenant(report: TenantReport) -> None:
    control, rule = report.control, report.rule
    say(f"{control.tenant_id}: {state_in_words(control)}")
    own = ", ".join(f"{name}={value}" for name, value in control.overrides.model_dump(exclude_none=True).items())
    say(f"differs from the deployment in: {own or 'nothing'}")
    say(
        f"decay: {rule.policy} ({report.origin.policy}), {rule.rate:g} a day ({report.origin.rate}), "
        f"{rule.retained:g} of the base stays"
        if report.decay_enabled
        else "decay: off"
    )
    say(f"decayed as of: {f'{report.decayed_as_of:%Y-%m-%d %H:%M} UTC' if report.decayed_as_of else 'never'}")
    say(f"duplicates: {report.duplicates.exact} ({report.duplicates.origin})")
    say(f"due now: {report.due_daily} sessions in a daily run, {report.due_hourly} of them in an hourly one")
    for session in report.sessions:
        say(f"  session {session.session_id}, project {session.project_name}")
    wait = f"; {report.dreams_wait}" if report.dreams_wait else ""
    say(f"can dream: {', '.join(report.projects) or 'no project'}{wait}")
    if control.paused:
        say(f"nothing of this is done while it is paused: starter.py tenants resume {control.tenant_id}")
    else:
        _show_unwritten(report.unwritten)
    _show_dangling(report.dangling)
    _show_runs(report.runs)
    _show_orders(report.orders)
    say(f"\nmore of a session: starter.py tenants show {control.tenant_id} --session SESSION")


def state_in_words(control: TenantControl) -> str:
    """Return whether a tenant is paused, and then since when, until when, by whom and why."""
    if not control.paused:
        return "active"
    until = f" until {control.paused_until:%Y-%m-%d %H:%M} UTC" if control.paused_until else ""
    who = said(control.paused_by, control.paused_reason)
    return f"paused since {control.paused_since:%Y-%m-%d %H:%M} UTC{until}{who}"


def _show_unwritten(sessions: tuple[SessionReport, ...]) -> None:
    if not sessions:
        return
    rows = table(None, "session", "project", "new#", "last event (UTC)", "why not")
    for one in sessions:
        why, last = one.why[0].partition(": ")[0], f"{one.last_event_at:%Y-%m-%d %H:%M}"
        rows.add_row(one.session_id, one.project, str(one.new_events), last, why)
    show_titled("Sessions with new events that are not due, the latest first", rows)


def _show_dangling(found: tuple[Dangling, ...]) -> None:
    if not found:
        return
    rows = table(None, "id", "by", "about", "sources#", "gone#")
    for one in found:
        rows.add_row(str(one.id), one.task, one.subject or "", str(one.sources), str(one.gone))
    show_titled("Made from memories that are gone, the latest first", rows)


def _show_orders(orders: tuple[Order, ...]) -> None:
    if not orders:
        return
    rows = table(None, "ordered (UTC)", "what", "by", "reason")
    for one in orders:
        rows.add_row(f"{one.ordered_at:%Y-%m-%d %H:%M}", _ordered(one), one.ordered_by or "-", one.reason or "-")
    show_titled("Last orders", rows)


def _ordered(order: Order) -> str:
    """Return an order in words: what it did, and to what."""
    details = order.details
    match order.action:
        case "set" | "unset":
            named = [f"{name}={value}" if value is not None else name for name, value in details.items()]
            return f"{order.action} {', '.join(named) or 'everything'}"
        case "pause" if "until" in details:
            return f"pause until {datetime.fromisoformat(details['until']):%Y-%m-%d %H:%M}"
        case "restore" if "rewound_to" in details:
            rows = details.get("restored", 0)
            return f"rewind {rows} memories to {datetime.fromisoformat(details['rewound_to']):%Y-%m-%d %H:%M}"
        case "restore":
            return f"restore {details.get('restored', 0)} {'of those named' if 'memories' in details else 'memories'}"
        case _:
            return order.action


def _show_runs(runs: tuple[TenantRun, ...]) -> None:
    if not runs:
        return say("no run has had work for it yet")
    shown = columns_of(one.outcome for one in runs)
    rows = table(None, "cycle", "started (UTC)", "kind", "status", *(f"{spec.name}#" for spec in shown), "skipped")
    for one in runs:
        done = one.outcome
        rows.add_row(
            short_id(one.cycle_id),
            f"{one.started_at:%Y-%m-%d %H:%M}",
            one.kind,
            done.status + (f" ({done.error_type})" if done.error_type else ""),
            *(f"{done.of(spec.name).of(*spec.done):,}" for spec in shown),
            ", ".join(filter(None, (left_in_words(spec, done.of(spec.name)) for spec in shown))) or "-",
        )
    return show_titled("Last runs", rows)


def _show_sessions(reports: list[SessionReport]) -> None:
    for one in reports:
        say(f"session {one.session_id}, project {one.project}: {_due(one)}")
        left_out = f", {one.left_out} set aside" if one.left_out else ""
        say(
            f"  {one.events} events: {one.covered} in {one.summaries} summaries, {one.new_events} new{left_out}; "
            f"the last one of {one.last_event_at:%Y-%m-%d %H:%M} UTC"
        )
        for reason in one.why:
            say(f"  {reason}")


def _due(report: SessionReport) -> str:
    if report.due_hourly:
        return "due in the next run"
    return "due in the next daily run" if report.due_daily else "not due"

"""What to do about a tenant or a cycle that failed: what to type, and where more is said."""

from __future__ import annotations

import shlex
from typing import Final
from urllib.parse import quote

from memory_maintenance.cycles.outcomes import TenantOutcome
from memory_maintenance.inspection.cycles import Cycle, after_failure, next_command
from memory_maintenance.redaction import shown_address
from memory_maintenance.settings import Settings
from workflows.page import tenant_workflow_id

TEMPORALS_VERSION: Final = 7
"""Of the UUIDs that Temporal gives to runs."""


def steps_for_tenant(cycle: Cycle, outcome: TenantOutcome) -> dict[str, str]:
    """Return what to type about a tenant that failed, and where more is said; nothing of one that did not."""
    if not outcome.failed:
        return {}
    following = {"next_command": next_command(cycle.kind, outcome)}
    if not _by_temporal(cycle):
        return following | _log(outcome.tenant_id, "tenant_maintenance_failed")
    if outcome.status == "page_failed":  # its end was lost with the page, and no step of it failed
        return following | _root(cycle)
    workflow = tenant_workflow_id(outcome.tenant_id)
    return following | {"workflow": workflow} | _log(workflow, "activity_")


def steps_for_cycle(cycle: Cycle) -> dict[str, str]:
    """Return what to type about a cycle that failed as a whole, and where more is said."""
    following, itself = {"next_command": after_failure(cycle)}, str(cycle.cycle_id)
    if not _by_temporal(cycle):
        return following | _log(itself, "maintenance_cycle_failed")
    return following | _root(cycle) | _log(itself, "activity_")


def web_ui_link(settings: Settings, cycle: Cycle) -> str | None:
    """Return where the Web UI shows a cycle; None: no workflow did it, or TEMPORAL_UI_URL is not set."""
    if settings.temporal_ui_url is None or not _by_temporal(cycle):
        return None
    where = (
        f"{shown_address(settings.temporal_ui_url).rstrip('/')}/namespaces/{settings.temporal_namespace or 'default'}"
    )
    return f"{where}/workflows?query={quote(_root(cycle)['workflow'])}"


def _root(cycle: Cycle) -> dict[str, str]:
    return {"workflow": f'RunId = "{cycle.cycle_id}"'}


def _log(subject: str, event: str) -> dict[str, str]:
    return {"log": f"grep -F {shlex.quote(subject)} LOG | grep {event}"}


def _by_temporal(cycle: Cycle) -> bool:
    """Return whether a workflow did it: its id is the server's, of version 7; those of the library are random."""
    return cycle.cycle_id.version == TEMPORALS_VERSION

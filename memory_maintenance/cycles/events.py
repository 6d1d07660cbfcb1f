"""Which events the end of a cycle is, by what the cycle recorded: the conditions are those of doctor and the alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from memory_maintenance.cycles.outcomes import CycleTotals, failure_of
from memory_maintenance.preflight.finding import Finding
from memory_maintenance.tasks import TASKS
from memory_maintenance.webhooks.event import Event

HIGH_FALLBACK_SHARE: Final = 0.1
"""Share of a cycle's summaries; the alert MaintenanceFallbacks has the same."""

SEES_NOTHING: Final = frozenset({"memories_elsewhere", "memories_missing", "row_security", "empty_store"})
"""Checks of the preflight that say that a run sees no memories."""


@dataclass(frozen=True, slots=True)
class ClosedCycle:
    """A cycle that has just been closed, as its row says."""

    cycle_id: UUID
    kind: str
    status: str
    as_of: datetime
    started_at: datetime
    completed_at: datetime
    config: dict[str, Any]
    totals: CycleTotals
    findings: Sequence[Finding]

    @property
    def day(self) -> str:
        """The UTC day on which it ended: what holds for all cycles of a day is one event."""
        return self.completed_at.date().isoformat()


def events_of(cycle: ClosedCycle) -> Iterator[Event]:
    """Yield the events that the end of *cycle* is."""
    known = {"cycle_id": str(cycle.cycle_id), "kind": cycle.kind}
    yield _ended(cycle, known)
    totals = cycle.totals
    unpaid = {name: n for name, counts in totals.by_task.items() if (n := counts.reasons.get("budget_exhausted"))}
    if unpaid:
        yield Event("budget.used_up", cycle.day, {**known, "left": unpaid})
    summaries = totals.of("summarization")
    written, fallbacks = summaries.of("stored", "updated", "fallbacks"), summaries.of("fallbacks")
    if fallbacks > HIGH_FALLBACK_SHARE * written:
        yield Event("fallbacks.high", cycle.day, {**known, "summaries": written, "fallbacks": fallbacks})
    checks = [finding.check for finding in cycle.findings if finding.check in SEES_NOTHING]
    if checks and cycle.config.get("named_tenants") is None:
        yield Event("nothing.seen", cycle.day, {**known, "checks": checks})
    proposed = {name: n for name, counts in totals.by_task.items() if (n := counts.of("proposed"))}
    if proposed:
        yield Event("proposal.waiting", str(cycle.cycle_id), {**known, "proposed": proposed})


def _ended(cycle: ClosedCycle, known: dict[str, Any]) -> Event:
    failed = cycle.status == "failed"
    failure = failure_of(cycle.status, cycle.totals, cycle.config)
    totals = cycle.totals
    undone = {task.spec.unit: n for task in TASKS if (n := task.left_undone(totals.of(task.spec.name)))}
    data = {
        **known,
        "status": cycle.status,
        "as_of": cycle.as_of.isoformat(),
        "started_at": cycle.started_at.isoformat(),
        "completed_at": cycle.completed_at.isoformat(),
        "named_tenants": cycle.config.get("named_tenants"),
        "tenants": {
            "looked_at": totals.looked_at,
            "with_work": totals.tenants,
            "left_paused": totals.left_paused,
            **totals.statuses,
        },
        "tasks": {name: counts.model_dump() for name, counts in totals.by_task.items()},
        "left_undone": undone,
        "checks": [finding.check for finding in cycle.findings],
    }
    # The message of a failure names places and roles: `cycles show` has it.
    error = {"error_type": failure.error_type if failure else None} if failed else {}
    return Event("cycle.failed" if failed else "cycle.finished", str(cycle.cycle_id), {**data, **error})

"""Whether the next daily run will run, for ``status``, its exit status and the page *Tonight*."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from temporalio.client import Client

from memory_maintenance.inspection.cycle_words import minute
from memory_maintenance.inspection.model import ModelStatus
from memory_maintenance.inspection.preflight import CycleFindings
from memory_maintenance.settings import Settings
from memory_maintenance.tenants.daily_times import NO_GROUPS, OFF, Groups
from memory_maintenance.work import Kind
from runtime.running import Running, what_runs
from runtime.schedule_orders import ScheduleState, has_started_runs, schedule_states
from runtime.stuck import StuckWorkflow, stuck_workflows
from runtime.wanted_schedules import KINDS, cron_of, schedule_id


@dataclass(frozen=True, slots=True)
class TemporalState:
    """What Temporal says; ``running`` None: it does not answer, and ``error`` says why."""

    running: Running | None = None
    stuck: Sequence[StuckWorkflow] = ()
    schedules: Sequence[ScheduleState] = ()
    gone: frozenset[Kind] = frozenset()
    """Kinds that have no Schedule now and had one: it has started runs."""
    error: str | None = None
    groups: Groups = NO_GROUPS
    """The daily times that tenants name for themselves."""

    @property
    def of_groups(self) -> list[tuple[str, int, ScheduleState | None]]:
        """Return the daily times that tenants name, how many of them do, and the Schedule, None where it is missing."""
        there = {one.group: one for one in self.schedules if one.group in self.groups.applied}
        return [(group, tenants, there.get(group)) for group, tenants in self.groups.tenants.items()]

    @property
    def daily(self) -> ScheduleState | None:
        """Return the daily schedule, None where it does not exist."""
        return next((one for one in self.schedules if one.id == schedule_id("daily")), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the next daily run will run, in a line, what to do if not, and what else to know."""

    level: Literal["good", "warn", "bad"]
    line: str
    reasons: tuple[str, ...] = ()
    next_step: str | None = None
    """None: it will run, or ``reasons`` have the commands."""

    @property
    def will_run(self) -> bool:
        """Return whether the next daily run will run."""
        return self.level != "bad"


async def temporal_state(client: Client, settings: Settings, groups: Groups) -> TemporalState:
    """Return what runs, what is stuck and how the schedules are, those of *groups* of tenants among them."""
    schedules = [state async for state in schedule_states(client, sorted(groups.applied))]
    missing = [kind for kind in KINDS if schedule_id(kind) not in {one.id for one in schedules}]
    return TemporalState(
        running=await what_runs(client),
        stuck=await stuck_workflows(client, settings),
        schedules=schedules,
        gone=frozenset([kind for kind in missing if await has_started_runs(client, kind)]),
        groups=groups,
    )


def verdict(
    temporal: TemporalState, settings: Settings, findings: Sequence[CycleFindings], model: ModelStatus
) -> Verdict:
    """Return whether the next daily run will run, and what else needs attention."""
    more = (*_worries(temporal, settings), *_of_store(findings), *_of_model(model))
    if temporal.running is None:
        return Verdict("bad", "Tonight: unknown, because Temporal does not answer", more, temporal.error)
    if temporal.daily is None:
        if cron_of(settings, "daily") == OFF:
            return Verdict("bad", "Tonight: will not run, the daily schedule is off (MAINTENANCE_DAILY_CRON)", more)
        line = f"Tonight: will not run, {_missing(temporal, 'daily')}"
        return Verdict("bad", line, more, "starter.py schedules apply")
    when = _when(temporal.daily.next_at)
    if temporal.daily.paused:
        note = f" ({temporal.daily.note})" if temporal.daily.note else ""
        line = f"{when}: will not run, the daily schedule is paused{note}"
        return Verdict("bad", line, more, "starter.py schedules resume daily")
    if temporal.running.polled_at is None:
        return Verdict("bad", f"{when}: will not run, no worker polls", more, "python worker.py")
    if any(finding.severity == "stop" for one in findings for finding in one.findings):
        return Verdict("bad", f"{when}: will stop at its first check, as the last run did", more)
    return Verdict("warn" if more else "good", f"{when}: will run", more)


def _when(next_at: datetime | None) -> str:
    """Return the time of the next run: of the next 24 hours as tonight's."""
    if next_at is None:
        return "Tonight"
    if next_at - datetime.now(UTC) < timedelta(days=1):
        return f"Tonight {next_at:%H:%M} UTC"
    return f"{minute(next_at)} UTC"


def _missing(temporal: TemporalState, kind: Kind) -> str:
    return f"the {kind} schedule is {'gone' if kind in temporal.gone else 'not set up yet'}"


def _worries(temporal: TemporalState, settings: Settings) -> list[str]:
    if temporal.running is None:
        return []
    found = [f"{one.workflow_id} is stuck, {one.found}: {one.command}" for one in temporal.stuck]
    hourly = next((one for one in temporal.schedules if one.id == schedule_id("hourly")), None)
    if hourly is None and cron_of(settings, "hourly") != OFF:
        found.append(f"{_missing(temporal, 'hourly')}: starter.py schedules apply")
    if hourly is not None and hourly.paused:
        note = f" ({hourly.note})" if hourly.note else ""
        found.append(f"the hourly schedule is paused{note}: starter.py schedules resume hourly")
    return [*found, *_of_groups(temporal)]


def _of_groups(temporal: TemporalState) -> list[str]:
    """Return what keeps tenants with daily times of their own from running at them."""
    found = []
    for group, tenants, schedule in temporal.of_groups:
        if group not in temporal.groups.applied:
            found.append(f"{tenants} tenants at {group} run with the daily schedule: starter.py schedules apply")
        elif schedule is None:
            found.append(f"the schedule of {tenants} tenants at {group} is gone: starter.py schedules apply")
        elif schedule.paused:
            found.append(f"the schedule of {tenants} tenants at {group} is paused: starter.py schedules resume daily")
    return found


def _of_store(findings: Sequence[CycleFindings]) -> list[str]:
    return list(dict.fromkeys(str(finding) for one in findings for finding in one.findings))


def _of_model(model: ModelStatus) -> list[str]:
    if not model.model or not model.answers.worrying:
        return []
    return [f"{model.answers.found}: {model.answers.next_step or 'starter.py model status'}"]

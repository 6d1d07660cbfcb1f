"""The two Schedules: applied idempotently, an operator's pause and note kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import Kind
from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from workflows.maintenance import MaintenanceWorkflow
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)

CATCH_UP = {"daily": _DAY - _MINUTE, "hourly": _HOUR - _MINUTE}
"""One minute shorter than the interval: after an outage at most the newest missed time runs."""

BACKSTOP = timedelta(hours=1)
"""A run that does not end by its deadline is ended by the server this much later."""


def schedule_id(kind: Kind) -> str:
    """Return the id of the Schedule."""
    return f"memory-maintenance-{kind}"


def desired(settings: Settings, kind: Kind) -> Schedule:
    """Return the Schedule as the settings want it."""
    daily = kind == "daily"
    deadline = timedelta(minutes=settings.deadline_minutes(daily=daily))
    return Schedule(
        action=ScheduleActionStartWorkflow(
            MaintenanceWorkflow.run,
            MaintenanceRequest(kind=kind),
            id=schedule_id(kind),
            task_queue=TASK_QUEUE,
            execution_timeout=deadline + BACKSTOP,
            static_summary=f"{kind} maintenance",
        ),
        spec=ScheduleSpec(
            cron_expressions=[settings.maintenance_daily_cron if daily else settings.maintenance_hourly_cron],
            time_zone_name="UTC",
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP[kind]),
    )


async def apply_schedule(client: Client, settings: Settings, kind: Kind) -> Literal["created", "updated"]:
    """Create the Schedule, or bring it to what the settings want; a pause and its note stay.

    Raises:
        SettingsError: the server does not accept the cron expression.
    """
    wanted = desired(settings, kind)
    try:
        await client.create_schedule(schedule_id(kind), wanted)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(schedule_id(kind)).update(_keeping_state(wanted))
        return "updated"
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            name = f"MAINTENANCE_{kind.upper()}_CRON"
            raise SettingsError(f"{name}: Temporal does not accept {wanted.spec.cron_expressions[0]!r}") from None
        raise
    return "created"


def _keeping_state(wanted: Schedule) -> Callable[[ScheduleUpdateInput], ScheduleUpdate]:
    def update(current: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(replace(wanted, state=current.description.schedule.state))

    return update


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A Schedule as an operator sees it; times in UTC."""

    id: str
    paused: bool
    note: str | None
    next_at: datetime | None
    last_at: datetime | None
    skipped: int
    missed: int


async def schedule_states(client: Client) -> AsyncIterator[ScheduleState]:
    """Yield the state of each of our Schedules that exists."""
    for kind in ("daily", "hourly"):
        try:
            found = await client.get_schedule_handle(schedule_id(kind)).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                continue
            raise
        info, state = found.info, found.schedule.state
        yield ScheduleState(
            id=found.id,
            paused=state.paused,
            note=state.note,
            next_at=info.next_action_times[0] if info.next_action_times else None,
            last_at=info.recent_actions[-1].scheduled_at if info.recent_actions else None,
            skipped=info.num_actions_skipped_overlap,
            missed=info.num_actions_missed_catchup_window,
        )

"""The two Schedules as the settings want them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from temporalio.client import Schedule, ScheduleActionStartWorkflow, ScheduleOverlapPolicy, SchedulePolicy, ScheduleSpec

from memory_maintenance.settings import Settings
from memory_maintenance.work import Kind
from runtime.runs import HOW_TO_ORDER
from workflows.maintenance import MaintenanceWorkflow
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE

KINDS: Final[tuple[Kind, ...]] = ("daily", "hourly")

OFF: Final = "off"
"""The cron expression of a Schedule that is not wanted."""

BACKSTOP: Final = timedelta(hours=1)
"""A run that does not end by its deadline is ended by the server this much later."""

MINUTE: Final = timedelta(minutes=1)
SHORTEST_CATCH_UP: Final = timedelta(seconds=10)
UNTIL_KNOWN: Final = timedelta(hours=1) - MINUTE
"""The catch-up window of a Schedule whose interval is not known: new, or with one time left."""

SEAL: Final = "maintenance_schedule"
"""In the memo of every run: what the Schedule was applied from, and what the server made of it."""


def schedule_id(kind: Kind) -> str:
    """Return the id of the Schedule."""
    return f"memory-maintenance-{kind}"


def wanted_schedule(
    settings: Settings, kind: Kind, *, catch_up: timedelta = UNTIL_KNOWN, seal: str | None = None
) -> Schedule:
    """Return the Schedule as the settings want it."""
    deadline = timedelta(minutes=settings.deadline_minutes(daily=kind == "daily"))
    return Schedule(
        action=ScheduleActionStartWorkflow(
            MaintenanceWorkflow.run,
            MaintenanceRequest(kind=kind),
            id=schedule_id(kind),
            task_queue=TASK_QUEUE,
            execution_timeout=deadline + BACKSTOP,
            static_summary=f"{kind} maintenance",
            static_details=HOW_TO_ORDER,
            memo={SEAL: seal} if seal else None,
        ),
        spec=ScheduleSpec(cron_expressions=[cron_of(settings, kind)], time_zone_name=settings.maintenance_time_zone),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=catch_up),
    )


def catch_up_window(next_times: Sequence[datetime]) -> timedelta:
    """Return how late a missed time may still run: a minute less than the shortest interval between two.

    So after an outage at most the newest missed time runs, and it finds all the work there is:
    under SKIP a longer window would run the oldest, as of an instant long ago. Where times
    are less than two minutes apart, half their interval; never less than the server's least.
    """
    intervals = [later - earlier for earlier, later in pairwise(next_times)]
    if not intervals:
        return UNTIL_KNOWN
    shortest = min(intervals)
    return max(shortest - min(MINUTE, shortest / 2), SHORTEST_CATCH_UP)


def cron_of(settings: Settings, kind: Kind) -> str:
    """Return the cron expression of a Schedule, or ``off``."""
    return settings.maintenance_daily_cron if kind == "daily" else settings.maintenance_hourly_cron

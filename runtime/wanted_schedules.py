"""The Schedules as the settings want them: the daily one, the hourly one, and one for each group of daily times.

Expression, time zone, action and policies are the settings'. A Schedule's state is the operator's:
whether it is paused, its note, and how many runs are left.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, TypeGuard

import structlog
from temporalio.api.common.v1 import Payload, Payloads, WorkflowType
from temporalio.api.enums.v1 import ScheduleOverlapPolicy
from temporalio.api.schedule.v1 import Schedule, ScheduleAction, SchedulePolicies, ScheduleSpec
from temporalio.api.sdk.v1 import UserMetadata
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import NewWorkflowExecutionInfo
from temporalio.client import ScheduleActionStartWorkflow, ScheduleDescription
from temporalio.converter import DataConverter

from memory_maintenance.settings import Settings
from memory_maintenance.tenants.daily_times import DEFAULT
from memory_maintenance.work import Kind
from runtime.runs import HOW_TO_ORDER
from workflows.maintenance import MaintenanceWorkflow
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE

logger = structlog.get_logger(__name__)

KINDS: Final[tuple[Kind, ...]] = ("daily", "hourly")

BACKSTOP: Final = timedelta(hours=1)
"""A run that does not end by its deadline is ended by the server this much later."""

MINUTE: Final = timedelta(minutes=1)
SHORTEST_CATCH_UP: Final = timedelta(seconds=10)
USUAL_CATCH_UP: Final = {"daily": timedelta(days=1) - MINUTE, "hourly": timedelta(hours=1) - MINUTE}
"""The catch-up window of a new Schedule: its interval is known only once the server has it."""


def schedule_id(kind: Kind, group: str | None = None) -> str:
    """Return the id of the Schedule, or of that of a *group* of tenants with daily times of their own."""
    digest = f"-{hashlib.sha256(group.encode()).hexdigest()[:12]}" if has_own_times(group) else ""
    return f"memory-maintenance-{kind}{digest}"


def has_own_times(group: str | None) -> TypeGuard[str]:
    """Return whether *group* is one of tenants with daily times of their own, not the default or every tenant."""
    return group is not None and group != DEFAULT


def cron_of(settings: Settings, kind: Kind, group: str | None = None) -> str:
    """Return the cron expression of a Schedule, or ``off``."""
    if has_own_times(group):
        return group.rpartition(" ")[0]
    return settings.maintenance_daily_cron if kind == "daily" else settings.maintenance_hourly_cron


def wanted_spec(settings: Settings, kind: Kind, group: str | None = None) -> ScheduleSpec:
    """Return the times, with the cron expression as their comment.

    The server turns an expression into a calendar and keeps the comment alone, which the Web UI
    shows; the UI writes expressions in the same way.
    """
    cron = cron_of(settings, kind, group).strip()
    zone = group.rpartition(" ")[2] if has_own_times(group) else settings.maintenance_time_zone
    return ScheduleSpec(cron_string=[f"{cron.partition('#')[0]}#{cron}"], timezone_name=zone)


async def wanted_schedule(
    settings: Settings,
    kind: Kind,
    converter: DataConverter,
    found: ScheduleDescription | None,
    group: str | None = None,
) -> Schedule:
    """Return the Schedule as the settings want it, with the state of the one that was *found*.

    Its runs are for the tenants of *group*; None: for every tenant.
    """
    catch_up, state, payloads = USUAL_CATCH_UP[kind], None, []
    if found is not None:
        stored = found.raw_description.schedule
        now = stored.action.start_workflow
        payloads = [*now.input.payloads, now.user_metadata.summary, now.user_metadata.details]
        catch_up = catch_up_window(found.info.next_action_times) or stored.policies.catchup_window.ToTimedelta()
        state = stored.state
    what = f"{kind} maintenance" + (f" of the tenants at {group}" if has_own_times(group) else "")
    said = (MaintenanceRequest(kind=kind, schedule=group), what, HOW_TO_ORDER)
    request, summary, details = await _encoded(said, converter, stored=payloads)
    start = NewWorkflowExecutionInfo(
        workflow_id=schedule_id(kind, group),
        workflow_type=WorkflowType(name=MaintenanceWorkflow.__name__),
        task_queue=TaskQueue(name=TASK_QUEUE),
        input=Payloads(payloads=[request]),
        user_metadata=UserMetadata(summary=summary, details=details),
    )
    deadline = timedelta(minutes=settings.deadline_minutes(daily=kind == "daily"))
    start.workflow_execution_timeout.FromTimedelta(deadline + BACKSTOP)
    policies = SchedulePolicies(overlap_policy=ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_SKIP)
    policies.catchup_window.FromTimedelta(catch_up)
    spec = wanted_spec(settings, kind, group)
    return Schedule(spec=spec, action=ScheduleAction(start_workflow=start), policies=policies, state=state)


async def _encoded(said: Sequence[object], converter: DataConverter, *, stored: Sequence[Payload]) -> Sequence[Payload]:
    """Return payloads that say what is *said*: those that are *stored*, where they do, since a codec may add a salt."""
    plain, codec = converter.payload_converter.to_payloads(said), converter.payload_codec
    if codec is None:
        return plain
    try:
        if await codec.decode(stored) == plain:
            return stored
    except Exception as error:  # noqa: BLE001  a codec may raise anything at what another codec, or another key, wrote
        logger.info("schedule_payloads_unreadable", error_type=type(error).__name__)
    return await codec.encode(plain)


def is_wanted(found: ScheduleDescription, wanted: Schedule) -> bool:
    """Return whether a Schedule is what is wanted, as far as can be seen.

    A change by hand is seen, except of a calendar whose comment was left as it was.
    """
    stored, cron = found.raw_description.schedule, wanted.spec.cron_string[0].partition("#")[2]
    spec = ScheduleSpec(timezone_name=wanted.spec.timezone_name)
    if cron.startswith("@every"):  # becomes an interval, which has no comment
        spec.interval.extend(stored.spec.interval)
    else:
        spec.structured_calendar.extend(each for each in stored.spec.structured_calendar if each.comment == cron)
    action = ScheduleActionStartWorkflow("", raw_info=wanted.action.start_workflow)
    return (found.schedule.action, stored.spec, stored.policies) == (action, spec, wanted.policies)


def catch_up_window(next_times: Sequence[datetime]) -> timedelta | None:
    """Return how late a missed time may still run: a minute less than the shortest interval; None: not known.

    So after an outage at most the newest missed time runs, and it finds all the work there is: under
    SKIP a longer window would run the oldest, as of an instant long ago. Where times are less than
    two minutes apart, half their interval; never less than the server's least. An interval that
    does not recur is not counted: a change of clocks takes an hour from one.
    """
    intervals = Counter(later - earlier for earlier, later in pairwise(next_times))
    if not intervals:
        return None
    shortest = min([each for each, times in intervals.items() if times > 1] or intervals)
    return max(shortest - min(MINUTE, shortest / 2), SHORTEST_CATCH_UP)

"""Whether Temporal is what maintenance needs: reachable, search attributes, Schedules, pollers, fairness."""

from __future__ import annotations

from functools import partial
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError

from memory_maintenance.errors import MaintenanceError
from memory_maintenance.inspection.health import Check
from memory_maintenance.settings import Settings
from memory_maintenance.tenants.daily_times import NO_GROUPS, OFF, Groups
from memory_maintenance.work import Kind
from runtime.client import ANSWER_TIMEOUT, connect
from runtime.pollers import is_polled
from runtime.schedule_groups import daily_group
from runtime.schedule_orders import ScheduleState, state_of
from runtime.schedules import described, is_as_set, refused_spec
from runtime.search_attributes import SearchAttributes
from runtime.stuck import stuck_workflows
from runtime.wanted_schedules import KINDS, cron_of, has_own_times, schedule_id
from workflows.options import MODEL_TASK_QUEUE, TASK_QUEUE

WORKFLOWS: Final = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
ACTIVITIES: Final = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY

QUEUES: Final = (
    (TASK_QUEUE, WORKFLOWS, "all"),
    (TASK_QUEUE, ACTIVITIES, "all"),
    (MODEL_TASK_QUEUE, ACTIVITIES, "model"),
)
"""What has to be polled, and the role of a worker that does."""

SHOWN_STUCK: Final = 20

_temporal = partial(Check, "temporal")


async def temporal_checks(
    address: str, settings: Settings, *, embedded: bool, groups: Groups = NO_GROUPS
) -> list[Check]:
    """Return the verdicts on the server at *address*; where it cannot be reached, that one alone.

    *groups* are those of the tenants with daily times of their own.
    """
    try:
        client = await connect(address, settings, patience_seconds=5)
        return [
            await _server(client, address),
            *await _pollers(client),
            *await _stuck(client, settings),
            *await _schedules(client, settings, groups),
            await _search_attributes(client),
            fairness_check(embedded=embedded),
        ]
    except MaintenanceError as error:
        return [_temporal("reachable", "failure", str(error))]
    except RPCError as error:
        return [
            _temporal("reachable", "failure", f"Temporal refused a question: {error.status.name}", "check our rights")
        ]


async def _server(client: Client, address: str) -> Check:
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=ANSWER_TIMEOUT)
    return _temporal("reachable", "ok", f"server {info.server_version} at {address}, namespace {client.namespace}")


async def _pollers(client: Client) -> list[Check]:
    silent = {queue: role for queue, kind, role in QUEUES if not await is_polled(client, queue, kind)}
    return [_poller_check(queue, silent.get(queue)) for queue in (TASK_QUEUE, MODEL_TASK_QUEUE)]


def _poller_check(queue: str, missing_role: str | None) -> Check:
    """Return the verdict on one queue; the server remembers a poller for five minutes."""
    if missing_role is None:
        return _temporal("pollers", "ok", f"{queue} was polled within five minutes")
    found = f"no worker has polled {queue} for five minutes"
    return _temporal("pollers", "failure", found, f"start one: python worker.py --role {missing_role}")


async def _stuck(client: Client, settings: Settings) -> list[Check]:
    found = await stuck_workflows(client, settings)
    if not found:
        return [_temporal("workflows", "ok", "none is older than its deadline, or fails again and again")]
    checks = [
        _temporal("workflows", "failure", f"{one.workflow_id} {one.found}", one.command) for one in found[:SHOWN_STUCK]
    ]
    if (more := len(found) - SHOWN_STUCK) > 0:
        checks.append(_temporal("workflows", "failure", f"{more} more are stuck", "starter.py status --json"))
    return checks


async def _schedules(client: Client, settings: Settings, groups: Groups) -> list[Check]:
    daily = daily_group(groups.applied)
    checks = [
        check for kind in KINDS for check in await _schedule(client, settings, kind, daily if kind == "daily" else None)
    ]
    for group in sorted(groups.tenants.keys() | groups.applied):
        if group in groups.tenants and group in groups.applied:
            checks += await _schedule(client, settings, "daily", group)
        elif group in groups.tenants:
            found = f"{groups.tenants[group]} tenants at {group} have no Schedule: they run with the daily one"
            checks.append(_temporal("schedules", "warning", found, "starter.py schedules apply"))
            if (refused := await refused_spec(client, settings, "daily", group)) is not None:
                checks.append(_temporal("schedules", "failure", str(refused), "starter.py tenants set TENANT …"))
        else:
            found = f"{schedule_id('daily', group)} is for no tenant any more ({group})"
            checks.append(_temporal("schedules", "warning", found, "starter.py schedules apply"))
    return checks


async def _schedule(client: Client, settings: Settings, kind: Kind, group: str | None = None) -> list[Check]:
    wanted = cron_of(settings, kind, group) != OFF
    found = await described(client.get_schedule_handle(schedule_id(kind, group)))
    verdict = schedule_check(kind, state_of(found) if found else None, wanted=wanted, group=group)
    if (refused := await refused_spec(client, settings, kind, group)) is not None:
        advice = "correct it, then: starter.py schedules apply"
        return [verdict, _temporal("schedules", "failure", str(refused), advice)]
    if found and wanted and not await is_as_set(client, found, settings, kind, group):
        name = schedule_id(kind, group)
        said = f"{name} is not what the settings say: it or MAINTENANCE_… was changed since it was applied"
        return [verdict, _temporal("schedules", "warning", said, "starter.py schedules apply")]
    return [verdict]


def schedule_check(kind: Kind, state: ScheduleState | None, *, wanted: bool, group: str | None = None) -> Check:
    """Return the verdict on one Schedule; *wanted*: its cron expression is not ``off``."""
    own = has_own_times(group)
    name = schedule_id(kind, group) + (f" ({group})" if own else "")
    if state is None and not wanted:
        return _temporal("schedules", "ok", f"{name} is off, as set")
    if state is None:
        found = f"there is no {name}: {'its tenants are not maintained' if own else f'no {kind} run starts by itself'}"
        return _temporal("schedules", "warning", found, "starter.py schedules apply")
    if not wanted:
        return _temporal("schedules", "warning", f"{name} is set to off and still there", "starter.py schedules apply")
    if state.paused:
        why = f" ({state.note})" if state.note else ""
        return _temporal("schedules", "warning", f"{name} is paused{why}", f"starter.py schedules resume {kind}")
    if state.next_at is None:
        return _temporal("schedules", "warning", f"{name} has no time left to run at", "starter.py schedules apply")
    return _temporal("schedules", "ok", f"{name} runs next at {state.next_at:%Y-%m-%d %H:%M} UTC")


async def _search_attributes(client: Client) -> Check:
    if await SearchAttributes(client).registered():
        return _temporal("search attributes", "ok", "registered")
    found = "not registered: runs are not found by tenant or cycle in the Web UI"
    return _temporal("search attributes", "warning", found, "starter.py schedules apply")


def fairness_check(*, embedded: bool) -> Check:
    """Return the verdict on fairness between tenants: no question to a server answers it (read of API 1.32)."""
    if embedded:
        return _temporal("fairness", "ok", "on: a large tenant keeps no other waiting")
    found = "whether it is on cannot be seen from here; without it a large tenant keeps others waiting"
    return _temporal("fairness", "note", found, "the server's dynamic configuration: matching.enableFairness=true")

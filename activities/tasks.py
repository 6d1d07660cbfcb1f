"""The maintenance tasks as activities: per task one that lists due units, and one that does a unit."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from temporalio import activity

from activities.heartbeat import is_interrupted
from activities.messages import DueRequest, DueResult, UnitRequest
from memory_maintenance.cycles.step import do_unit, due_units, stopped_unit
from memory_maintenance.task import AnyTask
from memory_maintenance.work import Done, as_json

Activity = Callable[..., Any]


def due_activities(tasks: Sequence[AnyTask]) -> list[Activity]:
    """Return the activities that list what is due, named as each task's spec says. They only read."""
    return [_due_activity(task) for task in tasks if task.spec.due_activity]


def unit_activities(tasks: Sequence[AnyTask]) -> list[Activity]:
    """Return the activities that do one unit, named as each task's spec says. Safe to retry, as every task is."""
    return [_unit_activity(task) for task in tasks]


def _due_activity(task: AnyTask) -> Activity:
    @activity.defn(name=task.spec.due_activity)
    async def due(request: DueRequest) -> DueResult:
        units = await due_units(task, request.tenant_id, request.run, request.after, request.limit)
        return DueResult(units=tuple(map(as_json, units)))

    return due


def _unit_activity(task: AnyTask) -> Activity:
    @activity.defn(name=task.spec.activity)
    async def do(request: UnitRequest) -> Done:
        try:
            return await do_unit(task, request.tenant_id, request.unit, request.run)
        except asyncio.CancelledError:
            if is_interrupted():
                raise  # another attempt takes the unit over
            # The workflow waits for what was done until now, and ends with it.
            return await stopped_unit(task, request.tenant_id, request.unit, request.run, "cancelled")

    return do

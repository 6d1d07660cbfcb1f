"""One step of a tenant's run: where a unit's JSON becomes the task's own type, and who may not go on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.task import AnyTask, Task
from memory_maintenance.tenants.control import load_tenant
from memory_maintenance.work import Done, Kind, Run, TaskSpec, Unit, UnitJson

UnitT = TypeVar("UnitT", bound=Unit)


async def due_units(task: Task[UnitT], tenant_id: str, run: Run, after: UnitJson | None, limit: int) -> Sequence[UnitT]:
    """Return a tenant's next due units of *task*; none where it is off for the tenant."""
    tenant = await load_tenant(task.tools.pool, tenant_id, task.tools.settings)
    if task.off(tenant.settings):
        return []
    return await task.due(tenant, run, _unit(task, after) if after is not None else None, limit)


async def do_unit(task: Task[UnitT], tenant_id: str, unit: UnitJson, run: Run) -> Done:
    """Do one unit of *task*, unless the tenant is paused or the task is off for it.

    Raises:
        InvalidRequestError: the overrides in the tenant's row cannot be read.
        MaintenanceError: what the task raises.
    """
    tenant = await load_tenant(task.tools.pool, tenant_id, task.tools.settings)
    typed, reason = _unit(task, unit), task.off(tenant.settings)
    if reason and not run.dry_run:
        await task.note_off([tenant], run)
    if tenant.paused:
        return await task.stopped(tenant, typed, run, "paused")
    if reason:
        return await task.stopped(tenant, typed, run, reason)
    return await task.do(tenant, typed, run)


async def stopped_unit(task: Task[UnitT], tenant_id: str, unit: UnitJson, run: Run, reason: str) -> Done:
    """Return what is counted of a unit that was broken off for *reason*: nothing, or what it had committed."""
    tenant = await load_tenant(task.tools.pool, tenant_id, task.tools.settings)
    return await task.stopped(tenant, _unit(task, unit), run, reason)


def _unit(task: Task[UnitT], unit: UnitJson) -> UnitT:
    return task.unit.model_validate(unit)  # type: ignore[return-value]  # a test holds `unit` to the task's parameter


def tasks_named(tasks: Iterable[AnyTask], names: Sequence[str] | None, kind: Kind) -> list[AnyTask]:
    """Return the tasks of a run: those *names*, or all that belong to its *kind*, and those that follow one of them.

    Raises:
        InvalidRequestError: a name that is no task, or of a task that only follows others.
    """
    known = {task.spec.name: task for task in tasks}
    choosable = [name for name, task in known.items() if not task.spec.follows]
    chosen = [name for name in choosable if kind in known[name].spec.cycles] if names is None else names
    if unknown := [name for name in chosen if name not in choosable]:
        raise InvalidRequestError(f"no task {unknown[0]!r}: give one of {', '.join(choosable)}")
    return [
        task
        for name, task in known.items()
        if name in chosen or (kind in task.spec.cycles and set(task.spec.follows) & set(chosen))
    ]


def chosen_names(specs: Iterable[TaskSpec]) -> list[str]:
    """Return the names by which a run's tasks were chosen: without those that only follow others."""
    return [spec.name for spec in specs if not spec.follows]

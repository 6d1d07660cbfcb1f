"""Daily times of a tenant's own: asked of Temporal before they are set, and applied to the Schedules after."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from commands.console import show_note
from memory_maintenance.errors import InvalidRequestError, MaintenanceError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.control import control_of
from memory_maintenance.tenants.daily_times import DEFAULT, NAMES, group_of
from memory_maintenance.tenants.overrides import checked_overrides
from runtime.client import connect
from runtime.schedule_groups import apply_groups
from runtime.schedules import refused_spec
from runtime.wiring import running_temporal


async def ensure_times(settings: Settings, pool: Pool, tenant: str, wanted: Mapping[str, str | None]) -> None:
    """Ask Temporal whether the tenant's daily times mean anything, where *wanted* sets some.

    Raises:
        SettingsError: they do not.
        TemporalUnreachableError: Temporal cannot say; it is also what would run them.
    """
    if not any(wanted.get(name) for name in NAMES):
        return
    try:
        before = (await control_of(pool, tenant)).overrides.model_dump(exclude_none=True)
    except InvalidRequestError:
        before = {}
    group = group_of(settings, checked_overrides({**before, **wanted}))
    if group == DEFAULT:
        return
    async with running_temporal(settings) as address:
        client = await connect(address, settings, patience_seconds=5)
        if (refused := await refused_spec(client, settings, "daily", group)) is not None:
            raise refused


async def apply_times(settings: Settings, pool: Pool, changed: Collection[str]) -> None:
    """Bring the Schedules of all groups to the overrides, where daily times were *changed*; say what was not done."""
    if not set(NAMES).intersection(changed):
        return
    try:
        async with running_temporal(settings) as address:
            client = await connect(address, settings, patience_seconds=5)
            done = await apply_groups(client, pool, settings)
    except MaintenanceError as error:
        show_note(f"the Schedules are as they were: {error}; when it answers: starter.py schedules apply")
        return
    for schedule, how in done.items():
        if how != "unchanged":
            show_note(f"{schedule}: {how}")

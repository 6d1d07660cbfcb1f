"""The Schedules of tenants with daily times of their own: made, kept and removed as the store says."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Final

from temporalio.client import Client

from memory_maintenance.errors import ScheduleNotFoundError, SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.daily_times import DEFAULT, applied_groups, forget_group, groups, record_group
from runtime.schedule_orders import delete, pause
from runtime.schedules import apply_schedule, described, is_as_set
from runtime.wanted_schedules import schedule_id

_PASSES: Final = 5


async def apply_groups(client: Client, pool: Pool, settings: Settings) -> dict[str, str]:
    """Bring the Schedules of all groups to what the tenants' overrides say; return what was done, by Schedule id.

    While there is one, the daily Schedule is for the tenants of no group. A group is recorded once its Schedule exists,
    so that until then its tenants stay with the daily one. Times that the server refuses are reported, and change no
    other group. Passes are repeated until one finds nothing to do: what others change meanwhile is found by whoever
    ends last.

    Raises:
        ScheduleSilentError: the server accepted a change and did not apply it.
    """
    done: dict[str, str] = {}
    for _ in range(_PASSES):
        found, changed = await groups(pool, settings), False
        for group in found.tenants:
            try:
                how = await apply_schedule(client, settings, "daily", group)
            except SettingsError as error:
                done[schedule_id("daily", group)] = f"refused: {error}"
                continue
            if how == "created":
                await _pause_as_the_daily_one(client, group)
            if group not in found.applied:
                await record_group(pool, group)
            changed |= how != "unchanged" or group not in found.applied
            done.setdefault(schedule_id("daily", group), how)
        for group in found.applied - found.tenants.keys():
            await remove_group(client, pool, group)
            done[schedule_id("daily", group)] = "removed"
            changed = True
        if not changed:
            break
    await _tell_the_daily_one(client, settings, daily_group(await applied_groups(pool)))
    return done


def daily_group(applied: Collection[str]) -> str | None:
    """Return whom the daily Schedule is for: every tenant, or those of no group where groups have Schedules."""
    return DEFAULT if applied else None


async def _pause_as_the_daily_one(client: Client, group: str) -> None:
    daily = await described(client.get_schedule_handle(schedule_id("daily")))
    if daily is not None and daily.schedule.state.paused:
        await pause(client, "daily", note=daily.schedule.state.note or "", group=group)


async def _tell_the_daily_one(client: Client, settings: Settings, group: str | None) -> None:
    """Have the daily Schedule leave the groups out, or not. It is changed in nothing else: then it is left alone."""
    found = await described(client.get_schedule_handle(schedule_id("daily")))
    other = None if group else DEFAULT
    if found is not None and await is_as_set(client, found, settings, "daily", other):
        await apply_schedule(client, settings, "daily", group)


async def remove_group(client: Client, pool: Pool, group: str) -> None:
    """Remove the Schedule of a group; its tenants, if it has any, are the daily one's again. Twice is once."""
    with suppress(ScheduleNotFoundError):
        await delete(client, "daily", group=group)
    await forget_group(pool, group)

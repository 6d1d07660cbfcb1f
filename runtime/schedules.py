"""The update that brings a Schedule to what the settings want, and waiting until the server has applied a change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, Literal
from uuid import uuid4

from temporalio.api.schedule.v1 import Schedule
from temporalio.api.workflowservice.v1 import CreateScheduleRequest, UpdateScheduleRequest
from temporalio.client import Client, ScheduleDescription, ScheduleHandle
from temporalio.service import RPCError, RPCStatusCode

from memory_maintenance.errors import ScheduleSilentError, SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.tenants.daily_times import OFF
from memory_maintenance.work import Kind
from runtime.wanted_schedules import cron_of, has_own_times, is_wanted, schedule_id, wanted_schedule, wanted_spec

PATIENCE_SECONDS: Final = 10
_POLL_SECONDS: Final = 0.05
_ATTEMPTS: Final = 10
_SPEC_ERROR: Final = "Invalid schedule spec: "

Applied = Literal["created", "updated", "unchanged", "removed", "off"]


async def apply_schedule(client: Client, settings: Settings, kind: Kind, group: str | None = None) -> Applied:
    """Bring the Schedule to what the settings want and keep its state; safe to repeat, and by several at once.

    It is always written, so that no change by hand stays, whatever can be seen of it.

    Raises:
        SettingsError: the server does not accept the cron expression or the time zone.
        ScheduleSilentError: the server accepted the change and did not apply it.
    """
    handle = client.get_schedule_handle(schedule_id(kind, group))
    before = found = await described(handle)
    if cron_of(settings, kind, group) == OFF:
        if before is not None:
            await handle.delete()
        return OFF if before is None else "removed"
    written = False
    for _ in range(_ATTEMPTS):
        wanted = await wanted_schedule(settings, kind, client.data_converter, found, group)
        if found is not None and written and is_wanted(found, wanted):
            if before is None:
                return "created"
            same = replace(before.schedule, state=found.schedule.state) == found.schedule
            return "unchanged" if same else "updated"
        try:
            found, written = await _write(client, handle, wanted, found)
        except RPCError as error:
            raise _explained(error, settings, kind, group) from None
    raise ScheduleSilentError(handle.id, PATIENCE_SECONDS)


async def _write(
    client: Client, handle: ScheduleHandle, wanted: Schedule, found: ScheduleDescription | None
) -> tuple[ScheduleDescription, bool]:
    """Create or update the Schedule; return it, and False where it was changed since it was *found*.

    The SDK's own update sends no conflict token: it would take back a pause of the moment before.
    With one, the server drops such an update, most versions without saying so.
    """
    about: dict[str, Any] = {
        "namespace": client.namespace,
        "schedule_id": handle.id,
        "schedule": wanted,
        "identity": client.identity,
        "request_id": str(uuid4()),
    }
    service = client.workflow_service
    if found is None:
        with _ignoring(RPCStatusCode.ALREADY_EXISTS):
            await service.create_schedule(CreateScheduleRequest(**about), retry=True)
        return await handle.describe(), True
    token = found.raw_description.conflict_token
    with _ignoring(RPCStatusCode.FAILED_PRECONDITION):
        await service.update_schedule(UpdateScheduleRequest(**about, conflict_token=token), retry=True)
    now = await wait_until(handle, lambda now: now.raw_description.conflict_token != token)
    return now, now.info.last_updated_at != found.info.last_updated_at


async def is_as_set(
    client: Client, found: ScheduleDescription, settings: Settings, kind: Kind, group: str | None = None
) -> bool:
    """Return whether a Schedule is what the settings want, as far as ``is_wanted`` sees."""
    return is_wanted(found, await wanted_schedule(settings, kind, client.data_converter, found, group))


async def refused_spec(
    client: Client, settings: Settings, kind: Kind, group: str | None = None
) -> SettingsError | None:
    """Return what the server has against the cron expression or the time zone; None where it takes both.

    The question is an update of a Schedule that does not exist: whatever the server answers, nothing is written.
    """
    if cron_of(settings, kind, group) == OFF:
        return None
    asked = UpdateScheduleRequest(
        namespace=client.namespace,
        schedule_id=f"{schedule_id(kind)}-asked-{uuid4()}",
        schedule=Schedule(spec=wanted_spec(settings, kind, group)),
        identity=client.identity,
        request_id=str(uuid4()),
    )
    try:
        await client.workflow_service.update_schedule(asked)
    except RPCError as error:
        explained = _explained(error, settings, kind, group) if error.message.startswith(_SPEC_ERROR) else None
        return explained if isinstance(explained, SettingsError) else None
    return None


async def described(handle: ScheduleHandle) -> ScheduleDescription | None:
    """Return what the server says of a Schedule, None where it does not exist."""
    with _ignoring(RPCStatusCode.NOT_FOUND):
        return await handle.describe()
    return None


async def wait_until(handle: ScheduleHandle, so: Callable[[ScheduleDescription], bool]) -> ScheduleDescription:
    """Return what the server says of a Schedule once it is *so*: it accepts a change first and applies it after.

    Raises:
        ScheduleSilentError: it is not within ``PATIENCE_SECONDS``.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                if so(found := await handle.describe()):
                    return found
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise ScheduleSilentError(handle.id, PATIENCE_SECONDS) from None


@contextmanager
def _ignoring(status: RPCStatusCode) -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if error.status is not status:
            raise


def _explained(error: RPCError, settings: Settings, kind: Kind, group: str | None) -> Exception:
    if error.status is not RPCStatusCode.INVALID_ARGUMENT:
        return error
    why = error.message.removeprefix(_SPEC_ERROR)
    if "time zone" in why:
        name = "time_zone of a tenant" if has_own_times(group) else "MAINTENANCE_TIME_ZONE"
        return SettingsError(f"{name}: {why}; give one like Europe/Warsaw, or UTC")
    name = "daily_cron of a tenant" if has_own_times(group) else f"MAINTENANCE_{kind.upper()}_CRON"
    return SettingsError(f"{name} {cron_of(settings, kind, group)!r}: {why}")

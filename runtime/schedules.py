"""The two Schedules: brought to what the settings say, an operator's pause and note kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Final, Literal
from uuid import uuid4

from temporalio.api.schedule.v1 import Schedule as StoredSchedule
from temporalio.api.schedule.v1 import ScheduleSpec as StoredSpec
from temporalio.api.workflowservice.v1 import UpdateScheduleRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from memory_maintenance.errors import MaintenanceError, SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.work import Kind
from runtime.wanted_schedules import OFF, SEAL, UNTIL_KNOWN, catch_up_window, cron_of, schedule_id, wanted_schedule

_SPEC_ERROR: Final = "Invalid schedule spec: "

PATIENCE_SECONDS: Final = 10
_WRITES: Final = 5
_POLL_SECONDS: Final = 0.05

Applied = Literal["created", "updated", "unchanged", "removed", "off"]


class ScheduleSilentError(MaintenanceError):
    """The server took an order and has not carried it out."""

    def __init__(self, schedule_id: str) -> None:
        super().__init__(
            f"the server took the order for {schedule_id} and has not carried it out: "
            "see `starter.py schedules list`, and try again"
        )


async def apply_schedule(client: Client, settings: Settings, kind: Kind) -> Applied:
    """Bring the Schedule to what the settings want; a pause, its note and a limit of runs stay.

    Raises:
        SettingsError: the server does not accept the cron expression or the time zone.
        ScheduleSilentError: the server took the change and has not made it.
    """
    handle = client.get_schedule_handle(schedule_id(kind))
    found = await described(handle)
    if cron_of(settings, kind) == OFF:
        if found is not None:
            await handle.delete()
        return OFF if found is None else "removed"
    if found is not None and is_as_set(found, settings, kind):
        return "unchanged"
    try:
        written = await _write(client, handle, settings, kind, seal=f"being written {uuid4()}")
    except RPCError as error:
        raise _explained(error, settings, kind) from None
    await _complete(client, written, settings, kind)
    return "created" if found is None else "updated"


async def refused_spec(client: Client, settings: Settings, kind: Kind) -> SettingsError | None:
    """Return what the server has against the cron expression or the time zone; None where it takes both.

    It is asked by an update of a Schedule that does not exist, to do nothing: whatever it says, nothing is written.
    """
    if (cron := cron_of(settings, kind)) == OFF:
        return None
    spec = StoredSpec(cron_string=[cron], timezone_name=settings.maintenance_time_zone)
    asked = UpdateScheduleRequest(
        namespace=client.namespace,
        schedule_id=f"{schedule_id(kind)}-asked-{uuid4()}",
        schedule=StoredSchedule(spec=spec),
        identity=client.identity,
        request_id=str(uuid4()),
    )
    try:
        await client.workflow_service.update_schedule(asked)
    except RPCError as error:
        told = _explained(error, settings, kind) if error.message.startswith(_SPEC_ERROR) else None
        return told if isinstance(told, SettingsError) else None
    return None


def is_as_set(found: ScheduleDescription, settings: Settings, kind: Kind) -> bool:
    """Return whether ``apply_schedule`` would leave the Schedule as it is."""
    return _seal_of(found) == _seal(wanted_schedule(settings, kind), found.raw_description.schedule)


async def described(handle: ScheduleHandle) -> ScheduleDescription | None:
    """Return what the server says of a Schedule, None where there is none."""
    try:
        return await handle.describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def shown(
    handle: ScheduleHandle, so: Callable[[ScheduleDescription], bool], *, seconds: float = PATIENCE_SECONDS
) -> ScheduleDescription:
    """Return what the server says of a Schedule once it is *so*: it takes orders first and carries them out after.

    Raises:
        ScheduleSilentError: it is not within *seconds*.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                if so(found := await handle.describe()):
                    return found
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise ScheduleSilentError(handle.id) from None


async def _write(
    client: Client,
    handle: ScheduleHandle,
    settings: Settings,
    kind: Kind,
    *,
    seal: str,
    catch_up: timedelta = UNTIL_KNOWN,
) -> ScheduleDescription:
    """Create or update, and return what the server made of it.

    The server drops an update without a word where another change came between, so it is
    repeated until its seal is seen.
    """
    wanted = wanted_schedule(settings, kind, catch_up=catch_up, seal=seal)
    for _ in range(_WRITES):
        try:
            await client.create_schedule(handle.id, wanted)
        except ScheduleAlreadyRunningError:
            await handle.update(_keeping_state(wanted))
        with suppress(ScheduleSilentError):
            return await shown(handle, lambda found: _seal_of(found) == seal, seconds=PATIENCE_SECONDS / _WRITES)
    raise ScheduleSilentError(handle.id)


async def _complete(client: Client, written: ScheduleDescription, settings: Settings, kind: Kind) -> None:
    """Complete a Schedule just written by what only the server knows: its interval, and how it is stored.

    The server rewrites cron expressions as calendars, so what it describes is never equal to
    what was asked for. The seal holds digests of both: if either changes, whoever did it,
    the next apply writes the Schedule anew.
    """
    catch_up = catch_up_window(written.info.next_action_times)
    stored = StoredSchedule()
    stored.CopyFrom(written.raw_description.schedule)
    stored.policies.catchup_window.FromTimedelta(catch_up)
    seal = _seal(wanted_schedule(settings, kind), stored)
    handle = client.get_schedule_handle(written.id)
    await _write(client, handle, settings, kind, seal=seal, catch_up=catch_up)


def _seal(wanted: Schedule, stored: StoredSchedule) -> str:
    compared = StoredSchedule()
    compared.CopyFrom(stored)
    compared.ClearField("state")
    compared.action.start_workflow.ClearField("memo")
    parts = (repr(wanted).encode(), compared.SerializeToString(deterministic=True))
    return "-".join(sha256(part).hexdigest()[:16] for part in parts)


def _seal_of(found: ScheduleDescription) -> object:
    memo = found.raw_description.schedule.action.start_workflow.memo.fields
    return found.data_converter.payload_converter.from_payload(memo[SEAL]) if SEAL in memo else None


def _keeping_state(wanted: Schedule) -> Callable[[ScheduleUpdateInput], ScheduleUpdate]:
    def update(current: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(replace(wanted, state=current.description.schedule.state))

    return update


def _explained(error: RPCError, settings: Settings, kind: Kind) -> Exception:
    if error.status is not RPCStatusCode.INVALID_ARGUMENT:
        return error
    why = error.message.removeprefix(_SPEC_ERROR)
    if "time zone" in why:
        return SettingsError(f"MAINTENANCE_TIME_ZONE: {why}; give one like Europe/Warsaw, or UTC")
    return SettingsError(f"MAINTENANCE_{kind.upper()}_CRON {cron_of(settings, kind)!r}: {why}")

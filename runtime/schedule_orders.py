"""What an operator asks of the Schedules: how they stand, run now, run for a time past, pause, resume, delete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.workflowservice.v1 import ListScheduleMatchingTimesRequest
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleBackfill,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleInfo,
    ScheduleOverlapPolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from memory_maintenance.errors import InvalidRequestError, MaintenanceError
from memory_maintenance.work import Kind
from runtime.schedules import described, shown
from runtime.wanted_schedules import KINDS, schedule_id

BACKFILL_AT_MOST: Final = 500
"""The server keeps 1,000 runs of a Schedule waiting, drops what is more, and says nothing."""


_ORDERED: Final = "; then "
"""Between the note of a pause and what was ordered meanwhile."""


class ScheduleNotFoundError(MaintenanceError):
    """The server has no such Schedule."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(f"no Schedule {schedule_id(kind)}: create it with `starter.py schedules apply`")


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A Schedule as an operator sees it; times in UTC."""

    id: str
    paused: bool
    note: str | None
    next_at: datetime | None
    last_at: datetime | None
    """The nominal time of the newest run."""
    last_run: str | None
    running: tuple[str, ...]
    """Ids of the workflows that run for it now."""
    skipped: int
    """Times at which the run before was not done."""
    missed: int
    """Times that passed while the server was down, too long ago to be caught up."""
    time_zone: str
    catch_up: timedelta | None


async def schedule_states(client: Client) -> AsyncIterator[ScheduleState]:
    """Yield the state of each of our Schedules that exists."""
    for kind in KINDS:
        if (found := await described(_handle(client, kind))) is not None:
            yield state_of(found)


def state_of(found: ScheduleDescription) -> ScheduleState:
    """Return a Schedule as an operator sees it."""
    info, schedule = found.info, found.schedule
    last = info.recent_actions[-1] if info.recent_actions else None
    return ScheduleState(
        id=found.id,
        paused=schedule.state.paused,
        note=schedule.state.note or None,
        next_at=info.next_action_times[0] if info.next_action_times else None,
        last_at=last.scheduled_at if last else None,
        last_run=_workflow_id(last.action) if last else None,
        running=tuple(_workflow_id(action) for action in info.running_actions),
        skipped=info.num_actions_skipped_overlap,
        missed=info.num_actions_missed_catchup_window,
        time_zone=schedule.spec.time_zone_name or "UTC",
        catch_up=schedule.policy.catchup_window,
    )


def _workflow_id(action: object) -> str:
    return action.workflow_id if isinstance(action, ScheduleActionExecutionStartWorkflow) else "?"


async def trigger(client: Client, kind: Kind) -> str | None:
    """Run a Schedule now, paused or not, and return the workflow's id; None: it runs already, nothing was started.

    Raises:
        ScheduleNotFoundError: there is none.
        ScheduleSilentError: the server did neither within ten seconds.
    """
    with _found(kind):
        handle = _handle(client, kind)
        before = (await handle.describe()).info
        await handle.trigger()
        now = (await shown(handle, lambda found: _ran_or_skipped(found.info) != _ran_or_skipped(before))).info
    return _workflow_id(now.recent_actions[-1].action) if now.num_actions > before.num_actions else None


def _ran_or_skipped(info: ScheduleInfo) -> tuple[int, int]:
    return info.num_actions, info.num_actions_skipped_overlap


async def backfill(client: Client, kind: Kind, start: datetime, end: datetime) -> int:
    """Run a Schedule for every time from *start* to *end*, one after the other, and return how many.

    Raises:
        ScheduleNotFoundError: there is none.
        InvalidRequestError: the range has no time of the Schedule in it, more than 500, or the future.
    """
    if start > end or end > datetime.now(UTC):
        raise InvalidRequestError("--from must not be after --to, and --to not in the future")
    with _found(kind):
        times = await _times(client, kind, start, end)
        if not 0 < times <= BACKFILL_AT_MOST:
            raise InvalidRequestError(
                f"{times} of the times of {schedule_id(kind)} lie in that range: give one with 1 to {BACKFILL_AT_MOST}"
            )
        every = ScheduleBackfill(start_at=start, end_at=end, overlap=ScheduleOverlapPolicy.BUFFER_ALL)
        await _handle(client, kind).backfill(every)
    return times


async def _times(client: Client, kind: Kind, start: datetime, end: datetime) -> int:
    first, last = Timestamp(), Timestamp()
    first.FromDatetime(start - timedelta(microseconds=1))  # here the start is not included, in a backfill it is
    last.FromDatetime(end)
    found = await client.workflow_service.list_schedule_matching_times(
        ListScheduleMatchingTimesRequest(
            namespace=client.namespace, schedule_id=schedule_id(kind), start_time=first, end_time=last
        )
    )
    return len(found.start_time)


async def pause(client: Client, kind: Kind, *, note: str) -> ScheduleState:
    """Stop a Schedule's automatic times and return how it stood; what runs goes on. Twice: with the later note."""
    with _found(kind):
        before = state_of(await _handle(client, kind).describe())
        await _handle(client, kind).pause(note=note)
        await shown(_handle(client, kind), lambda found: _pause_of(found) == (True, note))
    return before


async def resume(client: Client, kind: Kind, *, note: str) -> ScheduleState:
    """Take a pause back and return how it stood; where it was not paused, its note stays.

    Times that passed meanwhile are not run: the next run finds their work.
    """
    with _found(kind):
        before = state_of(await _handle(client, kind).describe())
        if before.paused:
            await _handle(client, kind).unpause(note=note)
            await shown(_handle(client, kind), lambda found: _pause_of(found) == (False, note))
    return before


async def note_order(client: Client, kind: Kind, said: str) -> None:
    """Leave on a Schedule who ordered a run of it and why, behind the note of a pause that goes on."""
    with _found(kind):
        handle = _handle(client, kind)
        state = state_of(await handle.describe())
        # A pause of what is paused, or its end where there is none, changes the note and nothing else.
        note = f"{(state.note or 'paused').split(_ORDERED)[0]}{_ORDERED}{said}" if state.paused else said
        await (handle.pause(note=note) if state.paused else handle.unpause(note=note))
        await shown(handle, lambda found: _pause_of(found) == (state.paused, note))


def _pause_of(found: ScheduleDescription) -> tuple[bool, str | None]:
    return found.schedule.state.paused, found.schedule.state.note


async def delete(client: Client, kind: Kind) -> None:
    """Remove a Schedule; what runs goes on."""
    with _found(kind):
        await _handle(client, kind).delete()


def _handle(client: Client, kind: Kind) -> ScheduleHandle:
    return client.get_schedule_handle(schedule_id(kind))


@contextmanager
def _found(kind: Kind) -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise ScheduleNotFoundError(kind) from None
        raise

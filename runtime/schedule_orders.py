"""What an operator asks of the Schedules: their state, run now, run for a past time, pause, resume, delete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.workflowservice.v1 import ListScheduleMatchingTimesRequest
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleBackfill,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleOverlapPolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from memory_maintenance.errors import InvalidRequestError, ScheduleNotFoundError
from memory_maintenance.work import Kind
from runtime.schedules import described, wait_until
from runtime.wanted_schedules import KINDS, schedule_id

BACKFILL_AT_MOST: Final = 500
"""The server keeps 1,000 runs of a Schedule waiting, drops what is more, and says nothing."""

_ORDERED: Final = "; then "
"""Between the note of a pause and what was ordered meanwhile."""


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
    group: str | None = None
    """The daily times of the tenants it is for; None: it is the daily or the hourly one."""

    @property
    def kind(self) -> Kind:
        """Return the kind of its runs."""
        return "hourly" if self.id == schedule_id("hourly") else "daily"


async def schedule_states(client: Client, groups: Iterable[str] = ()) -> AsyncIterator[ScheduleState]:
    """Yield the state of each of our Schedules that exists, those of *groups* of tenants at the end."""
    wanted: list[tuple[Kind, str | None]] = [*((kind, None) for kind in KINDS), *(("daily", one) for one in groups)]
    for kind, group in wanted:
        if (found := await described(client.get_schedule_handle(schedule_id(kind, group)))) is not None:
            yield state_of(found, group)


async def has_started_runs(client: Client, kind: Kind) -> bool:
    """Return whether our Schedule of this kind, there or not, has started a run that the server still keeps."""
    return (await client.count_workflows(f"TemporalScheduledById = '{schedule_id(kind)}'")).count > 0


def state_of(found: ScheduleDescription, group: str | None = None) -> ScheduleState:
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
        group=group,
    )


def _workflow_id(action: object) -> str:
    return action.workflow_id if isinstance(action, ScheduleActionExecutionStartWorkflow) else "?"


async def trigger(client: Client, kind: Kind, group: str | None = None) -> str | None:
    """Run a Schedule now, paused or not, and return the workflow's id; None: it runs already, nothing was started.

    Raises:
        ScheduleNotFoundError: it does not exist.
        ScheduleSilentError: the server did neither within ten seconds.
    """
    with _existing(client, kind, group) as schedule:
        before = (await schedule.describe()).info
        counts = (before.num_actions, before.num_actions_skipped_overlap)
        await schedule.trigger()
        now = await wait_until(
            schedule, lambda now: (now.info.num_actions, now.info.num_actions_skipped_overlap) != counts
        )
        return state_of(now).last_run if now.info.num_actions > before.num_actions else None


async def backfill(
    client: Client, kind: Kind, start: datetime, end: datetime, groups: Sequence[str | None] = (None,)
) -> dict[str | None, int]:
    """Run Schedules for every time from *start* to *end*, one after the other, and return how many times each had.

    Those of *groups* have runs side by side; None is the group of the daily or the hourly Schedule itself. What has no
    time in the range is left out.

    Raises:
        ScheduleNotFoundError: one does not exist.
        InvalidRequestError: the range has no time of a Schedule in it, more than 500 of one, or the future.
    """
    if start > end or end > datetime.now(UTC):
        raise InvalidRequestError("--from must not be after --to, and --to not in the future")
    times = {group: await _times(client, kind, group, start, end) for group in groups}
    if not 0 < max(times.values()) <= BACKFILL_AT_MOST:
        raise InvalidRequestError(
            f"{max(times.values())} of the times of {schedule_id(kind)} lie in that range: "
            f"give one with 1 to {BACKFILL_AT_MOST}"
        )
    every = ScheduleBackfill(start_at=start, end_at=end, overlap=ScheduleOverlapPolicy.BUFFER_ALL)
    found = {group: count for group, count in times.items() if count}
    for group in found:
        with _existing(client, kind, group) as schedule:
            await schedule.backfill(every)
    return found


async def _times(client: Client, kind: Kind, group: str | None, start: datetime, end: datetime) -> int:
    """Return how many times of a Schedule lie between two instants, both included."""
    with _existing(client, kind, group) as schedule:
        asked = ListScheduleMatchingTimesRequest(namespace=client.namespace, schedule_id=schedule.id)
        asked.start_time.FromDatetime(start - timedelta(microseconds=1))  # the server does not include the start
        asked.end_time.FromDatetime(end)
        return len((await client.workflow_service.list_schedule_matching_times(asked)).start_time)


async def pause(client: Client, kind: Kind, *, note: str, group: str | None = None) -> ScheduleState:
    """Stop a Schedule's automatic times and return how it was before; what runs goes on. Twice: with the later note."""
    with _existing(client, kind, group) as schedule:
        before = state_of(await schedule.describe())
        await schedule.pause(note=note)
        await _wait_for_state(schedule, paused=True, note=note)
    return before


async def resume(client: Client, kind: Kind, *, note: str, group: str | None = None) -> ScheduleState:
    """Take a pause back and return how it was before; where it was not paused, its note stays.

    Times that passed meanwhile are not run: the next run finds their work.
    """
    with _existing(client, kind, group) as schedule:
        before = state_of(await schedule.describe())
        if before.paused:
            await schedule.unpause(note=note)
            await _wait_for_state(schedule, paused=False, note=note)
    return before


async def note_order(client: Client, kind: Kind, said: str, *, group: str | None = None) -> None:
    """Leave on a Schedule who ordered a run of it and why, behind the note of a pause that goes on."""
    with _existing(client, kind, group) as schedule:
        state = state_of(await schedule.describe())
        # A pause of what is paused, or its end where it is not paused, changes the note and nothing else.
        note = f"{(state.note or 'paused').split(_ORDERED)[0]}{_ORDERED}{said}" if state.paused else said
        await (schedule.pause(note=note) if state.paused else schedule.unpause(note=note))
        await _wait_for_state(schedule, paused=state.paused, note=note)


async def delete(client: Client, kind: Kind, *, group: str | None = None) -> None:
    """Remove a Schedule; what runs goes on."""
    with _existing(client, kind, group) as schedule:
        await schedule.delete()


async def _wait_for_state(schedule: ScheduleHandle, *, paused: bool, note: str) -> None:
    await wait_until(schedule, lambda now: (now.schedule.state.paused, now.schedule.state.note) == (paused, note))


@contextmanager
def _existing(client: Client, kind: Kind, group: str | None = None) -> Iterator[ScheduleHandle]:
    """Yield the Schedule's handle; where the server has no such Schedule, say how to create it."""
    try:
        yield client.get_schedule_handle(schedule_id(kind, group))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise ScheduleNotFoundError(schedule_id(kind, group)) from None
        raise

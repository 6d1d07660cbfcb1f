"""What an operator orders of a Schedule, on a real server."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client

from memory_maintenance.errors import InvalidRequestError, ScheduleNotFoundError
from runtime.schedule_orders import (
    ScheduleState,
    backfill,
    delete,
    pause,
    resume,
    schedule_states,
    trigger,
)
from runtime.schedules import apply_schedule
from tests.settings import settings

DAY = timedelta(days=1)


async def state(client: Client) -> ScheduleState:
    """The state of the daily Schedule."""
    return await anext(schedule_states(client))


async def test_a_trigger_starts_a_run_and_none_while_that_runs(temporal):
    await apply_schedule(temporal, settings(), "daily")
    await pause(temporal, "daily", note="only by hand")
    started = await trigger(temporal, "daily")
    assert started is not None
    assert started.startswith("memory-maintenance-daily-2")
    assert await trigger(temporal, "daily") is None
    now = await state(temporal)
    assert (now.running, now.last_run, now.skipped) == ((started,), started, 1)


async def test_a_backfill_runs_every_time_one_after_the_other(temporal):
    await apply_schedule(temporal, settings(), "daily")
    first = datetime(2026, 1, 1, 2, tzinfo=UTC)
    assert await backfill(temporal, "daily", first, first + 2 * DAY) == {None: 3}
    ran: list[str] = []
    async with asyncio.timeout(60):
        while len(ran) < 3:
            now = await state(temporal)
            assert len(now.running) <= 1
            for run in set(now.running) - set(ran):
                ran.append(run)
                await temporal.get_workflow_handle(run).terminate()
    assert ran == [f"memory-maintenance-daily-2026-01-0{day}T02:00:00Z" for day in (1, 2, 3)]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), id="backwards"),
        pytest.param(datetime(2026, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC), id="into the future"),
        pytest.param(datetime(2026, 1, 1, 3, tzinfo=UTC), datetime(2026, 1, 1, 4, tzinfo=UTC), id="no time in it"),
        pytest.param(datetime(2016, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), id="more than are kept"),
    ],
)
async def test_a_backfill_that_cannot_be_meant_is_refused(temporal, start, end):
    await apply_schedule(temporal, settings(), "daily")
    with pytest.raises(InvalidRequestError):
        await backfill(temporal, "daily", start, end)


async def test_a_resumed_schedule_has_no_pause_left(temporal):
    await apply_schedule(temporal, settings(), "daily")
    await pause(temporal, "daily", note="ana")
    await resume(temporal, "daily", note="resumed by ana")
    now = await state(temporal)
    assert (now.paused, now.note) == (False, "resumed by ana")


@pytest.mark.parametrize(
    "order",
    [
        lambda client: trigger(client, "daily"),
        lambda client: pause(client, "daily", note="x"),
        lambda client: resume(client, "daily", note="x"),
        lambda client: delete(client, "daily"),
        lambda client: backfill(client, "daily", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
    ],
    ids=["trigger", "pause", "resume", "delete", "backfill"],
)
async def test_an_order_to_a_schedule_that_is_not_there_says_how_to_make_it(temporal, order):
    with pytest.raises(ScheduleNotFoundError, match="schedules apply"):
        await order(temporal)

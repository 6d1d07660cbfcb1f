"""When the Schedules run: catch-up windows, deadlines, zones, and what happens after an outage."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.workflowservice.v1 import ListScheduleMatchingTimesRequest
from temporalio.client import Client

from chaos.ports import free_port
from embedded.temporal import running_temporal
from runtime.client import connect
from runtime.schedule_orders import ScheduleState, schedule_states
from runtime.schedules import apply_schedule
from runtime.wanted_schedules import catch_up_window, schedule_id
from tests.settings import settings

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
EVERY_TWELVE_SECONDS = "*/12 * * * * * *"
"""Seven fields: with seconds and years."""


async def state(client: Client) -> ScheduleState:
    """The state of the daily Schedule."""
    return await anext(schedule_states(client))


@pytest.mark.parametrize(
    ("cron", "window"),
    [
        pytest.param("0 2 * * *", DAY - MINUTE, id="daily"),
        pytest.param("30 * * * *", timedelta(minutes=59), id="hourly"),
        pytest.param("0 2 * * 1", 7 * DAY - MINUTE, id="weekly"),
        pytest.param("0 2,8 * * *", timedelta(hours=6) - MINUTE, id="twice a day: the shorter interval"),
        pytest.param("* * * * *", timedelta(seconds=30), id="every minute: half of it"),
        pytest.param(EVERY_TWELVE_SECONDS, timedelta(seconds=10), id="the least that the server takes"),
    ],
)
async def test_a_missed_time_is_caught_up_until_a_minute_before_the_next(temporal, cron, window):
    chosen = settings(maintenance_daily_cron=cron)
    assert await apply_schedule(temporal, chosen, "daily") == "created"
    assert (await state(temporal)).catch_up == window
    assert await apply_schedule(temporal, chosen, "daily") == "unchanged"


@pytest.mark.parametrize(
    ("hours", "window"),
    [
        pytest.param([0, 24, 48, 71, 95], DAY - MINUTE, id="a change of clocks shortens one interval"),
        pytest.param([0, 6, 24, 30, 48], timedelta(hours=6) - MINUTE, id="the shortest that recurs"),
        pytest.param([0, 24, 72], DAY - MINUTE, id="the shortest where none recurs"),
        pytest.param([0], None, id="a single time is no interval"),
    ],
)
def test_the_window_follows_the_shortest_interval(hours, window):
    start = datetime(2027, 1, 1, tzinfo=UTC)
    assert catch_up_window([start + timedelta(hours=each) for each in hours]) == window


@pytest.mark.parametrize("kind", ["daily", "hourly"])
async def test_the_server_ends_a_run_only_after_its_deadline(temporal, kind):
    await apply_schedule(temporal, settings(), kind)
    found = await temporal.get_schedule_handle(schedule_id(kind)).describe()
    deadline = timedelta(minutes=settings().deadline_minutes(daily=kind == "daily"))
    assert found.schedule.action.execution_timeout == deadline + timedelta(hours=1)


@pytest.mark.parametrize(
    ("cron", "days", "expected"),
    [
        pytest.param("0 3 * * *", (26, 29), ["27 02:00", "28 01:00", "29 01:00"], id="it shifts with the clocks"),
        pytest.param("30 2 * * *", (26, 29), ["27 01:30", "29 00:30"], id="a time that there is not: left out"),
    ],
)
async def test_a_zone_with_a_clock_change(temporal, cron, days, expected):
    """In Warsaw clocks go from 02:00 to 03:00 on 28 March 2027."""
    zone = settings(maintenance_daily_cron=cron, maintenance_time_zone="Europe/Warsaw")
    await apply_schedule(temporal, zone, "daily")
    assert (await state(temporal)).time_zone == "Europe/Warsaw"
    first, last = (datetime(2027, 3, day, 12, tzinfo=UTC) for day in days)
    assert [f"{time:%d %H:%M}" for time in await _times(temporal, first, last)] == expected


async def _times(client: Client, first: datetime, last: datetime) -> list[datetime]:
    start, end = Timestamp(), Timestamp()
    start.FromDatetime(first)
    end.FromDatetime(last)
    request = ListScheduleMatchingTimesRequest(
        namespace="default", schedule_id=schedule_id("daily"), start_time=start, end_time=end
    )
    found = await client.workflow_service.list_schedule_matching_times(request)
    return [time.ToDatetime() for time in found.start_time]


@pytest.mark.slow
async def test_after_an_outage_the_newest_missed_time_runs_once(tmp_path: Path):
    """Two times pass while the server is down: they are 12 seconds apart, and 10 may be caught up."""
    often = settings(maintenance_daily_cron=EVERY_TWELVE_SECONDS)
    database, port = tmp_path / "temporal.db", free_port()
    async with running_temporal(database, log=tmp_path / "log", port=port) as server:
        client = await connect(server.address, often)
        await apply_schedule(client, often, "daily")
        next_at = (await state(client)).next_at
        assert next_at is not None
        second = next_at + timedelta(seconds=12)
    await _until(second)
    async with running_temporal(database, log=tmp_path / "log", port=port) as server:
        client = await connect(server.address, often)
        async with asyncio.timeout(60):
            while not (await state(client)).running:
                await asyncio.sleep(0.05)
        now = await state(client)
        assert (now.last_at, now.missed, len(now.running)) == (second, 1, 1)


async def _until(time: datetime) -> None:
    await asyncio.sleep((time - datetime.now(UTC)).total_seconds())

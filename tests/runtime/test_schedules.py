"""The Schedules on a real server: applied again and again, changed by hand and by operators."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleDescription,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
)
from temporalio.service import RPCError

from chaos.ports import free_port
from embedded.temporal import running_temporal
from memory_maintenance.errors import ScheduleNotFoundError, SettingsError
from runtime import schedule_orders
from runtime.client import connect
from runtime.schedule_orders import (
    delete,
    pause,
    schedule_states,
)
from runtime.schedules import apply_schedule, is_as_set, wait_until
from runtime.wanted_schedules import KINDS, schedule_id
from tests.settings import settings
from workflows.messages import MaintenanceRequest

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
NEXT_SCHEDULER = tuple(
    option
    for value in (
        "history.enableChasm=true",
        "history.enableCHASMSchedulerCreation=true",
        "history.enableCHASMSchedulerRouting=true",
        "history.chasmSchedulerCreationRolloutPercent=100",
    )
    for option in ("--dynamic-config-value", value)
)
"""The server's new implementation of Schedules (CHASM): it refuses a stale update where today's drops it."""


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with running_temporal(None, log=tmp_path_factory.mktemp("temporal") / "log", port=free_port()) as server:
        yield await connect(server.address, settings())


@pytest.fixture
async def temporal(server: Client) -> AsyncIterator[Client]:
    """A client of a server without Schedules and without anything that runs."""
    yield server
    for kind in KINDS:
        with suppress(ScheduleNotFoundError):
            await delete(server, kind)
    for run in [run.id async for run in server.list_workflows("WorkflowType = 'MaintenanceWorkflow'")]:
        with suppress(RPCError):
            await server.get_workflow_handle(run).terminate()


async def state(client: Client) -> schedule_orders.ScheduleState:
    """The state of the daily Schedule."""
    return await anext(schedule_states(client))


async def described(client: Client) -> ScheduleDescription:
    return await client.get_schedule_handle(schedule_id("daily")).describe()


async def by_hand(client: Client, change: Callable[[Schedule], Schedule]) -> None:
    """Change the daily Schedule as somebody with the Temporal CLI would, and wait until the server has done it."""
    before = (await described(client)).info.last_updated_at
    handle = client.get_schedule_handle(schedule_id("daily"))
    await handle.update(lambda now: ScheduleUpdate(change(now.description.schedule)))
    await wait_until(handle, lambda now: now.info.last_updated_at != before)


async def test_applying_twice_changes_nothing(temporal):
    done = [await apply_schedule(temporal, settings(), kind) for kind in ("daily", "hourly", "daily", "hourly")]
    assert done == ["created", "created", "unchanged", "unchanged"]
    assert [found.id async for found in schedule_states(temporal)] == [
        "memory-maintenance-daily",
        "memory-maintenance-hourly",
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"maintenance_daily_cron": "15 3 * * *"},
        {"maintenance_time_zone": "Europe/Warsaw"},
        {"maintenance_daily_deadline_minutes": 60},
    ],
    ids=str,
)
async def test_a_changed_setting_updates_it_once_and_back(temporal, changed):
    await apply_schedule(temporal, settings(), "daily")
    new, old = settings(**changed), settings()
    done = [await apply_schedule(temporal, some, "daily") for some in (new, new, old, old)]
    assert done == ["updated", "unchanged", "updated", "unchanged"]


async def test_what_an_operator_set_survives_an_update(temporal):
    await apply_schedule(temporal, settings(), "daily")
    await pause(temporal, "daily", note="ana: restoring a backup")
    kept = ScheduleState(paused=True, note="ana: restoring a backup", limited_actions=True, remaining_actions=7)
    await by_hand(temporal, lambda found: replace(found, state=kept))
    assert await apply_schedule(temporal, settings(), "daily") == "unchanged"
    assert await apply_schedule(temporal, settings(maintenance_daily_cron="0 4 * * *"), "daily") == "updated"
    assert (await described(temporal)).schedule.state == kept


@pytest.mark.parametrize("options", [(), NEXT_SCHEDULER], ids=["today's scheduler", "the next one"])
async def test_a_pause_that_comes_while_it_is_applied_stays(tmp_path, monkeypatch, options):
    async with running_temporal(None, log=tmp_path / "log", port=free_port(), options=options) as server:
        client = await connect(server.address, settings())
        await apply_schedule(client, settings(), "daily")
        update = client.workflow_service.update_schedule

        async def after_a_pause(request, **how):
            monkeypatch.undo()
            await pause(client, "daily", note="ana: just now")
            return await update(request, **how)

        monkeypatch.setattr(client.workflow_service, "update_schedule", after_a_pause)
        later = settings(maintenance_daily_cron="0 4 * * *")
        assert await apply_schedule(client, later, "daily") == "updated"
        now = await described(client)
        assert (now.schedule.state.paused, now.schedule.state.note) == (True, "ana: just now")
        assert await is_as_set(client, now, later, "daily")


@pytest.mark.parametrize("kind", KINDS)
async def test_it_is_written_once_and_no_run_carries_a_trace_of_that(temporal, kind):
    writes = []
    for chosen in (settings(), settings(maintenance_time_zone="Europe/Warsaw")):
        await apply_schedule(temporal, chosen, kind)
        found = await temporal.get_schedule_handle(schedule_id(kind)).describe()
        writes.append(int.from_bytes(found.raw_description.conflict_token, "big"))
        assert found.schedule.action.memo is None
    assert writes == [1, 2]


async def test_ten_who_apply_it_at_once_end_with_one_that_is_as_set(temporal):
    done = await asyncio.gather(*(apply_schedule(temporal, settings(), "daily") for _ in range(10)))
    assert "created" in done
    assert await is_as_set(temporal, await described(temporal), settings(), "daily")


async def test_one_of_the_first_release_is_updated_once(temporal):
    """It had digests in its runs' memo, and calendars that did not say from which expression they were made."""
    start = ScheduleActionStartWorkflow(
        "MaintenanceWorkflow",
        MaintenanceRequest(kind="daily"),
        id=schedule_id("daily"),
        task_queue="memory-maintenance",
        execution_timeout=timedelta(hours=21),
        static_summary="daily maintenance",
        memo={"maintenance_schedule": "0123456789abcdef-0123456789abcdef"},
    )
    spec = ScheduleSpec(cron_expressions=["0 2 * * *"], time_zone_name="UTC")
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=DAY - MINUTE)
    paused = ScheduleState(paused=True, note="ana: holiday")
    await temporal.create_schedule(schedule_id("daily"), Schedule(start, spec, policy, paused))
    assert not await is_as_set(temporal, await described(temporal), settings(), "daily")
    assert [await apply_schedule(temporal, settings(), "daily") for _ in range(2)] == ["updated", "unchanged"]
    assert (await described(temporal)).schedule.state == paused


def _earlier(found: Schedule) -> Schedule:
    """Return the same an hour earlier, by a hand that leaves the comment of the calendar as it was."""
    [calendar] = found.spec.calendars
    return replace(found, spec=replace(found.spec, calendars=[replace(calendar, hour=[ScheduleRange(1)])]))


def _with_a_timeout(found: Schedule) -> Schedule:
    assert isinstance(found.action, ScheduleActionStartWorkflow)
    found.action.run_timeout = timedelta(minutes=5)
    return found


@pytest.mark.parametrize(
    ("change", "is_seen"),
    [
        pytest.param(
            lambda found: replace(found, spec=ScheduleSpec(cron_expressions=["0 9 * * *"], time_zone_name="UTC")),
            True,
            id="another time",
        ),
        pytest.param(
            lambda found: replace(found, spec=replace(found.spec, jitter=timedelta(minutes=5))), True, id="a jitter"
        ),
        pytest.param(
            lambda found: replace(found, policy=replace(found.policy, overlap=ScheduleOverlapPolicy.ALLOW_ALL)),
            True,
            id="a policy",
        ),
        pytest.param(_with_a_timeout, True, id="the action"),
        pytest.param(_earlier, False, id="another time, under the old comment"),
    ],
)
async def test_what_somebody_changed_by_hand_is_brought_back(temporal, change, is_seen):
    await apply_schedule(temporal, settings(), "daily")
    before = (await described(temporal)).raw_description.schedule
    await by_hand(temporal, change)
    assert await is_as_set(temporal, await described(temporal), settings(), "daily") == (not is_seen)
    assert [await apply_schedule(temporal, settings(), "daily") for _ in range(2)] == ["updated", "unchanged"]
    assert (await described(temporal)).raw_description.schedule == before


@pytest.mark.parametrize("cron", ["@daily", "@every 90m", " 0 2 * * MON-FRI", "0 2 * * * # after the backup"])
async def test_however_an_expression_is_written_it_is_as_set_then(temporal, cron):
    chosen = settings(maintenance_daily_cron=cron)
    done = [await apply_schedule(temporal, chosen, "daily") for _ in range(2)]
    assert (done, await is_as_set(temporal, await described(temporal), chosen, "daily")) == (
        ["created", "unchanged"],
        True,
    )
    assert not await is_as_set(temporal, await described(temporal), settings(), "daily")


async def test_one_deleted_by_hand_is_created_again(temporal):
    await apply_schedule(temporal, settings(), "daily")
    await delete(temporal, "daily")
    assert await apply_schedule(temporal, settings(), "daily") == "created"


async def test_one_that_is_off_is_removed(temporal):
    await apply_schedule(temporal, settings(), "daily")
    off = settings(maintenance_daily_cron="off")
    assert [await apply_schedule(temporal, off, "daily") for _ in range(2)] == ["removed", "off"]
    assert [found async for found in schedule_states(temporal)] == []


@pytest.mark.parametrize("there", [False, True], ids=["new", "there already"])
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"maintenance_daily_cron": "99 2 * * *"}, "MAINTENANCE_DAILY_CRON '99 2 .*Minute is not in range"),
        ({"maintenance_daily_cron": "at night"}, "MAINTENANCE_DAILY_CRON 'at night': CronString"),
        ({"maintenance_daily_cron": "CRON_TZ=Asia/Tokyo 0 2 * * *"}, "MAINTENANCE_DAILY_CRON .*conflicting timezone"),
        ({"maintenance_time_zone": "Mars/Olympus"}, "MAINTENANCE_TIME_ZONE: unknown time zone Mars/Olympus"),
    ],
    ids=["out of range", "no cron expression", "a zone of its own", "no such zone"],
)
async def test_what_the_server_does_not_accept_names_the_setting_and_changes_nothing(temporal, there, wrong, says):
    if there:
        await apply_schedule(temporal, settings(), "daily")
    with pytest.raises(SettingsError, match=says):
        await apply_schedule(temporal, settings(**wrong), "daily")
    assert [found.id async for found in schedule_states(temporal)] == ["memory-maintenance-daily"] * there
    if there:
        assert await apply_schedule(temporal, settings(), "daily") == "unchanged"

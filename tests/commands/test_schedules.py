import json
from getpass import getuser
from shlex import split

import pytest

from commands.console import out
from memory_maintenance.settings import Settings
from memory_maintenance.tenants.overrides import override
from runtime.schedules import apply_schedule
from tests.agents import write

DAILY = "memory-maintenance-daily"


@pytest.fixture
async def server(temporal):
    await apply_schedule(temporal, Settings(_env_file=None), "daily")
    return {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host}


async def _state(cli, server):
    [state] = json.loads((await cli("schedules", "list", "--json", **server)).stdout)
    return state["paused"], state["note"]


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ((), f"paused by {getuser()}"),
        (("--by", "ana"), "paused by ana"),
        (("--by", "ana", "--reason", "a: backup"), "ana: a: backup"),
        (("--by", "ana", "--note", "backup"), "ana: backup"),
    ],
)
async def test_the_way_back_from_a_resume_is_the_pause_that_was(cli, server, given, note):
    await cli("schedules", "pause", "daily", *given, **server)
    assert await _state(cli, server) == (True, note)
    resumed = await cli("schedules", "resume", "daily", "--by", "bo", "--reason", "done", **server)
    assert await _state(cli, server) == (False, "resumed by bo: done")
    await cli(*split(resumed.stdout.partition("undo: starter.py ")[2]), **server)
    assert await _state(cli, server) == (True, note)


async def test_a_resume_of_an_active_schedule_offers_no_way_back(cli, server):
    told = await cli("schedules", "resume", "daily", **server)
    assert (told.exit_code, told.stdout) == (0, f"{DAILY} was not paused: nothing was changed\n")


async def test_a_pause_in_place_of_another_tells_it_and_goes_back_to_it(cli, server):
    await cli("schedules", "pause", "daily", "--by", "ana", "--reason", "backup", **server)
    told = await cli("schedules", "pause", "daily", "--by", "bo", **server)
    assert "it was paused already (ana: backup): that is replaced" in told.stdout
    await cli(*split(told.stdout.splitlines()[0].partition("undo: starter.py ")[2]), **server)
    assert await _state(cli, server) == (True, "ana: backup")


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        (("trigger", "daily"), "triggered"),
        (("backfill", "daily", "--from", "2026-03-01", "--to", "2026-03-01T12:00"), "backfilled"),
    ],
)
async def test_who_ordered_a_run_is_noted_beside_a_pause_that_goes_on(cli, server, words, verb):
    order = ("schedules", *words, "--by", "bo", "--reason", "why not")
    await cli("schedules", "pause", "daily", "--by", "ana", "--reason", "backup", **server)
    told = await cli(*order, **server)
    assert (told.exit_code, "(bo: why not)" in told.stdout) == (0, True)
    assert await _state(cli, server) == (True, f"ana: backup; then {verb} by bo: why not")


async def test_runs_that_are_ordered_of_the_daily_schedule_are_those_of_tenants_own_times_too(cli, server, pool):
    await write(pool, "acme", ["The blue tent leaks."])
    await override(pool, "acme", {"time_zone": "Asia/Tokyo"})
    await cli("schedules", "apply", **server)
    triggered = (await cli("schedules", "trigger", "daily", **server)).stdout.splitlines()
    range_of_a_day = ("--from", "2026-03-01", "--to", "2026-03-02")
    backfilled = (await cli("schedules", "backfill", "daily", *range_of_a_day, **server)).stdout.splitlines()[:2]
    assert [line.startswith(f"started {DAILY}") for line in triggered] == [True, True]
    assert [": 1 runs, one after the other" in line for line in backfilled] == [True, True]
    assert len({line.partition(":")[0] for line in backfilled}) == 2
    orders = json.loads((await cli("schedules", "orders", "--json", **server)).stdout)
    assert [one["action"] for one in orders] == ["backfill", "backfill", "trigger", "trigger"]


async def test_every_order_is_recorded_also_that_of_one_that_was_deleted(cli, server):
    said = ("--by", "bo", "--reason", "moving [house]")
    for words in (
        ("pause", "daily"), ("resume", "daily"), ("resume", "daily"), ("trigger", "daily"),
        ("backfill", "daily", "--from", "2026-03-01", "--to", "2026-03-01T12:00"), ("delete", "daily"),
    ):  # fmt: skip
        assert (await cli("schedules", *words, *said, **server)).exit_code == 0
    told = json.loads((await cli("schedules", "orders", "--json", **server)).stdout)
    assert [one["action"] for one in told] == ["delete", "backfill", "trigger", "resume", "pause"]
    assert {(one["ordered_by"], one["reason"], one["details"]["schedule"]) for one in told} == {
        ("bo", "moving [house]", "daily")
    }
    shown = (await cli("schedules", "orders", "--last", "2", **server)).stdout.splitlines()
    assert [line.split()[2:] for line in shown[1:]] == [
        ["daily", "delete", "bo", "moving", "[house]"],
        ["daily", "backfill", "1", "runs", "bo", "moving", "[house]"],
    ]


async def test_what_was_refused_is_no_order(cli, server):
    assert (await cli("schedules", "delete", "hourly", **server)).exit_code == 1
    assert "no orders about the Schedules" in (await cli("schedules", "orders", **server)).stdout


async def test_without_the_store_an_order_is_carried_out_and_says_that_it_was_not_recorded(cli, server):
    away = server | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    told = await cli("schedules", "pause", "daily", "--by", "ana", **away)
    assert (told.exit_code, "done, but not recorded" in told.stderr) == (0, True)
    assert await _state(cli, server) == (True, "paused by ana")


async def test_who_deleted_it_is_said(cli, server):
    told = await cli("schedules", "delete", "daily", "--by", "bo", "--reason", "moving", **server)
    assert told.stdout.startswith(f"deleted {DAILY} (bo: moving); undo: ")


@pytest.mark.parametrize("width", [60, 70, 80])
async def test_id_and_state_never_fold(cli, server, monkeypatch, width):
    await cli("schedules", "pause", "daily", "--by", "ana", "--reason", "a long story of many words " * 5, **server)
    monkeypatch.setattr(out, "width", width)
    lines = (await cli("schedules", "list", **server)).stdout.splitlines()
    [line] = [line for line in lines if DAILY in line]
    assert line.split()[:2] == [DAILY, "paused"]
    assert max(map(len, lines)) <= width

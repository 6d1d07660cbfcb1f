"""``tenants set`` with daily times: asked of Temporal first, applied at once, and taken back with them."""

import json

import pytest

from memory_maintenance.settings import Settings
from memory_maintenance.tenants.control import control_of
from memory_maintenance.tenants.daily_times import applied_groups
from memory_maintenance.tenants.overrides import override
from runtime.schedules import apply_schedule
from tests.agents import write

AWAY = {"TEMPORAL_ADDRESS": "127.0.0.1:1"}
WARSAW = "0 3 * * * Europe/Warsaw"


@pytest.fixture(autouse=True)
async def acme(pool):
    await write(pool, "acme", ["a"])


@pytest.fixture
async def server(temporal):
    await apply_schedule(temporal, Settings(_env_file=None), "daily")
    return {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host}


async def listed(cli, server):
    found = json.loads((await cli("schedules", "list", "--json", **server)).stdout)
    return {state["group"]: state["paused"] for state in found}


async def test_times_of_a_tenants_own_have_a_schedule_at_once_until_they_are_taken_back(cli, pool, server):
    told = await cli("tenants", "set", "acme", "daily_cron=0 3 * * *", "time_zone=Europe/Warsaw", **server)
    assert (told.exit_code, ": created" in told.stderr) == (0, True), told.stderr
    assert await listed(cli, server) == {None: False, WARSAW: False}
    assert WARSAW in (await cli("status", **server)).stdout
    [group] = json.loads((await cli("status", "--json", **server)).stdout)["daily_times"]
    assert (group["schedule"], group["tenants"], group["next_at"] is None) == (WARSAW, 1, False)
    assert WARSAW in (await cli("doctor", **server)).stdout
    for order, paused in (("pause", True), ("resume", False)):
        assert (await cli("schedules", order, "daily", **server)).exit_code == 0
        assert await listed(cli, server) == {None: paused, WARSAW: paused}
    assert (await cli("schedules", "apply", **server)).stdout.count(": unchanged") == 2
    told = await cli("tenants", "unset", "acme", "--all", **server)
    assert (told.exit_code, ": removed" in told.stderr) == (0, True)
    assert (await listed(cli, server), await applied_groups(pool)) == ({None: False}, frozenset())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("daily_cron=99 3 * * *", "daily_cron of a tenant '99 3 * * *': "),
        ("time_zone=Mars/Olympus", "time_zone of a tenant: unknown time zone Mars/Olympus"),
    ],
)
async def test_what_temporal_refuses_is_refused_before_anything_is_written(cli, pool, server, given, says):
    told = await cli("tenants", "set", "acme", given, **server)
    assert (told.exit_code, says in told.stderr) == (1, True), told.stderr
    assert (await control_of(pool, "acme")).overrides.model_dump(exclude_none=True) == {}
    assert await listed(cli, server) == {None: False}


async def test_without_temporal_times_are_not_set_and_can_be_taken_back(cli, pool):
    told = await cli("tenants", "set", "acme", "time_zone=Asia/Tokyo", **AWAY)
    assert (told.exit_code, "Temporal" in told.stderr) == (1, True)
    assert (await control_of(pool, "acme")).overrides.time_zone is None
    await override(pool, "acme", {"time_zone": "Asia/Tokyo"})
    told = await cli("tenants", "unset", "acme", "time_zone", **AWAY)
    assert (told.exit_code, "starter.py schedules apply" in told.stderr) == (0, True)
    assert "Schedules" not in (await cli("tenants", "set", "acme", "decay_rate=0.002", **AWAY)).stderr


async def test_deleting_the_daily_schedule_takes_those_of_the_groups_along(cli, pool, server):
    await cli("tenants", "set", "acme", "time_zone=Asia/Tokyo", **server)
    assert (await cli("schedules", "delete", "daily", **server)).exit_code == 0
    assert (await listed(cli, server), await applied_groups(pool)) == ({}, frozenset())

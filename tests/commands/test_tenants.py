import json
from datetime import UTC, datetime, timedelta
from getpass import getuser
from shlex import split

import pytest

from commands.console import out
from memory_maintenance.tenants.control import control_of, pause
from tests.agents import write

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


@pytest.fixture(autouse=True)
async def acme(pool):
    await write(pool, "acme", ["a"])


@pytest.fixture
def server(temporal):
    return {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host}


def _undo(told):
    return split(told.stdout.splitlines()[0].partition("undo: starter.py ")[2])


async def test_a_pause_that_would_be_over_is_refused_and_keeps_a_colleagues(cli, pool):
    await pause(pool, "acme", by="ana", reason="backup")
    told = await cli("tenants", "pause", "acme", "--until", "2020-01-01T10:00")
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr == "error: --until has passed: 2020-01-01 10:00 UTC\n"
    control = await control_of(pool, "acme")
    assert (control.paused, control.paused_by, control.paused_reason) == (True, "ana", "backup")


@pytest.mark.parametrize("until", [None, LATER])
async def test_a_pause_in_place_of_another_tells_it_and_goes_back_to_it(cli, pool, server, until):
    await pause(pool, "acme", by="ana", reason="it's [a] backup", until=until)
    before = await control_of(pool, "acme")
    told = await cli("tenants", "pause", "acme", "--by", "bo", **server)
    assert "it was paused since" in told.stdout
    assert "(ana: it's [a] backup): that is replaced" in told.stdout
    assert (await control_of(pool, "acme")).paused_by == "bo"
    assert (await cli(*_undo(told), **server)).exit_code == 0
    assert await control_of(pool, "acme") == before


async def test_a_resume_goes_back_to_the_pause_that_it_ended(cli, pool, server):
    await pause(pool, "acme", by="ana", reason="backup", until=LATER)
    told = await cli("tenants", "resume", "acme", "--no-run", "--by", "bo", **server)
    assert told.stdout.startswith("resumed acme (bo); undo: ")
    assert (await cli(*_undo(told), **server)).exit_code == 0
    control = await control_of(pool, "acme")
    assert (control.paused_by, control.paused_reason, control.paused_until) == ("ana", "backup", LATER)


async def test_a_resume_of_an_active_tenant_offers_no_way_back(cli, server):
    told = await cli("tenants", "resume", "acme", **server)
    assert (told.exit_code, told.stdout) == (0, "acme was not paused: nothing was changed\n")


async def test_an_order_is_never_anonymous(cli, server):
    await cli("tenants", "pause", "acme", **server)
    [order] = json.loads((await cli("tenants", "show", "acme", "--json")).stdout)["orders"]
    assert (order["ordered_by"], order["reason"]) == (getuser(), None)


@pytest.mark.parametrize("width", [60, 70, 80, 120])
async def test_id_and_state_never_fold(cli, pool, monkeypatch, width):
    tenant = "a0000000-0000-4000-8000-000000000001"
    await write(pool, tenant, ["a"])
    await pause(pool, tenant, by="somebody", reason="a long story of many words " * 5, until=LATER)
    monkeypatch.setattr(out, "width", width)
    lines = (await cli("tenants", "list")).stdout.splitlines()
    [line] = [line for line in lines if tenant in line]
    assert line.split()[:2] == [tenant, "paused"]
    assert max(map(len, lines)) <= width
    assert ("--json has all" in "".join(lines)) == (width < 120)

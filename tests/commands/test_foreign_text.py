"""Text that looks like rich's markup, in every argument and every stored field: printed as it stands."""

from datetime import UTC, datetime, timedelta

import pytest

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute
from memory_maintenance.tenants.control import pause
from runtime.schedules import apply_schedule
from tests.agents import talk, write

ODD = "[/x] [urgent] :warning:"
NOW = datetime.now(UTC)


@pytest.fixture
async def odd(pool):
    """A tenant whose every text is odd."""
    [first, *_] = await write(pool, ODD, talk(12), session=ODD, start=NOW - timedelta(hours=5))
    await execute(
        pool,
        "UPDATE memories SET project = $1::text, layer = 'episodic', tags = ARRAY[$1::text], content = $1::text",
        ODD,
    )
    await pause(pool, ODD, by=ODD, reason=ODD)
    await execute(
        pool, "UPDATE maintenance.tenants SET overrides = jsonb_build_object('protected_tags', ARRAY[$1::text])", ODD
    )
    return first


@pytest.fixture
def server(temporal):
    return {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host}


STORED = [
    ("tenants", "list"),
    ("tenants", "show", ODD),
    ("tenants", "show", ODD, "--session", ODD),
    ("status",),
]


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("words", STORED, ids=" ".join)
async def test_what_is_stored_is_shown_as_it_stands(cli, server, words):
    told = await cli(*words, **server)
    will_not_run = int(words == ("status",))  # there are no Schedules
    assert (told.exit_code, ODD in told.stdout) == (will_not_run, True), told.output


async def test_a_memory_is_explained_as_it_stands(cli, odd):
    told = await cli("memories", "explain", odd)
    assert (told.exit_code, f"tenant {ODD}" in told.stdout, f"this one: {ODD}" in told.stdout) == (0, True, True)


ORDERS = [
    ("tenants", "pause", ODD, "--by", ODD, "--reason", ODD),
    ("tenants", "resume", ODD, "--no-run", "--by", ODD, "--reason", ODD),
    ("tenants", "set", ODD, f"protected_tags={ODD}z", "--by", ODD, "--reason", ODD),
    ("tenants", "unset", ODD, "--all", "--by", ODD, "--reason", ODD),
    ("tenants", "cancel", ODD, "--by", ODD, "--reason", ODD),
    ("memories", "restore", "--tenant", ODD, "--by", ODD, "--reason", ODD),
    ("memories", "requeue", "--tenant", ODD, "--session", ODD),
    ("simulate", "--tenant", ODD),
]


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("words", ORDERS, ids=lambda words: " ".join(words[:2]))
async def test_what_is_ordered_is_said_as_it_stands(cli, server, words):
    told = await cli(*words, **server)
    assert (told.exit_code, told.stderr.count("\n")) == (0, 1)
    if words[0] != "simulate":
        assert ODD in told.stdout


ARGUMENTS = [
    ("run", "daily", "--tenant", ODD),
    ("summarize", ODD, ODD, ODD),
    ("dream", ODD, ODD),
    ("tenants", "show", ODD),
    ("tenants", "pause", ODD),
    ("tenants", "resume", ODD),
    ("tenants", "cancel", ODD),
    ("tenants", "set", ODD, "decay_rate=0.1"),
    ("tenants", "unset", ODD, "decay_rate"),
    ("memories", "restore", "--tenant", ODD),
    ("memories", "import", ODD),
    ("memories", "set-aside", "--tenant", ODD),
    ("memories", "requeue", "--tenant", ODD, "--all"),
    ("simulate", "--tenant", ODD),
    ("run", ODD),
    ("run", "daily", "--as-of", ODD),
    ("tenants", "pause", ODD, "--until", ODD),
    ("tenants", "set", "acme", f"{ODD}=1"),
    ("tenants", "set", "acme", f"decay_policy={ODD}"),
    ("memories", "explain", ODD),
    ("simulate", "--plot", ODD),
    ("simulate", "--policy", ODD),
    ("schedules", "pause", ODD),
    ("cycles", "show", ODD),
    (ODD,),
]


@pytest.mark.parametrize("words", ARGUMENTS, ids=lambda words: " ".join(words[:2]))
async def test_what_is_refused_is_named_without_a_traceback(cli, server, words):
    told = await cli(*words, **server)
    assert told.exit_code in (1, 2)
    assert isinstance(told.exception, SystemExit)
    assert told.stderr


async def test_a_schedules_note_is_shown_as_it_stands(cli, temporal, server):
    await apply_schedule(temporal, Settings(_env_file=None), "hourly")
    paused = await cli("schedules", "pause", "hourly", "--by", ODD, "--note", ODD, **server)
    assert (paused.exit_code, f"({ODD}: {ODD})" in paused.stdout) == (0, True)
    listed = await cli("schedules", "list", **server)
    assert (listed.exit_code, f"{ODD}: {ODD}" in listed.stdout) == (0, True)

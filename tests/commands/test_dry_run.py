"""What ``--dry-run`` says at its end: the command that does what was foreseen."""

import shlex

import pytest

from commands.dry_run import for_real
from workflows.messages import MaintenanceRequest

AS_OF = "2026-03-12T02:00:00.123456+00:00"


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        ({}, f"run daily --as-of {AS_OF}"),
        ({"kind": "hourly"}, f"run hourly --as-of {AS_OF}"),
        ({"tenants": ("acme", "a b")}, f"run daily --tenant=acme '--tenant=a b' --as-of {AS_OF}"),
        ({"backfill_days": 30}, f"run daily --as-of {AS_OF} --backfill 30"),
        ({"tenants": ("-x",), "project": "shop"}, "dream -- -x shop"),
        ({"tenants": ("a",), "project": "p", "session": "s", "min_events": 1}, "summarize -- a p s"),
        ({"tenants": ("a",), "project": "p", "session": "s", "min_events": 7}, "summarize --min-events 7 -- a p s"),
    ],
)
async def test_the_command_that_does_it_can_be_typed(cli, asked, command):
    request = MaintenanceRequest(dry_run=True, **asked)
    assert shlex.join(for_real(request, AS_OF)) == command
    yes = ["--yes"] if "backfill_days" in asked else []
    ended = await cli(*for_real(request, AS_OF), *yes, TEMPORAL_ADDRESS="localhost:1", RAE_LLM_BACKEND="extractive")
    assert (ended.exit_code, "Temporal does not answer" in ended.stderr) == (1, True)  # it was understood, and went on


async def test_a_dry_run_of_a_back_fill_asks_nothing_first(cli):
    ended = await cli("run", "daily", "--backfill", "9", "--dry-run", TEMPORAL_ADDRESS="localhost:1")
    assert "Start it?" not in ended.stderr
    assert "Temporal does not answer" in ended.stderr


async def test_an_hourly_back_fill_is_refused_in_a_dry_run_too(cli):
    ended = await cli("run", "hourly", "--backfill", "9", "--dry-run", TEMPORAL_ADDRESS="localhost:1")
    assert (ended.exit_code, "--backfill is for a daily run" in ended.stderr) == (2, True)

import json
from datetime import timedelta

import pytest

from commands.cycles import took
from tests.nights import DAY, NIGHT, night


async def test_cycles_are_listed_newest_first(cli, pool):
    newest = await night(pool, outcomes=())
    await night(pool, at=NIGHT - DAY)
    told = await cli("cycles")
    assert told.exit_code == 0
    assert told.stdout.splitlines()[1].split()[0] == str(newest)[:13]
    assert "1 h 0 min" in told.stdout
    assert [row["kind"] for row in json.loads((await cli("cycles", "--json", "--last", 1)).stdout)] == ["daily"]


async def test_without_a_cycle_it_says_how_to_make_one(cli):
    assert "starter.py run daily" in (await cli("cycles")).stdout
    assert (await cli("cycles", "show", "abc")).exit_code == 1


async def test_one_cycle_is_shown_with_failures_and_the_next_command(cli, pool):
    cycle = await night(pool)
    told = await cli("cycles", "show", str(cycle)[:8])
    assert told.exit_code == 0
    for part in (
        "completed", "tenants: 2 completed, 1 page_failed, 1 failed", "skipped: 2 sessions, budget_exhausted",
        "StoreShapeError", "starter.py migrate", "starter.py run daily --tenant <b>&dusk",
    ):  # fmt: skip
        assert part in told.stdout
    data = json.loads((await cli("cycles", "show", cycle, "--json")).stdout)
    assert [tenant.get("next_command") for tenant in data["tenants"] if tenant["tenant_id"] == "cold"] == [
        "starter.py migrate"
    ]


async def test_an_open_cycle_is_shown_also_where_temporal_does_not_answer(cli, pool):
    await night(pool, status=None)
    told = await cli("cycles", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert (told.exit_code, "running" in told.stdout, "not known" in told.stderr) == (0, True, True)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.25, "0.2 s"), (59, "59.0 s"), (61, "1 min 1 s"), (4620, "1 h 17 min"), (93_600, "1 d 2 h")]
)
def test_a_length_of_time_is_told_in_two_units(seconds, said):
    assert took(timedelta(seconds=seconds)) == said

from datetime import timedelta
from uuid import UUID

import pytest

from memory_maintenance.cycles.outcomes import TenantOutcome
from memory_maintenance.errors import CycleNotFoundError
from memory_maintenance.inspection.cycles import (
    find_cycle,
    latest_cycles,
    next_command,
    outcomes_of,
)
from memory_maintenance.inspection.successes import last_successes
from tests.nights import DAY, NIGHT, OUTCOMES, night

ONE, TWO = UUID("01a21047-b3f2-7000-8000-000000000001"), UUID("01a21047-c09b-7000-8000-000000000002")


async def test_cycles_come_newest_first_with_totals_and_durations(pool):
    for age in range(3):
        await night(pool, at=NIGHT - age * DAY)
    hourly = await night(pool, at=NIGHT - 9 * DAY, kind="hourly", status=None)
    found = await latest_cycles(pool, 10)
    assert [cycle.started_at for cycle in found] == [NIGHT - age * DAY for age in (0, 1, 2, 9)]
    assert found[0].totals is not None
    assert (found[0].totals.of("decay").of("updated"), found[0].took) == (30, timedelta(hours=1))
    assert (found[-1].cycle_id, found[-1].totals, found[-1].took) == (hourly, None, None)
    assert [len(await latest_cycles(pool, 10, kind)) for kind in ("daily", "hourly")] == [3, 1]


async def test_what_was_recorded_is_read_as_it_was(pool):
    cycle = await night(pool)
    assert await outcomes_of(pool, cycle) == sorted(OUTCOMES, key=lambda one: one.tenant_id)


async def test_a_cycle_is_found_by_the_beginning_of_its_id(pool):
    for number, cycle in enumerate((ONE, TWO)):
        await night(pool, cycle_id=cycle, at=NIGHT + number * DAY)
    assert (await find_cycle(pool, "01A21047-B")).cycle_id == ONE
    assert (await find_cycle(pool)).cycle_id == TWO


@pytest.mark.parametrize(
    ("beginning", "says"), [("01a2", "more than one"), ("ffff", "no cycle has"), ("%", "no cycle has")]
)
async def test_a_beginning_that_names_no_single_cycle_is_refused(pool, beginning, says):
    for cycle in (ONE, TWO):
        await night(pool, cycle_id=cycle)
    with pytest.raises(CycleNotFoundError, match=says):
        await find_cycle(pool, beginning)


async def test_the_last_success_of_each_kind_is_the_newest_completed_one(pool):
    await night(pool, at=NIGHT - DAY)
    await night(pool, at=NIGHT, status="failed")
    await night(pool, at=NIGHT, kind="hourly")
    assert [(one.kind, one.started_at) for one in await last_successes(pool)] == [
        ("daily", NIGHT - DAY),
        ("hourly", NIGHT),
    ]


async def test_an_open_cycle_whose_root_is_gone_is_abandoned_and_a_closed_one_never(pool):
    done = await night(pool)
    left = await night(pool, status=None)
    cycles = {cycle.cycle_id: cycle.unless_left({left, done}).status for cycle in await latest_cycles(pool, 5)}
    assert cycles == {left: "abandoned", done: "completed"}


@pytest.mark.parametrize(
    ("error", "command"),
    [
        ("NotMigratedError", "starter.py migrate"),
        ("DatabaseRefusedError", "starter.py doctor"),
        ("InvalidRequestError", "starter.py tenants show acme"),
        ("SomethingElse", "starter.py run daily --tenant acme"),
        (None, "starter.py run daily --tenant acme"),
    ],
)
def test_what_to_type_follows_from_the_error(error, command):
    assert next_command("daily", TenantOutcome(tenant_id="acme", status="failed", error_type=error)) == command

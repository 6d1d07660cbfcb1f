from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from memory_maintenance.errors import InvalidRequestError, StoreError, TenantNotFoundError
from memory_maintenance.inspection import pricing, simulation
from memory_maintenance.inspection.distribution import Tally
from memory_maintenance.inspection.ordering import order_change
from memory_maintenance.inspection.scenario import Repricing, Scenario
from memory_maintenance.inspection.simulation import simulate
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.store.pool import execute, fetch, fetch_value
from memory_maintenance.tenants.overrides import override
from tests.agents import write
from tests.inspection.conftest import NIGHT
from tests.settings import settings

DAY = timedelta(days=1)
CHECKSUM = """
SELECT (SELECT md5(string_agg(m.xmin::text || m.ctid::text || m::text, '' ORDER BY id)) FROM memories m),
       (SELECT md5(string_agg(t.xmin::text || t::text, '' ORDER BY tenant_id)) FROM maintenance.tenants t),
       (SELECT md5(s.xmin::text || s::text) FROM maintenance.store s)
"""
FIRST_TENANT = "a0000000-0000-4000-8000-000000000001"


async def _decay(pool, as_of, **changes):
    await DecayWorker(pool, settings(**changes)).run_decay_cycle(as_of=as_of)


async def _importances(pool):
    rows = await fetch(pool, "SELECT tenant_id::text AS tenant, importance FROM memories ORDER BY tenant_id, id")
    return SimpleNamespace(
        tenants=np.array([row["tenant"] for row in rows]), values=np.array([row["importance"] for row in rows])
    )


def _spread(values):
    tally = Tally(floor=0.01)
    tally.add(values)
    return tally.distribution()


async def _simulated(pool, scenario, **others):
    return await simulate(pool, settings(), scenario, as_of=NIGHT + 60 * DAY, **others)


@pytest.fixture
async def decayed(sampled):
    """The samples after a first night, some recalled and some set by the agent since."""
    await _decay(sampled, NIGHT)
    await execute(sampled, "UPDATE memories SET last_accessed_at = $1 WHERE importance < 0.3", NIGHT + 20 * DAY)
    await execute(sampled, "UPDATE memories SET importance = 0.77 WHERE importance > 0.85")
    return sampled


@pytest.mark.parametrize(
    "scenario", [Scenario("bounded", None, 90), Scenario("staged", 0.01, 200)], ids=["bounded", "staged"]
)
async def test_what_it_foresees_is_what_then_happens(decayed, scenario):
    found = await _simulated(decayed, scenario)
    today = await _importances(decayed)
    rate = {} if scenario.rate is None else {"memory_base_decay_rate": scenario.rate}
    spreads = []
    for days in (0, scenario.days):
        await _decay(decayed, NIGHT + (60 + days) * DAY, memory_decay_policy=scenario.policy, **rate)
        spreads.append(_spread((await _importances(decayed)).values))
    assert [found.today, found.tonight, found.later] == [_spread(today.values), *spreads]
    later = (await _importances(decayed)).values
    of = [today.tenants == tenant for tenant in np.unique(today.tenants)]
    changes = [order_change(today.values[own], later[own]) for own in of]
    assert found.order == sum(changes[1:], changes[0])
    assert found.order.swapped > 0


async def test_the_present_rule_is_shown_beside_it(decayed):
    found = await _simulated(decayed, Scenario("bounded", None, 90))
    present = await _simulated(decayed, Scenario(None, None, 90))
    assert found.later_by_present_rule == present.later == present.later_by_present_rule
    assert found.order_by_present_rule == present.order
    assert found.later != present.later
    assert present.repricing == Repricing(known=present.verdicts["known"])


async def test_nothing_is_written(decayed):
    before = await fetch(decayed, CHECKSUM)
    await _simulated(decayed, Scenario("bounded", None, 90))
    assert await fetch(decayed, CHECKSUM) == before


async def test_its_transaction_could_not_write(pool, monkeypatch):
    async def write_instead(db, *_arguments, **_others):
        return await fetch(db, "DELETE FROM memories RETURNING id")

    await write(pool, "acme", ["a memory"])
    monkeypatch.setattr(pricing, "priced_page", write_instead)
    with pytest.raises(StoreError, match="ReadOnlySQLTransactionError"):
        await simulate(pool, settings(), Scenario())


async def test_a_switch_prices_the_time_since_the_base_again(decayed):
    found = await _simulated(decayed, Scenario("staged", 0.01, 1))
    re = found.repricing
    assert (re.known, re.raised, re.lowered) == (found.verdicts["known"], 0, found.verdicts["known"])
    await _decay(decayed, NIGHT + 60 * DAY)
    by_present = await _importances(decayed)
    await _decay(decayed, NIGHT + 60 * DAY, memory_base_decay_rate=0.01)
    by_tried = await _importances(decayed)
    assert re.largest_fall == pytest.approx((by_present.values - by_tried.values).max(), abs=1e-12)


async def test_a_tenant_is_looked_at_alone(decayed):
    found = await _simulated(decayed, Scenario(days=10), tenant_id=FIRST_TENANT)
    assert (found.tenants, found.today.count) == (1, 232)
    with pytest.raises(TenantNotFoundError):
        await _simulated(decayed, Scenario(), tenant_id="nobody")


async def test_overrides_of_a_tenant_hold_where_the_scenario_says_nothing(decayed):
    await override(decayed, FIRST_TENANT, {"decay_policy": "bounded"})
    chosen = await _simulated(decayed, Scenario(None, None, 300), tenant_id=FIRST_TENANT)
    same = await _simulated(decayed, Scenario("bounded", None, 300), tenant_id=FIRST_TENANT)
    other = await _simulated(decayed, Scenario("staged", None, 300), tenant_id=FIRST_TENANT)
    assert chosen.later == same.later != other.later


async def test_a_share_that_stays_can_be_tried(decayed):
    kept = await _simulated(decayed, Scenario("staged", None, 3000))
    nothing = await _simulated(decayed, Scenario("staged", None, 3000, 0.0))
    assert (kept.retained, nothing.retained) == (None, 0.0)
    assert (kept.later.at_floor, nothing.later.at_floor) == (0, nothing.later.count - nothing.verdicts["protected"])
    assert nothing.later_by_present_rule == kept.later


async def test_the_present_rule_is_the_stores_own(decayed):
    await execute(decayed, "UPDATE maintenance.store SET decay_retained = 0")
    found = await _simulated(decayed, Scenario("staged", None, 3000, 0.7))
    assert found.later_by_present_rule.at_floor > found.later.at_floor == 0


async def test_where_decay_is_off_the_present_rule_moves_nothing(decayed):
    await override(decayed, FIRST_TENANT, {"decay_enabled": False})
    found = await _simulated(decayed, Scenario("bounded", None, 90), tenant_id=FIRST_TENANT)
    assert found.switched_off == 1
    assert found.later_by_present_rule == found.today != found.later
    assert found.order_by_present_rule.swapped == 0


async def test_the_rate_is_brought_within_its_bounds_as_by_a_run(decayed):
    found = await _simulated(decayed, Scenario("staged", 0.9, 30))
    assert found.rate == 0.01
    assert found.later == (await _simulated(decayed, Scenario("staged", 0.01, 30))).later


async def test_invalid_memories_are_counted_and_left_out(pool):
    await write(pool, "acme", ["a", "b"], start=NIGHT - DAY)
    for importance in (None, float("nan"), -1.0, 2.0):
        await write(pool, "acme", ["c"], start=NIGHT - DAY, importance=importance)
    found = await simulate(pool, settings(), Scenario(), as_of=NIGHT)
    assert found.verdicts == {"invalid": 4, "first_sight": 2}
    assert (found.today.count, found.order.pairs, found.to_write) == (2, 1, 2)


async def test_pages_and_samples_change_no_count(decayed, monkeypatch):
    whole = await _simulated(decayed, Scenario("bounded", None, 90))
    monkeypatch.setattr(pricing, "_PAGE_ROWS", 7)
    monkeypatch.setattr(simulation, "MOST_COMPARED", 100)
    paged = await _simulated(decayed, Scenario("bounded", None, 90))
    assert (paged.later, paged.verdicts, paged.course) == (whole.later, whole.verdicts, whole.course)
    assert (whole.sampled, paged.sampled, paged.order.pairs) == (0, 5, 5 * 100 * 99 // 2)
    assert paged.order.swapped / paged.order.pairs == pytest.approx(whole.order.swapped / whole.order.pairs, abs=0.05)


async def test_an_empty_store_is_shown_as_such(pool):
    found = await simulate(pool, settings(), Scenario())
    assert (found.tenants, found.today.count, found.verdicts, found.order.pairs) == (0, 0, {}, 0)


async def test_the_course_begins_tonight_and_ends_on_the_last_day(decayed):
    found = await _simulated(decayed, Scenario("bounded", None, 90))
    assert [found.course[0].day, found.course[-1].day] == [0, 90]
    assert found.course[0].tried[1] == found.tonight.quantiles[0.5]
    assert found.course[-1].tried[1] == found.later.quantiles[0.5]
    assert [stop.tried[1] for stop in found.course] == sorted((stop.tried[1] for stop in found.course), reverse=True)


@pytest.mark.parametrize(
    "asked",
    [
        {"rate": 1.0},
        {"rate": -0.1},
        {"rate": float("nan")},
        {"retained": 1.1},
        {"retained": float("nan")},
        {"days": 0},
        {"days": 36_501},
    ],
)
def test_a_scenario_out_of_range_is_refused(asked):
    with pytest.raises(InvalidRequestError):
        Scenario(**asked)


async def test_progress_is_reported_in_memories_read(sampled):
    told: list[int] = []
    await simulate(sampled, settings(), Scenario(days=1), as_of=NIGHT, progress=told.append)
    assert told[-1] == await fetch_value(sampled, "SELECT count(*) FROM memories")
    assert told == sorted(told)

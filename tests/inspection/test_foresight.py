from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.decay.policy import DecayRule, decayed
from memory_maintenance.decay.progress import foreseen_run
from memory_maintenance.inspection.foresight import Census, PricedRows, foresee
from memory_maintenance.store.pool import snapshot
from memory_maintenance.tenants.control import all_tenants
from tests.inspection.conftest import NIGHT

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
instants = st.datetimes(datetime(1980, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
rules = st.builds(
    DecayRule,
    policy=st.sampled_from(["staged", "bounded"]),
    rate=st.floats(0, 0.05) | st.sampled_from([0.0, 1 - 2**-53]),
    use_access=st.booleans(),
    layers=st.sampled_from([{}, {"sm": 0.0}, {"sm": 100.0}, {"sm": 0.5}]),
)
rows = st.lists(st.tuples(st.floats(0.01, 1), instants, instants), min_size=1, max_size=20)


def _priced(memories, rule):
    base = np.array([memory[0] for memory in memories])
    since, access = (np.array([(memory[n] - EPOCH) // MICROSECOND for memory in memories]) for n in (1, 2))
    speed = np.full(len(memories), rule.speed("sm"))
    return PricedRows(base * 0.9, base, base, speed, since, access, np.full(len(memories), fill_value=True))


@given(rows, instants, rules)
def test_arrays_are_priced_as_single_memories(memories, instant, rule):
    left = _priced(memories, rule).left_at(instant, rule)
    exact = [decayed(base, base_at, access, instant, rule, "sm") for base, base_at, access in memories]
    assert left == pytest.approx(exact, abs=1e-12)


def test_what_a_run_leaves_alone_keeps_its_importance():
    nothing, zero = np.array([np.nan]), np.array([0])
    rows = PricedRows(np.array([0.4]), nothing, nothing, np.array([1.0]), zero, zero, np.array([False]))
    assert rows.left_at(NIGHT, DecayRule()) == [0.4]


@pytest.mark.parametrize(
    "rule", [DecayRule(rate=0.01), DecayRule("bounded", layers={"em": 3.0})], ids=["staged", "bounded"]
)
async def test_arrays_hold_what_the_statement_of_decay_prices(sampled, rule):
    census = Census(Counter())
    async with snapshot(sampled) as db:
        for tenant in await all_tenants(db):
            run = await foreseen_run(db, tenant.tenant_id, NIGHT)
            async for page in foresee(db, tenant.tenant_id, run, rule, 0.0, census):
                assert page.left_at(NIGHT, rule) == pytest.approx(page.exact, abs=1e-12)
    assert census.verdicts == {"first_sight": 1132}
    assert census.to_write == 1132

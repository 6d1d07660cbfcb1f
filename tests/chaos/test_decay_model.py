from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.decay_model import left
from memory_maintenance.decay.policy import DecayRule, decayed

NOW = datetime(2026, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)
spans = st.timedeltas(timedelta(0), timedelta(days=90))


@pytest.mark.parametrize(
    ("since", "access", "days"),
    [
        pytest.param(7, 7, 3.5, id="protected: half the rate"),
        pytest.param(30, 30, 3.5 + 23, id="then the base rate"),
        pytest.param(60, 60, 3.5 + 23 + 30 * 2.5, id="then ever faster"),
        pytest.param(60, 0, 30, id="time before the last access counts as protected"),
        pytest.param(10, 40, 10 * (1 + 35 / 30), id="access before the base"),
        pytest.param(0, 5, 0, id="nothing at the base's own instant"),
        pytest.param(-3, 5, 0, id="nothing before it"),
    ],
)
def test_what_is_left_follows_the_days_since_access(since, access, days):
    base_at, access_at = NOW - since * DAY, NOW - access * DAY
    assert left(0.9, base_at, access_at, NOW, 0.01, retained=0) == pytest.approx(0.9 * 0.99**days, abs=1e-15)
    kept = 0.9 * (0.7 + 0.3 * 0.99**days)
    assert left(0.9, base_at, access_at, NOW, 0.01) == pytest.approx(kept, abs=1e-15)


def test_nothing_falls_below_the_floor():
    assert left(0.9, NOW - 900 * DAY, NOW - 900 * DAY, NOW, 0.01, retained=0) == 0.01
    assert left(0.005, NOW - 900 * DAY, NOW - 900 * DAY, NOW, 0.01) == 0.005


@given(base=st.floats(0.02, 1), since=spans, access=spans, retained=st.sampled_from([0.0, 0.7]))
def test_both_hands_agree(base, since, access, retained):
    first = left(base, NOW - since, NOW - access, NOW, 0.01, retained)
    rule = DecayRule(rate=0.01, retained_share=retained)
    assert first == pytest.approx(decayed(base, NOW - since, NOW - access, NOW, rule), abs=1e-12)

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.decay.policy import DecayRule, DecayRun, decayed, exposure_days, multiplier, segments
from memory_maintenance.decay.verdict import RowState, judge, verdict
from tests.decay.conftest import some

ACCESS = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RULE = DecayRule(rate=0.01, retained_share=0.0)
BOUNDED = DecayRule(policy="bounded")
instants = st.datetimes(datetime(1976, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
rates = st.floats(0, 0.5) | st.floats(0.5, 1, exclude_max=True) | st.sampled_from([0.0, 1e-300, 1 - 2**-53])


shares = st.floats(0, 1) | st.sampled_from([0.0, 0.7, 1.0])


def _left(start: float, end: float, rule: DecayRule = RULE, base: float = 0.5, layer: str | None = None) -> float:
    return decayed(base, ACCESS + start * DAY, ACCESS, ACCESS + end * DAY, rule, layer)


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [
        pytest.param(0, 1, 0.4974937186, id="protected: half the rate"),
        pytest.param(10, 11, 0.495, id="the base rate"),
        pytest.param(60, 61, 0.4850682415, id="stale: about three times the rate"),
        pytest.param(-1, 0, 0.4974937186, id="before the last access: protected"),
        pytest.param(5, 5, 0.5, id="no time, no loss"),
        pytest.param(5, 4, 0.5, id="as_of before the base"),
        pytest.param(0, 20_000, 0.01, id="never below the floor"),
    ],
)
def test_decay_follows_the_days_since_access(start, end, left):
    assert _left(start, end) == pytest.approx(left, abs=1e-10)


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        pytest.param(0, 7, 3.5, id="a protected week"),
        pytest.param(7, 30, 23, id="the regular stage"),
        pytest.param(0, 30, 26.5, id="the first month"),
        pytest.param(30, 60, 75, id="the second month: 30 days at 2 to 3"),
        pytest.param(0, 60, 101.5, id="two months"),
        pytest.param(60, 61, 1 + 60.5 / 30, id="a stale day"),
        pytest.param(-10, 7, 8.5, id="recalled on the tenth day"),
        pytest.param(-10, -4, 3, id="recalled after as_of"),
    ],
)
def test_exposure_adds_up_over_the_stages(start, end, days):
    cut = segments(ACCESS + start * DAY, ACCESS, ACCESS + end * DAY, RULE)
    assert exposure_days(cut) == days
    assert sum((part.length for part in cut), timedelta()) == (end - start) * DAY


@pytest.mark.parametrize(
    ("since", "speed"), [(0, 0.5), (6.99, 0.5), (7, 1.0), (30, 1.0), (31, 1 + 31 / 30), (60, 3.0), (-3, 0.5)]
)
def test_the_speed_of_a_memory_is_that_of_its_stage(since, speed):
    assert multiplier(since * DAY, RULE) == pytest.approx(speed)


def test_without_access_statistics_every_day_is_the_same():
    assert _left(60, 61, replace(RULE, use_access=False)) == pytest.approx(0.495)


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [
        pytest.param(0, 0, 0.5, id="nothing lost at once"),
        pytest.param(0, 90, 0.425, id="a half-life takes half of what can be lost"),
        pytest.param(0, 180, 0.3875, id="two half-lives"),
        pytest.param(-90, 0, 0.5, id="a recalled memory is as new"),
        pytest.param(-90, 90, 0.425, id="counted from the last access"),
        pytest.param(0, 2_000_000, 0.35, id="never below 0.7 of the base"),
    ],
)
def test_bounded_decay_reorders_and_never_hides(start, end, left):
    assert _left(start, end, BOUNDED) == pytest.approx(left, abs=1e-12)


@pytest.mark.parametrize(
    ("share", "end", "left"),
    [
        pytest.param(0.7, 0, 0.5, id="nothing lost at once"),
        pytest.param(0.7, 30, 0.5 * (0.7 + 0.3 * 0.99**26.5), id="the rest decays by the stages"),
        pytest.param(0.7, 20_000, 0.35, id="the share stays after any time"),
        pytest.param(0.0, 20_000, 0.01, id="none stays: down to the floor"),
        pytest.param(1.0, 20_000, 0.5, id="all stays"),
    ],
)
def test_staged_leaves_a_share_of_the_base_for_good(share, end, left):
    assert _left(0, end, replace(RULE, retained_share=share)) == pytest.approx(left, abs=1e-12)


@pytest.mark.parametrize(
    ("policy", "setting", "store", "left"),
    [
        pytest.param("staged", None, 0.7, 0.7, id="a new store's"),
        pytest.param("staged", None, 0.0, 0.0, id="a store that decayed before there was a choice"),
        pytest.param("staged", 0.4, 0.0, 0.4, id="a setting comes before the store"),
        pytest.param("staged", 0.0, 0.7, 0.0, id="also one that keeps nothing"),
        pytest.param("bounded", 0.4, 0.0, 0.7, id="bounded is bounded"),
    ],
)
def test_what_stays_is_the_settings_or_the_stores(policy, setting, store, left):
    rule = DecayRule(policy=policy, retained_share=setting)
    assert rule.for_run(DecayRun(AS_OF, AS_OF, retained_share=store)).retained == left


@pytest.mark.parametrize(("layer", "days"), [("sm", 0.5), ("episodic", 1.0), (None, 1.0), ("reflective", 0.0)])
def test_a_layer_has_its_own_speed(layer, days):
    rule = replace(RULE, layers={"sm": 0.5, "reflective": 0.0})
    assert _left(10, 11, rule, layer=layer) == pytest.approx(0.5 * 0.99**days)


def test_a_clock_that_is_changed_for_summer_changes_nothing():
    berlin = ZoneInfo("Europe/Berlin")
    base_at, as_of = datetime(2026, 3, 28, 12, tzinfo=berlin), datetime(2026, 3, 29, 12, tzinfo=berlin)
    assert exposure_days(segments(base_at, base_at, as_of, RULE)) == 23 / 24 / 2


def _antiderivative(days: Fraction) -> Fraction:
    if days < 7:
        return days / 2
    if days <= 30:
        return days - Fraction(7, 2)
    return days - Fraction(7, 2) + (days * days - 900) / 60


def _days(span: timedelta) -> Fraction:
    return Fraction(span // timedelta(microseconds=1), 86_400_000_000)


@given(base_at=instants, access=instants, as_of=instants)
@some(200)
def test_exposure_is_the_exact_integral_correctly_rounded(base_at, access, as_of):
    exact = _antiderivative(_days(as_of - access)) - _antiderivative(_days(base_at - access))
    assert exposure_days(segments(base_at, access, as_of, RULE)) == (float(exact) if as_of > base_at else 0.0)


@given(base=st.floats(0, 1), base_at=instants, access=instants, as_of=instants, rate=rates, share=shares)
@some(200)
def test_what_is_left_agrees_with_fifty_digits(base, base_at, access, as_of, rate, share):
    left = decayed(base, base_at, access, as_of, DecayRule(rate=rate, retained_share=share))
    with localcontext(prec=50):
        days = _antiderivative(_days(as_of - access)) - _antiderivative(_days(base_at - access))
        exposure = (
            max(Decimal(0), Decimal(days.numerator) / Decimal(days.denominator)) if as_of > base_at else Decimal(0)
        )
        kept = Decimal(share)
        exact = Decimal(base) * (kept + (1 - kept) * (exposure * (1 - Decimal(rate)).ln()).exp())
        expected = min(Decimal(base), max(Decimal("0.01"), exact))
        assert abs(Decimal(left) - expected) < Decimal("1e-14")


@given(base=st.floats(0, 1), base_at=instants, access=instants, first=instants, later=instants, rate=rates)
@some(100)
def test_importance_stays_between_floor_and_base_and_never_rises_with_time(base, base_at, access, first, later, rate):
    none_kept = DecayRule(rate=rate, retained_share=0.0)
    for rule in (none_kept, DecayRule(rate=rate), DecayRule(policy="bounded"), replace(none_kept, use_access=False)):
        sooner, then = (decayed(base, base_at, access, at, rule) for at in sorted([first, later]))
        assert min(base, 0.01) <= then <= sooner <= base


AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
ZERO = datetime(1970, 1, 1, tzinfo=UTC)
RUN = DecayRun(AS_OF, adopted_at=AS_OF - 10 * DAY)
KNOWN: dict[str, Any] = {
    "importance": 0.5,
    "base": 0.6,
    "base_at": AS_OF - 5 * DAY,
    "decayed": 0.5,
    "created_at": AS_OF - 90 * DAY,
}


@pytest.mark.parametrize(
    ("row", "case"),
    [
        pytest.param({}, "known", id="priced by its base"),
        pytest.param({"importance": None}, "invalid", id="no importance"),
        pytest.param({"importance": math.nan}, "invalid", id="not a number"),
        pytest.param({"importance": -math.inf}, "invalid", id="infinite"),
        pytest.param({"importance": 1.1}, "invalid", id="out of range"),
        pytest.param({"base": 7.0}, "invalid", id="a base out of range"),
        pytest.param({"last_accessed_at": datetime.max.replace(tzinfo=UTC)}, "invalid", id="accessed at infinity"),
        pytest.param({"created_at": AS_OF + DAY}, "future", id="created after as_of"),
        pytest.param({"created_at": datetime.min.replace(tzinfo=UTC)}, "known", id="created in the year 1"),
        pytest.param({"base_at": datetime.min.replace(tzinfo=UTC)}, "invalid", id="a base of the year 1"),
        pytest.param({"tags": frozenset({"a", "pinned"})}, "protected", id="protected by a tag"),
        pytest.param({"base": None}, "first_sight", id="never seen"),
        pytest.param({"base": None, "importance": 0.01}, "negligible", id="never seen, at the floor"),
        pytest.param({"importance": 0.7}, "set_by_agent", id="set since"),
        pytest.param({"importance": 0.0}, "set_by_agent", id="set below the floor since"),
        pytest.param({"base": 0.01, "importance": 0.01, "decayed": 0.01}, "negligible", id="a base at the floor"),
    ],
)
def test_a_row_is_one_of_eight_cases(row, case):
    assert verdict(RowState(**KNOWN | row), RUN, DecayRule(protected_tags=frozenset({"pinned"}))) == case


@pytest.mark.parametrize(
    ("row", "base", "base_at"),
    [
        pytest.param({"base": None}, 0.5, AS_OF - 11 * DAY, id="old: a day before adoption"),
        pytest.param({"base": None, "created_at": AS_OF - 2 * DAY}, 0.5, AS_OF - 2 * DAY, id="young: its creation"),
        pytest.param({"base": None, "created_at": None}, 0.5, AS_OF, id="of unknown age: now"),
        pytest.param({"base": None, "created_at": ZERO}, 0.5, AS_OF, id="created at the zero of a clock: now"),
        pytest.param({"importance": 0.7}, 0.7, AS_OF, id="set by the agent: now"),
        pytest.param({}, 0.6, AS_OF - 5 * DAY, id="known: as stored"),
    ],
)
def test_the_base_is_what_the_agent_last_said(row, base, base_at):
    outcome = judge(RowState(**KNOWN | row), RUN, RULE)
    assert (outcome.base, outcome.base_at) == (base, base_at)


@pytest.mark.parametrize(
    ("created", "accessed", "access"),
    [
        pytest.param(AS_OF - 9 * DAY, ZERO, AS_OF - 9 * DAY, id="accessed at zero: since its creation"),
        pytest.param(ZERO, AS_OF - 3 * DAY, AS_OF - 3 * DAY, id="created at zero: since its access"),
        pytest.param(ZERO, None, AS_OF - 5 * DAY, id="created at zero, never accessed: since the base"),
        pytest.param(ZERO, ZERO, AS_OF - 5 * DAY, id="both at zero: since the base"),
        pytest.param(None, datetime(2001, 1, 1, 23, tzinfo=UTC), AS_OF - 5 * DAY, id="a zero in another time zone"),
        pytest.param(None, datetime(2001, 1, 2, tzinfo=UTC), datetime(2001, 1, 2, tzinfo=UTC), id="known from then on"),
    ],
)
def test_the_zero_of_a_clock_is_no_access(created, accessed, access):
    row = RowState(**KNOWN | {"created_at": created, "last_accessed_at": accessed})
    assert judge(row, RUN, RULE).last_access == access


def test_time_while_decay_was_off_does_not_count():
    resumed = DecayRun(AS_OF, adopted_at=AS_OF - 90 * DAY, resumed_at=AS_OF - DAY)
    known, new = (judge(RowState(**KNOWN | {"base": base}), resumed, RULE) for base in (0.6, None))
    assert (known.verdict, known.base, known.base_at) == ("resumed", 0.5, AS_OF - DAY)
    assert (new.verdict, new.base, new.base_at) == ("first_sight", 0.5, AS_OF - DAY)


def test_what_the_agent_set_stays_even_below_the_floor():
    assert judge(RowState(**KNOWN | {"importance": 0.001}), RUN, RULE).importance == 0.001

from datetime import timedelta
from uuid import uuid4

import pytest

from memory_maintenance.dreaming.policy import (
    DreamRule,
    kept_tags,
    nothing_new,
    reflection_id,
    strategy_id,
    strategy_importance,
)
from tests.agents import AS_OF

RULE = DreamRule(timedelta(hours=24), 0.6, 20)


@pytest.mark.parametrize(
    ("dreamt", "since"),
    [
        pytest.param(None, 24, id="never dreamt: the lookback"),
        pytest.param(12, 24, id="dreamt within it: the lookback"),
        pytest.param(48, 48, id="a missed night"),
        pytest.param(24 * 30, 24 * 7, id="at most a week"),
    ],
)
def test_a_dream_looks_back_to_the_last_one(dreamt, since):
    last = None if dreamt is None else AS_OF - timedelta(hours=dreamt)
    assert RULE.since(AS_OF, last) == AS_OF - timedelta(hours=since)


def test_a_sample_has_one_reflection_in_whatever_order():
    a, b, c = (uuid4() for _ in range(3))
    assert reflection_id("t", "p", [a, b, c]) == reflection_id("t", "p", [c, a, b])
    ids = {reflection_id("t", "p", [a, b]), reflection_id("t", "q", [a, b]), reflection_id("u", "p", [a, b])}
    assert len(ids | {strategy_id(reflection_id("t", "p", [a, b]))}) == 4


def test_part_of_the_last_sample_is_nothing_new():
    a, b, c = (uuid4() for _ in range(3))
    assert nothing_new([a, b], [b, a, c])
    assert not nothing_new([a, b, c], [a, b])


@pytest.mark.parametrize(("importance", "expected"), [(0.5, 0.55), (0.95, 1.0)])
def test_a_strategy_is_a_tenth_more_important(importance, expected):
    assert strategy_importance(importance) == pytest.approx(expected)


def test_an_answer_cannot_set_tags_that_mean_something_here():
    asked = ["Pinned", "strategy", "session_summary", " Orders\n late ", "Orders late", "", "x" * 200]
    assert kept_tags(asked) == ("Orders late", "x" * 60)

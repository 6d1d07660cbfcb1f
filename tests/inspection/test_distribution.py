import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.inspection.distribution import LEVELS, Tally, UniformSample


@given(st.lists(st.integers(0, 10_000).map(lambda step: step / 10_000), min_size=1, max_size=200), st.integers(1, 7))
def test_counts_of_a_stream_are_those_of_the_whole(values, size):
    tally = Tally(floor=0.01)
    for first in range(0, len(values), size):
        tally.add(np.array(values[first : first + size]))
    found, ordered = tally.distribution(), sorted(values)
    assert found.quantiles == {level: ordered[math.ceil(level * len(values)) - 1] for level in LEVELS}
    assert found.histogram == tuple(np.bincount([(round(v * 10_000) + 500) // 1000 for v in values], minlength=11))
    assert found.mean == pytest.approx(np.mean(values), abs=1e-12)
    assert (found.count, found.at_floor) == (len(values), sum(value <= 0.01 for value in values))


def test_of_nothing_there_is_no_quantile():
    found = Tally(floor=0.01).distribution()
    assert (found.count, found.mean, set(found.quantiles.values())) == (0, None, {None})


def test_all_rows_stay_while_they_are_few():
    sample = UniformSample(100, np.random.default_rng(1))
    for first in (0, 50):
        sample.add(np.arange(first, first + 50.0), np.arange(first, first + 50.0) * 2)
    ones, twos = sample.columns()
    assert sorted(ones) == list(range(100))
    assert (twos == 2 * ones).all()


def test_a_long_stream_is_sampled_evenly_and_in_bounded_memory():
    sample = UniformSample(1000, np.random.default_rng(1))
    for first in range(0, 100_000, 500):
        sample.add(np.arange(first, first + 500.0))
        assert sum(part.shape[1] for part in sample.parts) <= 2500
    [kept] = sample.columns()
    assert (len(set(kept)), sample.seen) == (1000, 100_000)
    tenths = np.bincount((kept // 10_000).astype(int), minlength=10)
    assert tenths.min() > 60
    assert tenths.max() < 140

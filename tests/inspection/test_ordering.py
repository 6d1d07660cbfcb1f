from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.inspection.ordering import OrderChange, inversions, order_change

few = st.sampled_from([0.0, 0.01, 0.5, 0.500000001, 1.0])
importances = few | st.integers(0, 10**9).map(lambda whole: whole / 10**9)


@given(st.lists(st.tuples(importances, importances), max_size=40))
def test_it_counts_what_comparing_every_pair_counts(rows):
    before, after = (np.array([row[side] for row in rows]) for side in (0, 1))
    pairs = list(combinations(rows, 2))
    swapped = sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in pairs)
    levelled = sum(a[0] != b[0] and a[1] == b[1] for a, b in pairs)
    assert order_change(before, after) == OrderChange(len(pairs), swapped, levelled)


@pytest.mark.parametrize("size", [0, 1, 2, 1000, 1023, 1025])
def test_a_reversed_order_inverts_every_pair(size):
    assert inversions(np.arange(size)[::-1]) == size * (size - 1) // 2
    assert inversions(np.arange(size)) == 0


def test_moves_behind_the_ninth_digit_change_no_order():
    before = np.array([0.3, 0.3 + 1e-12, 0.3 - 1e-12])
    assert order_change(before, before[::-1].copy()) == OrderChange(3, 0, 0)


def test_changes_add_up():
    assert OrderChange(3, 2, 1) + OrderChange(30, 20, 10) == OrderChange(33, 22, 11)

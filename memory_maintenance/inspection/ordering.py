"""Which pairs of memories change places: what decay does to a ranking by importance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

DIGITS = 9
"""Importances that agree to so many decimal places are equal."""


@dataclass(frozen=True, slots=True)
class OrderChange:
    """What became of the pairs of some memories."""

    pairs: int = 0
    swapped: int = 0
    """Pairs whose greater one is now the lesser one."""
    levelled: int = 0
    """Pairs that differed and are now equal."""

    def __add__(self, other: OrderChange) -> OrderChange:
        """Return both together."""
        return OrderChange(self.pairs + other.pairs, self.swapped + other.swapped, self.levelled + other.levelled)


def order_change(before: Floats, after: Floats) -> OrderChange:
    """Compare the order of the same memories by two importances, exactly, in O(n log n).

    Args:
        before: importances in [0, 1], one a memory.
        after: the same memories' others.

    Source: W. R. Knight, "A Computer Method for Calculating Kendall's Tau with Ungrouped Data", 1966.
    """
    first, second = _as_whole(before), _as_whole(after)
    order = np.lexsort((second, first))  # equal before: in the order of after, so that they make no inversion
    first, second = first[order], second[order]
    levelled = _ties(np.sort(second)) - _ties(np.rec.fromarrays([first, second]))
    return OrderChange(_pairs(len(before)), inversions(second), levelled)


def inversions(values: Whole) -> int:
    """Count the pairs of which the earlier is greater, by a merge sort whose every level is one step.

    Args:
        values: at least 0 and below 2**63 / the number of values.
    """
    size, count, width = len(values), 0, 1
    runs, span = values, int(values.max(initial=0)) + 1
    positions = np.arange(size)
    while width < size:
        # Values of different blocks never meet: each block lies above the one before.
        block = positions // (2 * width)
        keys = runs + block * span
        is_left = positions // width % 2 == 0
        left, right = keys[is_left], keys[~is_left]
        ends = np.searchsorted(block[is_left], block[~is_left], side="right")
        count += int((ends - np.searchsorted(left, right, side="right")).sum())
        runs, width = np.sort(keys, kind="stable") - block * span, 2 * width
    return count


def _as_whole(values: Floats) -> Whole:
    whole: Whole = np.rint(values * 10**DIGITS).astype(np.int64)
    return whole


def _ties(ordered: NDArray[Any]) -> int:
    """Count the pairs of equal values in sorted ones."""
    ends = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return sum(map(_pairs, np.diff(np.concatenate(([0], ends, [len(ordered)]))).tolist()))


def _pairs(count: int) -> int:
    return count * (count - 1) // 2

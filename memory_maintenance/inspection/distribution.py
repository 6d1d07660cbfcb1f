"""How importances are spread: counted as they stream by, in the same memory for ten rows and ten million."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS: Final = 10_000
"""Importances are counted to four decimal places."""

BINS: Final = 11
"""Bars of the histogram, around 0, 0.1, ... 1: agents use round values, and a small loss leaves them in their bar."""

LEVELS: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Importances of some memories. ``quantiles`` by level; they and ``mean`` are None where there is no memory."""

    count: int
    histogram: tuple[int, ...]
    quantiles: dict[float, float | None]
    mean: float | None
    at_floor: int
    """Memories whose importance is not above the floor."""


@dataclass(slots=True)
class Tally:
    """Counts of importances."""

    floor: float
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(STEPS + 1, dtype=np.int64))
    at_floor: int = 0

    def add(self, importances: Floats) -> None:
        """Count *importances*, each in [0, 1]."""
        steps = np.rint(importances * STEPS).astype(np.int64)
        self.counts += np.bincount(steps, minlength=STEPS + 1)
        self.at_floor += int((importances <= self.floor).sum())

    def quantile(self, level: float) -> float | None:
        """Return the least importance that a share *level* of the memories does not exceed, to four places."""
        total = int(self.counts.sum())
        if not total:
            return None
        return int(np.searchsorted(self.counts.cumsum(), max(1, math.ceil(level * total)))) / STEPS

    def distribution(self) -> Distribution:
        """Return what was counted."""
        total = int(self.counts.sum())
        width = STEPS // (BINS - 1)
        bars = np.add.reduceat(self.counts, [0, *range(width // 2, STEPS, width)])
        return Distribution(
            count=total,
            histogram=tuple(bars.tolist()),
            quantiles={level: self.quantile(level) for level in LEVELS},
            mean=float(self.counts @ np.arange(STEPS + 1)) / STEPS / total if total else None,
            at_floor=self.at_floor,
        )


@dataclass(slots=True)
class UniformSample:
    """At most *limit* rows of a stream, each equally likely; all of them while they are no more."""

    limit: int
    random: np.random.Generator
    seen: int = 0
    waiting: int = 0
    parts: list[Floats] = field(default_factory=list)
    """Rows by column, the first of which decides who stays."""

    def add(self, *columns: Floats) -> None:
        """Take in rows, given as columns of one length."""
        keys = self.random.random(len(columns[0]))
        self.parts.append(np.stack((keys, *columns)))
        self.seen += len(keys)
        self.waiting += len(keys)
        if self.waiting > 2 * self.limit:
            self.parts = [self._kept()]
            self.waiting = self.limit

    def columns(self) -> Floats:
        """Return the rows of the sample, of shape (columns, rows)."""
        return self._kept()[1:]

    def _kept(self) -> Floats:
        rows = np.concatenate(self.parts, axis=1)
        if rows.shape[1] <= self.limit:
            return rows
        # The smallest keys stay: whatever its place in the stream, every row is as likely.
        return rows[:, np.argpartition(rows[0], self.limit - 1)[: self.limit]]

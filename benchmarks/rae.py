"""RAE's own rule of decay, to be compared with: it multiplies once per run.

    rate × 0.5              fewer than 7 days since the last access
    rate                    7 to 30 days
    rate × (1 + days / 30)  more than 30 days
    importance = max(0.01, importance × (1 - that)), skipped at 0.01 and below

Source: the docstring and SQL of RAE's ``ImportanceScoringService.decay_importance``. The
result depends on how often it runs, and on what had been accessed at each run.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from benchmarks.store import Store

Numbers = NDArray[np.float64]

FLOOR = 0.01
_DAY = timedelta(days=1)


def rae_run(importance: Numbers, days_since_access: Numbers, rate: float) -> Numbers:
    """Return what one run leaves of *importance*.

    Args:
        importance: in [0, 1].
        days_since_access: fractions of a day count, as in RAE's SQL.
        rate: share lost in this run, in [0, 1).
    """
    stale = 1 + days_since_access / 30
    speed = np.where(days_since_access < 7, 0.5, np.where(days_since_access > 30, stale, 1.0))
    return np.where(importance > FLOOR, np.maximum(FLOOR, importance * (1 - rate * speed)), importance)


def rae_year(store: Store, rate: float, runs_per_day: int) -> Numbers:
    """Return the importance of each memory at ``as_of`` after regular runs since the first was written."""
    memories = store.memories
    start = min(memory.created_at for memory in memories)
    by_age = sorted(range(len(memories)), key=lambda at: memories[at].created_at)
    created = np.array([_days(memories[at].created_at, start) for at in by_age])
    importance = np.array([memories[at].importance for at in by_age])
    last, accesses = created.copy(), _Accesses(store, by_age, start)
    for run in range(1, int(_days(store.as_of, start) * runs_per_day) + 1):
        now = run / runs_per_day
        accesses.apply(last, until=now)
        there = int(np.searchsorted(created, now, side="right"))
        importance[:there] = rae_run(importance[:there], now - last[:there], rate)
    left = np.empty_like(importance)
    left[by_age] = importance
    return left


class _Accesses:
    """Every access of a store in order, applied as time goes on."""

    def __init__(self, store: Store, by_age: list[int], start: datetime) -> None:
        uses = sorted(
            (_days(access, start), which) for which, at in enumerate(by_age) for access in store.memories[at].accesses
        )
        self._days = np.array([day for day, _ in uses])
        self._which = np.array([which for _, which in uses], dtype=int)
        self._done = 0

    def apply(self, last: Numbers, *, until: float) -> None:
        stop = int(np.searchsorted(self._days, until, side="right"))
        np.maximum.at(last, self._which[self._done : stop], self._days[self._done : stop])
        self._done = stop


def _days(instant: datetime, start: datetime) -> float:
    return (instant - start) / _DAY

"""What is compared: importance at the end of the year under each policy, RAE's own rule among them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Final

import numpy as np

from benchmarks.ranking import Numbers
from benchmarks.store import Store
from memory_maintenance.decay.policy import DecayRule, decayed

Policy = Callable[[Store], Numbers]
"""From a store to the importance of each memory at its ``as_of``."""

PROTECTED: Final = frozenset({"pinned"})
RAE_FLOOR: Final = 0.01


def as_imported(store: Store) -> Numbers:
    """Return what the agent gave."""
    return np.array([memory.importance for memory in store.memories])


def by_rule(rule: DecayRule, store: Store) -> Numbers:
    """Return the project's own decay, on since each memory was written."""
    return np.array(
        [
            memory.importance
            if memory.tags & PROTECTED
            else decayed(memory.importance, memory.created_at, memory.last_access, store.as_of, rule, memory.layer)
            for memory in store.memories
        ]
    )


def rae_run(importance: Numbers, days_since_access: Numbers, rate: float) -> Numbers:
    """Return what one run of RAE's rule leaves of *importance*, in [0, 1].

        rate × 0.5              fewer than 7 days since the last access
        rate                    7 to 30 days
        rate × (1 + days / 30)  more than 30 days
        importance = max(0.01, importance × (1 - that)), skipped at 0.01 and below

    Source: the docstring and SQL of RAE's ``ImportanceScoringService.decay_importance``.
    """
    stale = 1 + days_since_access / 30
    speed = np.where(days_since_access < 7, 0.5, np.where(days_since_access > 30, stale, 1.0))
    left = np.maximum(RAE_FLOOR, importance * (1 - rate * speed))
    return np.where(importance > RAE_FLOOR, left, importance)


def rae_runs(rate: float, runs_per_day: int, store: Store) -> Iterator[Numbers]:
    """Yield the importance of each memory after each of RAE's regular runs since the first memory was written.

    It multiplies once per run: the result depends on how often it runs, and on what had been accessed at each run.
    """
    start = min(memory.created_at for memory in store.memories)

    def days(instant: datetime) -> float:
        return (instant - start) / timedelta(days=1)

    importance = as_imported(store)
    created = np.array([days(memory.created_at) for memory in store.memories])
    uses = sorted((days(at), which) for which, memory in enumerate(store.memories) for at in memory.accesses)
    last, used = created.copy(), 0
    for run in range(1, int(days(store.as_of) * runs_per_day) + 1):
        now = run / runs_per_day
        while used < len(uses) and uses[used][0] <= now:
            day, which = uses[used]
            last[which], used = day, used + 1
        importance = np.where(created <= now, rae_run(importance, now - last, rate), importance)
        yield importance


def by_rae(rate: float, runs_per_day: int, store: Store) -> Numbers:
    """Return what RAE's runs leave at the end."""
    return deque(rae_runs(rate, runs_per_day, store), maxlen=1).pop()


UNDECAYED: Final = "undecayed"
STAGED: Final = "staged, 0.001 a day (default)"
FASTEST: Final = "staged, 0.01 a day (RAE's maximum)"
KEEPING_NOTHING: Final = "staged keeping nothing, 0.001 a day"
KEEPING_NOTHING_FASTEST: Final = "staged keeping nothing, 0.01 a day"
BOUNDED: Final = "bounded"

POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        "importance at import": as_imported,
        "relevance alone": lambda store: np.ones(len(store.memories)),
        UNDECAYED: partial(by_rule, DecayRule(rate=0.0)),
        STAGED: partial(by_rule, DecayRule(rate=0.001)),
        FASTEST: partial(by_rule, DecayRule(rate=0.01)),
        KEEPING_NOTHING: partial(by_rule, DecayRule(rate=0.001, retained_share=0.0)),
        KEEPING_NOTHING_FASTEST: partial(by_rule, DecayRule(rate=0.01, retained_share=0.0)),
        BOUNDED: partial(by_rule, DecayRule(policy="bounded")),
        "RAE's rule, 0.001, 1 run a day": partial(by_rae, 0.001, 1),
        "RAE's rule, 0.001, 24 runs a day": partial(by_rae, 0.001, 24),
        "RAE's rule, 0.01, 1 run a day": partial(by_rae, 0.01, 1),
        "RAE's rule, 0.01, 24 runs a day": partial(by_rae, 0.01, 24),
    }
)

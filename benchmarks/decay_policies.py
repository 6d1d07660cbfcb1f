"""What is compared: importance at the end of the year under each policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import numpy as np

from benchmarks.rae import Numbers, rae_year
from benchmarks.store import Store, StoredMemory
from memory_maintenance.decay.policy import DecayRule, decayed

Policy = Callable[[Store], Numbers]
"""From a store to the importance of each memory at its ``as_of``."""

PROTECTED: Final = frozenset({"pinned"})

UNDECAYED: Final = "undecayed"
STAGED: Final = "staged, 0.001 a day (default)"
BOUNDED: Final = "bounded"


def as_imported(store: Store) -> Numbers:
    """Return what the agent gave."""
    return np.array([memory.importance for memory in store.memories])


def alike(store: Store) -> Numbers:
    """Return 1 for every memory: relevance alone."""
    return np.ones(len(store.memories))


def by_rule(rule: DecayRule, store: Store) -> Numbers:
    """Return the project's own decay, on since each memory was written."""
    return np.array([_left(memory, store, rule) for memory in store.memories])


def _left(memory: StoredMemory, store: Store, rule: DecayRule) -> float:
    if memory.tags & rule.protected_tags:
        return memory.importance
    created, access = memory.created_at, memory.last_access
    return decayed(memory.importance, created, access, store.as_of, rule, memory.layer)


def by_rae(rate: float, runs_per_day: int, store: Store) -> Numbers:
    """Return RAE's decay, which multiplies once per run."""
    return rae_year(store, rate, runs_per_day)


POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        "relevance alone": alike,
        UNDECAYED: partial(by_rule, DecayRule(rate=0.0, protected_tags=PROTECTED)),
        STAGED: partial(by_rule, DecayRule(rate=0.001, protected_tags=PROTECTED)),
        "staged, 0.01 a day (RAE's maximum)": partial(by_rule, DecayRule(rate=0.01, protected_tags=PROTECTED)),
        BOUNDED: partial(by_rule, DecayRule(policy="bounded", protected_tags=PROTECTED)),
        "RAE's rule, 0.001, 1 run a day": partial(by_rae, 0.001, 1),
        "RAE's rule, 0.001, 24 runs a day": partial(by_rae, 0.001, 24),
        "RAE's rule, 0.01, 1 run a day": partial(by_rae, 0.01, 1),
        "RAE's rule, 0.01, 24 runs a day": partial(by_rae, 0.01, 24),
    }
)

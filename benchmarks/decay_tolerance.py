"""What a tolerance saves and what it changes: rows written in a month, and the first ten memories of each question.

    python -m benchmarks.decay_tolerance              the table of docs/decay.md, in a minute

Every night of a year is run over the stores of ``synthetic_store.py`` by the project's own rule: a memory is written
where its exact importance is further from the stored one than the tolerance. No model, no network, no database.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Final

import numpy as np

from benchmarks.decay_policies import PROTECTED
from benchmarks.ranking import Numbers, Search
from benchmarks.store import Store, StoredMemory
from benchmarks.synthetic_store import SEED, synthetic_store
from memory_maintenance.decay.policy import DecayRule, decayed

TOLERANCES: Final = (0.0, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01)
STORES: Final = 5
NIGHTS: Final = 365
COUNTED: Final = 30
"""The last nights, whose rows are counted."""
RULE: Final = DecayRule(rate=0.001)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a year of nights with one tolerance leaves in one store; all but ``importance`` are shares in [0, 1]."""

    written: float
    recall: float
    newest_first: float
    first_ten: tuple[tuple[int, ...], ...]


def outcomes(store: Store) -> dict[float, Outcome]:
    """Run a year of nights with each tolerance, and ask every question after the last."""
    nights = [store.as_of - timedelta(days=NIGHTS - 1 - night) for night in range(NIGHTS)]
    years = [_year(memory, nights) for memory in store.memories]
    search = Search(store)
    return {tolerance: _outcome(search, years, tolerance) for tolerance in TOLERANCES}


def _year(memory: StoredMemory, nights: Sequence[datetime]) -> Numbers:
    """Return the importance as the agent gave it, and then the exact one of each night that the memory met."""
    if memory.tags & PROTECTED:
        return np.array([memory.importance])
    exact = [memory.importance]
    for night in nights:
        if night >= memory.created_at:
            known = bisect_right(memory.accesses, night)
            access = memory.accesses[known - 1] if known else memory.created_at
            exact.append(decayed(memory.importance, memory.created_at, access, night, RULE, memory.layer))
    return np.array(exact)


def _outcome(search: Search, years: Sequence[Numbers], tolerance: float) -> Outcome:
    written, met, importance = 0, 0, []
    for exact in years:
        stored = exact[0]
        for night, value in enumerate(exact[1:], start=1):
            counted = night > len(exact) - 1 - COUNTED
            met += counted
            if abs(value - stored) > tolerance:
                stored = value
                written += counted
        importance.append(stored)
    found = list(search.ask(np.array(importance)))
    newest = fmean(one.newest_first for one in found if one.newest_first is not None)
    return Outcome(written / met, fmean(one.recall for one in found), newest, search.first(np.array(importance)))


def as_markdown(measured: Sequence[dict[float, Outcome]]) -> str:
    """Return a row for each tolerance: means over the stores, beside those of no tolerance."""
    head = "tolerance", "rows written", "recall@10, points", "newest first, points", "the same ten", "in the same order"
    rows = [f"| {' | '.join(head)} |", f"|{'---:|' * len(head)}"]
    for tolerance in TOLERANCES:
        pairs = [(store[tolerance], store[0.0]) for store in measured]
        asked = [
            (set(a) == set(b), a == b)
            for one, exact in pairs
            for a, b in zip(one.first_ten, exact.first_ten, strict=True)
        ]
        cells = (
            f"{tolerance:g}",
            f"{fmean(one.written for one, _ in pairs):.0%}",
            f"{100 * fmean(one.recall - exact.recall for one, exact in pairs):+.2f}",
            f"{100 * fmean(one.newest_first - exact.newest_first for one, exact in pairs):+.2f}",
            f"{fmean(same for same, _ in asked):.1%}",
            f"{fmean(order for _, order in asked):.1%}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(as_markdown([outcomes(synthetic_store(seed)) for seed in range(SEED, SEED + STORES)]))

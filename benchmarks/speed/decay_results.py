"""What the measurements of a night of decay come to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from benchmarks.speed.pictures import DECAY
from benchmarks.speed.processes import Processors
from benchmarks.speed.results import Results
from benchmarks.speed.workers import Cycle

EVEN: Final = "through Temporal"
SKEWED: Final = "the same, one tenant has half of the memories"
AGAIN: Final = "the same run again"
CHILDREN: Final = "children with one empty activity, no SQL"
BARE: Final = "bare UPDATE per tenant, one connection"
BARE_TWO: Final = "bare UPDATE per tenant, two connections"
TABLE: Final = "bare UPDATE of the whole table"
LOOP: Final = "RAE's rule, tenants one after the other"
CELERY: Final = "RAE's rule, Celery on 2 processes with Redis"

_SHOWN: Final = (EVEN, SKEWED, CHILDREN, BARE, BARE_TWO, TABLE, LOOP, CELERY)
_NOTES: Final = {
    TABLE: "the floor with one statement",
    BARE: "the floor: four columns, no rule",
    LOOP: "one column, no base: a second run decays again",
    CELERY: "one column; keeps no history: a killed worker's task is lost or done twice",
}


def _lists() -> defaultdict[str, list[float]]:
    return defaultdict(list)


@dataclass(slots=True)
class Taken:
    """Everything measured, by repetition."""

    memories: int
    tenants: int
    seconds: defaultdict[str, list[float]] = field(default_factory=_lists)
    ours: list[Cycle] = field(default_factory=list)
    children: list[Processors] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    again_rows: list[int] = field(default_factory=list)
    again_children: list[int] = field(default_factory=list)
    _wal: defaultdict[str, list[float]] = field(default_factory=_lists)
    _hot: defaultdict[str, list[float]] = field(default_factory=_lists)

    def wal(self, name: str, number: int, bytes_per_row: float) -> None:
        """Keep what a night wrote ahead."""
        self._wal[f"{name}, night {number}"].append(bytes_per_row)

    def hot(self, name: str, number: int, share: float) -> None:
        """Keep which share of a night's rows touched no index."""
        self._hot[f"{name}, night {number}"].append(share)

    def median(self, name: str) -> float:
        """Return the seconds of *name*."""
        return median(self.seconds[name])

    def wal_ratio(self, number: int) -> float:
        """Return ours by the bare UPDATE's."""
        ours, bare = (median(self._wal[f"{name}, night {number}"]) for name in (EVEN, BARE))
        return ours / bare


def report(taken: Taken, results: Results) -> None:
    """Put everything into *results*."""
    size = f"{taken.memories:,} memories of {taken.tenants:,} tenants"
    for name in _SHOWN:
        if taken.seconds[name]:
            results.measured(DECAY + name, taken.seconds[name], "s", _NOTES.get(name, size if name == EVEN else ""))
    results.measured(AGAIN, taken.seconds[AGAIN], "s", "same as_of")
    results.measured("Peak memory of the worker", taken.peak, "MB", "VmHWM, first night")
    _processors(taken, results)
    for what, shares in taken._hot.items():  # noqa: SLF001  this module's own
        results.measured(f"Rows written without touching an index: {what}", [100 * share for share in shares], "%")
    for what, bytes_per_row in taken._wal.items():  # noqa: SLF001
        results.measured(f"Written ahead per row: {what}", bytes_per_row, "bytes")
    _judge(taken, results, size)


def _processors(taken: Taken, results: Results) -> None:
    for name, used in ((EVEN, [cycle.processors for cycle in taken.ours]), (CHILDREN, taken.children)):
        for process in ("worker", "temporal", "postgres"):
            seconds = [getattr(one, process) for one in used]
            results.measured(f"Processor time: {name}: {process.capitalize()}", seconds, "s")


def _judge(taken: Taken, results: Results, size: str) -> None:
    ours, floor = taken.median(EVEN), taken.median(CHILDREN) + taken.median(BARE)
    results.judged(f"Decay of {size}", ours / floor, 1.0, how="ours by empty children plus bare UPDATE per tenant")
    results.judged("The same by RAE's rule in a loop", ours / taken.median(LOOP), 1.2, kind="goal")
    if taken.seconds[CELERY]:
        results.judged("The same by Celery with Redis", ours / taken.median(CELERY), 3, kind="goal", how=_NOTES[CELERY])
    skewed = taken.median(SKEWED) / ours
    results.judged("One tenant has half of the memories", skewed, 1.25, how="by the even store")
    results.judged("The same run again, same as_of", 100 * taken.median(AGAIN) / ours, 5, unit="%", how="of the first")
    results.judged("Rows that it writes", max(taken.again_rows), 0, unit="rows")
    results.judged("Children that it starts", max(taken.again_children), 0, unit="children")
    results.judged("Peak memory of the worker", median(taken.peak), 200, unit="MB")
    for number, name in ((1, "first"), (2, "second")):
        how = "by the bare UPDATE's"
        results.judged(f"Written ahead per row, {name} night", taken.wal_ratio(number), 1.15, how=how)

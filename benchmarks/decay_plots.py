"""The pictures of docs/decay.md, drawn from the rules themselves: python -m benchmarks.decay_plots [FOLDER]."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final
from uuid import UUID

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks import decay_policies
from benchmarks.decay_policies import BOUNDED, KEEPING_NOTHING, STAGED, rae_runs
from benchmarks.store import Store, StoredMemory
from memory_maintenance.decay.policy import DecayRule

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs" / "pictures"

WRITTEN: Final = datetime(2025, 1, 1, tzinfo=UTC)
RECALLED: Final = 60
"""Day of the recall in the picture that has one."""

Curve = tuple[Sequence[float], Sequence[float]]
"""Days since the memory was written, and its importance then."""


def _store(day: float, recalled: int | None) -> Store:
    """Return a memory of 0.9 so many days after it was written."""
    as_of = WRITTEN + timedelta(days=day)
    accesses = (WRITTEN + timedelta(days=recalled),) if recalled is not None and recalled <= day else ()
    return Store((StoredMemory(UUID(int=0), "t", "x", 0.9, WRITTEN, accesses),), (), as_of)


def by_rule(rule: DecayRule, runs_per_day: int, days: int, recalled: int | None = None) -> Curve:
    """Return what *rule* leaves of the base at each run."""
    moments = [run / runs_per_day for run in range(days * runs_per_day + 1)]
    return moments, [float(decay_policies.by_rule(rule, _store(moment, recalled))[0]) for moment in moments]


def by_rae(rate: float, runs_per_day: int, days: int, recalled: int | None = None) -> Curve:
    """Return what RAE's rule leaves of the base after each of its runs."""
    left = [0.9, *(float(one[0]) for one in rae_runs(rate, runs_per_day, _store(days, recalled)))]
    return [run / runs_per_day for run in range(len(left))], left


def policies() -> Figure:
    """Draw every policy over a year, untouched and recalled once."""
    slow, nothing_kept, bounded = DecayRule(), DecayRule(retained_share=0.0), DecayRule(policy="bounded")
    titles = {None: "importance, untouched", RECALLED: f"importance, recalled on day {RECALLED}"}
    return _figure(
        {
            title: {
                BOUNDED: by_rule(bounded, 1, 365, recalled),
                STAGED: by_rule(slow, 1, 365, recalled),
                KEEPING_NOTHING: by_rule(nothing_kept, 1, 365, recalled),
                "RAE's rule, 0.001, 1 run a day": by_rae(0.001, 1, 365, recalled),
                "RAE's rule, 0.001, 24 runs a day": by_rae(0.001, 24, 365, recalled),
            }
            for recalled, title in titles.items()
        }
    )


def schedules() -> Figure:
    """Draw one month at three schedules, under RAE's rule and under ours."""
    runs = {1: "1 run a day", 2: "2 runs a day", 24: "24 runs a day"}
    theirs = {name: by_rae(0.01, count, 30) for count, name in runs.items()}
    ours = {name: by_rule(DecayRule(rate=0.01, retained_share=0.0), count, 30) for count, name in runs.items()}
    return _figure({"importance, RAE's rule, 0.01": theirs, "importance, staged keeping nothing, 0.01": ours})


def _figure(panels: Mapping[str, Mapping[str, Curve]]) -> Figure:
    figure = Figure(figsize=(9, 4), layout="constrained")
    drawn = []
    for axes, (title, curves) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        styles = ("-", "-", "-", "--", ":") if len(curves) > 3 else ("-", "--", ":")
        drawn = [
            axes.plot(*curve, style, label=name) for style, (name, curve) in zip(styles, curves.items(), strict=True)
        ]
        axes.set(title=title, xlabel="days since it was written", ylim=(0, 1))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(visible=True, color="#eeeeee")
    figure.legend(
        handles=[line for lines in drawn for line in lines], loc="outside lower center", ncols=3, frameon=False
    )
    return figure


PICTURES: Final[Mapping[str, Callable[[], Figure]]] = MappingProxyType(
    {"decay-policies.svg": policies, "decay-schedules.svg": schedules}
)


def main(folder: Path = FOLDER) -> None:
    """Draw every picture into *folder*; the same rules give the same files."""
    with mpl.rc_context({"svg.hashsalt": "decay", "svg.fonttype": "none"}):
        for name, picture in PICTURES.items():
            picture().savefig(folder / name, metadata={"Date": None})
            print(folder / name)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))

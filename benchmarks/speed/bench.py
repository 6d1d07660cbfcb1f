"""What a part of the benchmark gets: sizes, a folder, where its results go, and whom to tell how far it is."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.speed.results import Results
from benchmarks.speed.servers import Servers, servers


@dataclass(frozen=True, slots=True)
class Part:
    """A group of measurements that share servers and stores: ``--only NAME`` runs it alone."""

    name: str
    measure: Callable[[Bench], Awaitable[None]]
    seconds: float
    """How long it takes on two quiet cores; only the time left is reckoned from it."""
    quick_seconds: float


@dataclass(slots=True)
class Progress:
    """One line per measurement, with the time that is left."""

    expected: dict[str, float]
    """Seconds of each part."""
    say: Callable[[str], object] = print
    _began: float = field(default_factory=time.monotonic)
    _part_began: float = field(default_factory=time.monotonic)
    _part: str = ""
    _done: set[str] = field(default_factory=set)

    def begin(self, part: str) -> None:
        """Begin a part; the one before it is done."""
        if self._part:
            self._done.add(self._part)
        self._part, self._part_began = part, time.monotonic()

    def line(self, what: str, outcome: str) -> None:
        """Say what was measured."""
        minutes = self.seconds_left() / 60
        self.say(
            f"{time.monotonic() - self._began:6.0f} s  {self._part}: {what}: {outcome}  (about {minutes:.0f} min left)"
        )

    def seconds_left(self) -> float:
        """Return how long the rest takes, at the pace of the parts that are done."""
        now = time.monotonic()
        done = sum(self.expected[part] for part in self._done)
        pace = (self._part_began - self._began) / done if done else 1.0
        later = sum(seconds for part, seconds in self.expected.items() if part not in self._done | {self._part})
        here = max(self.expected.get(self._part, 0.0) * pace - (now - self._part_began), 0.0)
        return here + later * pace


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of the benchmark."""

    home: Path
    """Below it stands everything that a run makes; the caller removes it."""
    quick: bool
    repetitions: int
    results: Results
    progress: Progress

    def size(self, full: int, quick: int) -> int:
        """Return the one that this run is made with."""
        return quick if self.quick else full

    @asynccontextmanager
    async def servers(self, *, temporal_database: bool = False) -> AsyncIterator[Servers]:
        """Run fresh servers meanwhile, in a folder of their own."""
        with self.folder() as home:
            async with servers(home, temporal_database=temporal_database) as running:
                yield running

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Yield a fresh folder that every user may pass through, as root's Postgres has to."""
        folder = self.home / f"{len(list(self.home.iterdir()))}"
        folder.mkdir()
        folder.chmod(0o711)
        yield folder

    def tell(self, what: str, outcome: str) -> None:
        """Say in one line what was measured."""
        self.progress.line(what, outcome)

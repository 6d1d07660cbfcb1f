"""Simulated time: weeks of an agent's life in minutes of a run, never ahead of real time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

SPAN: Final = timedelta(days=40)
"""How much time passes for the agents while faults happen: enough for every stage of decay."""


@dataclass(slots=True)
class Clock:
    """Says what time it is for agents and cycles.

    It begins at *begins* when made and gains on real time so that ``SPAN`` passes in *seconds*;
    no two of its answers are equal.
    """

    begins: datetime
    seconds: float
    monotonic: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _last: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.monotonic()
        self._last = self.begins

    def now(self) -> datetime:
        """Return the simulated time in UTC, later than any returned before."""
        share = min(1.0, (self.monotonic() - self._started) / self.seconds)
        self._last = max(self.begins + share * SPAN, self._last + timedelta(microseconds=1))
        return self._last


def clock_until_now(seconds: float) -> Clock:
    """Return a clock that reaches the present in *seconds*."""
    return Clock(datetime.now(UTC) - SPAN, seconds)

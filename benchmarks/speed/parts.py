"""Every part of the benchmark, in the order it is run."""

from __future__ import annotations

from typing import Final

from benchmarks.speed import (
    decay,
    endpoint_limit,
    growth,
    hourly,
    planning,
    start,
    temporal_load,
    tolerance,
)
from benchmarks.speed.bench import Part

PARTS: Final[tuple[Part, ...]] = (
    Part("decay", decay.measure, seconds=1450, quick_seconds=30),
    Part("tolerance", tolerance.measure, seconds=220, quick_seconds=16),
    Part("hourly", hourly.measure, seconds=240, quick_seconds=13),
    Part("endpoint", endpoint_limit.measure, seconds=150, quick_seconds=15),
    Part("start", start.measure, seconds=90, quick_seconds=9),
    Part("temporal", temporal_load.measure, seconds=90, quick_seconds=17),
    Part("planning", planning.measure, seconds=320, quick_seconds=12),
    Part("growth", growth.measure, seconds=1230, quick_seconds=13),
)

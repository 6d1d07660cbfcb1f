"""Metrics that every worker reads off the store at each scrape, so that all of them say the same.

A number kept in the worker that happened to close a cycle would be stale in the others, and gone
after a restart. Aggregate these with ``max``, never with ``sum``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

ANSWER_SECONDS: Final = 5.0
"""Prometheus waits for ten by default: half of them for the store, and the other metrics still arrive."""


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """What the store says. A mapping without a key: there is nothing to say about it."""

    last_success: Mapping[str, float] = field(default_factory=dict)
    """Seconds since the epoch by kind of cycle; of cycles over the whole fleet."""
    decay_lag_seconds: float | None = None
    left_undone: Mapping[str, int] = field(default_factory=dict)
    """By unit."""
    budget_left: Mapping[str, float] = field(default_factory=dict)
    """Share of the deployment's day by resource, in [0, 1]."""
    open_breakers: int = 0
    model_unusable: Mapping[str, float] = field(default_factory=dict)
    """Share of the newest calls for texts by why they gave none, in [0, 1]."""
    fallback_takeover: bool = False
    """Whether the extractive writer writes the fallbacks."""
    findings: Sequence[tuple[str, str, str]] = ()
    """Kind of cycle, check and severity of what the newest preflights found."""


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """Connections of this process."""

    in_use: int
    most: int


@dataclass(frozen=True)
class StoreCollector(Collector):
    """Asks the store from Prometheus' own thread; where it does not answer, says so and no old numbers."""

    read: Callable[[], Awaitable[StoreFigures]]
    pool: Callable[[], PoolFigures]
    loop: asyncio.AbstractEventLoop
    patience: float = ANSWER_SECONDS

    def describe(self) -> list[Metric]:
        """Return nothing: else registering would ask the store, from the loop that has to answer."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        pool = self.pool()
        yield _gauge("pool_in_use", "Connections to Postgres of this process that are lent", pool.in_use)
        yield _gauge("pool_size", "Most connections to Postgres that this process may have", pool.most)
        figures = self._figures()
        yield _gauge("store_up", "Whether the store answers, 1 or 0", int(figures is not None))
        if figures is not None:
            yield from _metrics(figures)

    def _figures(self) -> StoreFigures | None:
        async def read() -> StoreFigures:
            async with asyncio.timeout(self.patience):
                return await self.read()

        if self.loop.is_closed():
            return None
        asked = asyncio.run_coroutine_threadsafe(read(), self.loop)
        try:
            return asked.result(self.patience)
        except Exception:  # noqa: BLE001  whatever it is: the store has no answer, and a scrape must have one
            asked.cancel()
            return None


def _metrics(figures: StoreFigures) -> Iterator[Metric]:
    yield _labelled(
        "last_success_timestamp_seconds",
        "When a cycle of a kind was last completed over the whole fleet",
        "kind",
        figures.last_success,
    )
    if figures.decay_lag_seconds is not None:
        yield _gauge(
            "decay_lag_seconds", "Age of the oldest last decay of a tenant with memories", figures.decay_lag_seconds
        )
    yield _labelled(
        "left_undone",
        "Units that the newest completed daily cycle over the fleet left to the next",
        "unit",
        figures.left_undone,
    )
    yield _labelled(
        "model_budget_left_ratio",
        "Share of the deployment's daily budget that is left, 0 to 1; resource: tokens, money",
        "resource",
        figures.budget_left,
    )
    yield _gauge("model_breakers_open", "Endpoints whose breaker is open", figures.open_breakers)
    yield _labelled(
        "model_unusable_ratio",
        "Share of the newest calls of 24 hours that gave no usable text, 0 to 1, by the reason",
        "reason",
        figures.model_unusable,
    )
    yield _gauge(
        "fallback_takeover",
        "Whether the extractive writer writes the fallbacks of a model that failed for a whole night, 1 or 0",
        int(figures.fallback_takeover),
    )
    found = GaugeMetricFamily(
        "memory_maintenance_preflight_findings",
        "1 for what the preflight of the newest cycle of a kind found; severity: stop, warning",
        labels=["kind", "check", "severity"],
    )
    for labels in figures.findings:
        found.add_metric(labels, 1)
    yield found


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(f"memory_maintenance_{name}", help_, value=value)


def _labelled(name: str, help_: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"memory_maintenance_{name}", help_, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


@contextmanager
def registered(collector: Collector) -> Iterator[None]:
    """Let scrapes of this process ask *collector* meanwhile."""
    REGISTRY.register(collector)
    try:
        yield
    finally:
        REGISTRY.unregister(collector)

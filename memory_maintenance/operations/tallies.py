"""From what became of one step to the counts it adds to a tenant's outcome.

The steps of the library and the results of activities have the same attributes, so both
the scheduler and the workflows count with these functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from memory_maintenance.operations.outcomes import DecayCounts, DreamCounts, EmbeddingCounts, SummaryCounts


class _DecayBatch(Protocol):
    @property
    def seen(self) -> int: ...
    @property
    def updated(self) -> int: ...
    @property
    def invalid(self) -> int: ...
    @property
    def busy(self) -> int: ...


class _Written(Protocol):
    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...


class _Dream(_Written, Protocol):
    @property
    def reflection_id(self) -> UUID | None: ...
    @property
    def strategy_id(self) -> UUID | None: ...


class _Embedded(Protocol):
    @property
    def embedded(self) -> int: ...
    @property
    def skipped(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def reasons(self) -> Mapping[str, int]: ...
    @property
    def input_tokens(self) -> int: ...


def decay_counts(batch: _DecayBatch) -> DecayCounts:
    """Return what a batch of decay adds."""
    return DecayCounts(seen=batch.seen, updated=batch.updated, invalid=batch.invalid, busy=batch.busy)


def summary_counts(done: _Written) -> SummaryCounts:
    """Return what a session adds."""
    return SummaryCounts(
        stored=int(done.status == "stored"),
        updated=int(done.status == "updated"),
        fallbacks=int(done.status == "fallback"),
        skipped=int(done.status in ("skipped", "paused")),
        failed=int(done.status == "failed"),
        reasons=_reasons(done),
        input_tokens=done.input_tokens,
        output_tokens=done.output_tokens,
    )


def dream_counts(done: _Dream) -> DreamCounts:
    """Return what a dream adds."""
    return DreamCounts(
        reflections=int(done.reflection_id is not None),
        strategies=int(done.strategy_id is not None),
        skipped=int(done.status in ("skipped", "paused")),
        failed=int(done.status == "failed"),
        reasons=_reasons(done),
        input_tokens=done.input_tokens,
        output_tokens=done.output_tokens,
    )


def embedding_counts(done: _Embedded) -> EmbeddingCounts:
    """Return what a batch of embeddings adds."""
    return EmbeddingCounts(
        embedded=done.embedded,
        skipped=done.skipped,
        failed=done.failed,
        reasons=dict(done.reasons),
        input_tokens=done.input_tokens,
    )


def _reasons(done: _Written) -> dict[str, int]:
    return {done.reason: 1} if done.reason else {}

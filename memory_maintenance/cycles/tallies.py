"""From what became of one step to the counts it adds to a tenant's outcome.

The steps of the library and the results of activities have the same attributes, so both
the scheduler and the workflows count with these functions; what has the counts' own names
is read by ``Counts.of``.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from memory_maintenance.cycles.outcomes import DreamCounts, EmbeddingCounts, SummaryCounts


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


def embeddings_to_come(summaries: SummaryCounts, dreams: DreamCounts) -> EmbeddingCounts:
    """Return what a dry run foresees to be embedded of texts that are not written yet."""
    return EmbeddingCounts(embedded=summaries.written + dreams.written)


def _reasons(done: _Written) -> dict[str, int]:
    return {done.reason: 1} if done.reason else {}

"""What became of a dream, as callers, logs and counts get it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import structlog

from memory_maintenance.dreaming.known import KnownReflection
from memory_maintenance.dreaming.policy import STRATEGY_TAG
from memory_maintenance.store.derived import DerivedMemory
from memory_maintenance.writers.model.backend import Backend

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WrittenReflection:
    """A reflection that was stored or, where it was there before, ``updated``, with the memories it stands on."""

    id: UUID
    strategy_id: UUID | None = None
    sources: int = 0
    updated: bool = False


@dataclass(frozen=True, slots=True)
class DreamOutcome:
    """What became of a dream: ids, numbers and a reason from a closed set, no text.

    ``updated``: every reflection was there before. ``failed`` and ``skipped`` store nothing: the memories stay to be
    dreamt about.
    """

    status: Literal["stored", "updated", "skipped", "paused", "failed"]
    reason: str | None = None
    reflections: tuple[WrittenReflection, ...] = ()
    strategies: int = 0
    """Strategies that were written."""
    input_tokens: int = 0
    output_tokens: int = 0
    backend: Backend | None = None

    @property
    def reflection_id(self) -> UUID | None:
        """Return the first reflection; None where nothing was written."""
        return self.reflections[0].id if self.reflections else None

    @property
    def strategy_id(self) -> UUID | None:
        """Return the strategy of the first reflection, if it has one."""
        return self.reflections[0].strategy_id if self.reflections else None

    @property
    def sources(self) -> int:
        """Return how many memories the reflections stand on, each by itself."""
        return sum(one.sources for one in self.reflections)


def written(rows: Sequence[DerivedMemory]) -> DreamOutcome:
    """Return the outcome of a dream that stored *rows*, reflections and their strategies."""
    reflections = [row for row in rows if STRATEGY_TAG not in row.tags]
    found = tuple(_written(row.id, row.metadata, row.metadata["evidence_count"]) for row in reflections)
    return _outcome(found, [row.metadata for row in reflections], len(rows) - len(reflections))


def written_before(rows: Sequence[KnownReflection]) -> DreamOutcome:
    """Return the outcome of a dream that stored *rows* before, in an attempt whose result was lost."""
    found = tuple(_written(row.id, row.metadata, len(row.sources)) for row in rows)
    strategies = sum(bool(row.metadata.get("strategy_written")) for row in rows)
    return _outcome(found, [row.metadata for row in rows], strategies)


def _written(reflection: UUID, kept: Mapping[str, Any], sources: int) -> WrittenReflection:
    strategy = UUID(kept["strategy_id"]) if kept.get("strategy_id") else None
    return WrittenReflection(reflection, strategy, sources, updated=int(kept.get("revision") or 1) > 1)


def _outcome(found: tuple[WrittenReflection, ...], kept: Sequence[Mapping[str, Any]], strategies: int) -> DreamOutcome:
    return DreamOutcome(
        status="updated" if all(one.updated for one in found) else "stored",
        reflections=found,
        strategies=strategies,
        input_tokens=sum(int(one.get("input_tokens") or 0) for one in kept),
        output_tokens=sum(int(one.get("output_tokens") or 0) for one in kept),
        backend=kept[0].get("backend"),
    )


def skipped(tenant_id: str, project: str | None, reason: str, memories: int = 0) -> DreamOutcome:
    """Return, and log, that nothing is stored for *reason*."""
    logger.info("dreaming_cycle_skipped", tenant_id=tenant_id, project=project, reason=reason, count=memories)
    return DreamOutcome("skipped", reason)

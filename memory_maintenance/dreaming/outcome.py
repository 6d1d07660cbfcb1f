"""What became of a dream, as callers, logs and counts get it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import structlog

from memory_maintenance.writers.model.backend import Backend

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DreamOutcome:
    """What became of a dream: ids, numbers and a reason from a closed set, no text.

    ``failed`` and ``skipped`` store nothing: the memories stay to be dreamt about.
    """

    status: Literal["stored", "skipped", "paused", "failed"]
    reason: str | None = None
    reflection_id: UUID | None = None
    strategy_id: UUID | None = None
    sources: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    backend: Backend | None = None


def stored(reflection: UUID, kept: Any, sources: int) -> DreamOutcome:
    """Return the outcome of a dream whose reflection is made from so many *sources* and has the metadata *kept*."""
    return DreamOutcome(
        status="stored",
        reflection_id=reflection,
        strategy_id=UUID(kept["strategy_id"]) if kept.get("strategy_id") else None,
        sources=sources,
        input_tokens=int(kept.get("input_tokens") or 0),
        output_tokens=int(kept.get("output_tokens") or 0),
        backend=kept.get("backend"),
    )


def skipped(tenant_id: str, project: str | None, reason: str, memories: int = 0) -> DreamOutcome:
    """Return, and log, that nothing is stored for *reason*."""
    logger.info("dreaming_cycle_skipped", tenant_id=tenant_id, project=project, reason=reason, count=memories)
    return DreamOutcome("skipped", reason)

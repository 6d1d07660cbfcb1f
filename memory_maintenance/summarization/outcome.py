"""What became of a session, as callers, logs and counts get it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import structlog

from memory_maintenance.errors import LanguageModelError
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.summarization.session import Session, StoredSummary
from memory_maintenance.writers.model.backend import Backend

logger = structlog.get_logger(__name__)

Status = Literal["stored", "updated", "fallback", "skipped", "paused", "failed"]


@dataclass(frozen=True, slots=True)
class SummaryOutcome:
    """What became of a session: ids, numbers and a reason from a closed set, no text.

    ``failed`` and ``skipped`` with ``budget_exhausted``: nothing stored, the session stays due.
    """

    status: Status
    reason: str | None = None
    summary_id: UUID | None = None
    events: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    backend: Backend | None = None


def written(stored: StoredSummary, reason: str | None = None) -> SummaryOutcome:
    """Return the outcome of a session whose summary stands as *stored*."""
    kept = stored.metadata
    status: Status = "fallback" if stored.fallback else "updated" if stored.revision > 1 else "stored"
    return SummaryOutcome(
        status=status,
        reason=reason,
        summary_id=stored.id,
        events=int(kept.get("event_count") or 0),
        input_tokens=int(kept.get("input_tokens") or 0),
        output_tokens=int(kept.get("output_tokens") or 0),
        backend=kept.get("backend"),
    )


def written_before(session: Session, cycle_id: UUID | None) -> SummaryOutcome | None:
    """Return the outcome of this very step when it was taken before: a worker died after the commit."""
    if session.stored is None or cycle_id is None or session.stored.metadata.get("cycle_id") != str(cycle_id):
        return None
    return written(session.stored)


def skipped(session: SessionKey, reason: str, events: int = 0) -> SummaryOutcome:
    """Return, and log, that nothing is stored for *reason*."""
    logger.info(
        "session_summarization_skipped",
        tenant_id=session.tenant_id,
        session_id=session.session_id,
        reason=reason,
        event_count=events,
    )
    return SummaryOutcome("skipped", reason, events=events)


def log_failure(session: Session, error: LanguageModelError) -> None:
    """Log that no model summarizes the session this time."""
    logger.warning(
        "llm_summarization_failed",
        tenant_id=session.key.tenant_id,
        session_id=session.key.session_id,
        reason=error.reason,
        event_count=len(session.new),
    )

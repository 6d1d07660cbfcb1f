"""A session as its summary needs it, and the transaction that stores the summary."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from memory_maintenance.store.derived import (
    DerivedMemory,
    insert_derived,
    lock,
    project_of,
    rewrite_derived,
    text_hash,
)
from memory_maintenance.store.memory import Memory
from memory_maintenance.store.pool import (
    Executor,
    Pool,
    execute,
    fetch,
    fetch_row,
    fetch_value,
    json_object,
    transaction,
)
from memory_maintenance.store.rows import LONGEST_CONTENT, memory_of
from memory_maintenance.summarization.dates import DatesKept
from memory_maintenance.summarization.policy import (
    SOURCE,
    TAGS,
    SessionKey,
    can_improve,
    summary_id,
    summary_importance,
)
from memory_maintenance.summarization.prompt import summary_of
from memory_maintenance.summarization.statements import (
    ANY_COVERED,
    COVER,
    EVENTS,
    STORED,
    STORED_FOR_UPDATE,
    UNCOVER,
)
from memory_maintenance.summarization.writing import Written
from memory_maintenance.writers.model.backend import Backend


@dataclass(frozen=True, slots=True)
class StoredSummary:
    """A summary of ours that nobody edited, with what its metadata says of it."""

    content: str
    metadata: Mapping[str, Any]

    @property
    def fallback(self) -> bool:
        """Return whether a better text is wanted."""
        return self.metadata.get("fallback") is True

    @property
    def backend(self) -> str:
        """Return who wrote it."""
        return str(self.metadata.get("backend"))

    @property
    def revision(self) -> int:
        """Return how often it has been written, 1 for a new one."""
        revision = self.metadata.get("revision")
        return revision if isinstance(revision, int) else 1


@dataclass(frozen=True, slots=True)
class Session:
    """A session's events that belong into the summary ``summary_id``, in order of time.

    ``new`` are those of ``events`` that are in no summary yet. ``stored`` is the
    summary to be updated, None where there is none.
    """

    key: SessionKey
    summary_id: UUID
    stored: StoredSummary | None
    events: Sequence[Memory]
    new: Sequence[Memory]

    @property
    def tenant_id(self) -> str:
        """Return the tenant's id as the store spells it; callers may spell a UUID in their own way."""
        return self.events[0].tenant_id

    @property
    def continues(self) -> str | None:
        """Return the stored summary's words where a model can go on from them: it wrote them and they are whole."""
        if self.stored is None or self.stored.fallback or self.stored.backend != "openai":
            return None
        return summary_of(self.stored.content)

    def improvable(self, backend: Backend) -> bool:
        """Return whether *backend* writes a better text than the stored one."""
        stored = self.stored
        return stored is not None and can_improve(backend, written_by=stored.backend, fallback=stored.fallback)

    def without(self, left_out: Collection[UUID]) -> Session:
        """Return the session as a summary tells it that does without some of its events."""
        return replace(
            self,
            events=[event for event in self.events if event.id not in left_out],
            new=[event for event in self.new if event.id not in left_out],
        )

    @property
    def well_told(self) -> bool:
        """Return whether there is a text that no fallback may replace."""
        return self.stored is not None and not self.stored.fallback


async def read_session(db: Executor, key: SessionKey, as_of: datetime) -> Session:
    """Return what is known of a session as of *as_of*."""
    target, stored = await _target(db, key)
    rows = await fetch(db, EVENTS, key.tenant_id, key.project_name, key.session_id, as_of, target, LONGEST_CONTENT)
    events = [memory_of(row) for row in rows]
    new = [event for event, row in zip(events, rows, strict=True) if row["is_new"]]
    return Session(key, target, stored, events, new)


async def _target(db: Executor, key: SessionKey) -> tuple[UUID, StoredSummary | None]:
    """Return the summary that takes new events: the first that is missing, or that nobody edited."""
    for part in itertools.count(1):
        candidate = summary_id(key, part)
        row = await fetch_row(db, STORED, candidate)
        if row is None:
            return candidate, None
        metadata = json_object(row["metadata"])
        if metadata.get("text_sha256") == text_hash(row["content"]):
            return candidate, StoredSummary(row["content"], metadata)
    raise AssertionError("unreachable")  # pragma: no cover


async def store_summary(
    pool: Pool, session: Session, written: Written, *, dates: DatesKept, cycle_id: UUID | None
) -> DerivedMemory | None:
    """Store what was *written* and cover its events in one transaction; those it left out stay new.

    None, and nothing stored, when somebody else wrote or edited the summary, or
    covered one of the new events, since the session was read: twice is once.
    """
    told = session.without(written.left_out)
    memory = _memory(told, written, dates, cycle_id)
    async with transaction(pool) as db:
        await lock(db, summary_id(session.key))
        if not await _still_as_read(db, session):
            return None
        stored = await (rewrite_derived if session.stored else insert_derived)(db, memory)
        if not stored:
            return None
        await execute(db, COVER, session.tenant_id, [event.id for event in told.new], memory.id)
        if written.left_out:
            await execute(db, UNCOVER, session.tenant_id, list(written.left_out))
    return memory


async def _still_as_read(db: Executor, session: Session) -> bool:
    row = await fetch_row(db, STORED_FOR_UPDATE, session.summary_id)
    content = session.stored.content if session.stored else None
    if (row["content"] if row else None) != content:
        return False
    return not await fetch_value(db, ANY_COVERED, session.tenant_id, [event.id for event in session.new])


def _memory(session: Session, written: Written, dates: DatesKept, cycle_id: UUID | None) -> DerivedMemory:
    events = session.events
    return DerivedMemory(
        id=session.summary_id,
        tenant_id=session.key.tenant_id,
        content=written.text,
        source=SOURCE,
        importance=summary_importance(events),
        layer=events[-1].layer or "episodic",
        tags=TAGS,
        project=project_of(events),
        session_id=session.key.session_id,
        metadata={
            "event_count": len(events),
            "first_event_at": events[0].created_at.isoformat(),
            "last_event_at": events[-1].created_at.isoformat(),
            "backend": written.backend,
            "fallback": written.fallback,
            "model": written.model,
            "prompt_version": written.prompt_version,
            "question": written.question,
            "quality": dict(written.quality),
            "input_tokens": written.input_tokens,
            "output_tokens": written.output_tokens,
            "dates_in_sources": dates.in_sources,
            "dates_kept": dates.kept,
            "left_out": [str(one) for one in written.left_out],
            "cycle_id": str(cycle_id) if cycle_id else None,
            "revision": session.stored.revision + 1 if session.stored else 1,
        },
        sources=tuple(event.id for event in events),
    )

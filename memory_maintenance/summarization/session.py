"""A session as its summary needs it, and the transaction that stores the summary."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from memory_maintenance.store.classes import UNCLASSIFIED, is_excluded
from memory_maintenance.store.derived import (
    DerivedMemory,
    free_id,
    insert_derived,
    lock,
    project_of,
    remove_derived,
    rewrite_derived,
    text_hash,
)
from memory_maintenance.store.identity import derived_id
from memory_maintenance.store.lineage import unlink
from memory_maintenance.store.memory import Memory
from memory_maintenance.store.pool import Executor, Pool, fetch, fetch_value, json_object, transaction
from memory_maintenance.store.rows import LONGEST_CONTENT, memories_of
from memory_maintenance.summarization.dates import DatesKept
from memory_maintenance.summarization.policy import (
    SOURCE,
    SUMMARY_RANK,
    TAGS,
    SessionKey,
    can_improve,
    summary_id,
    summary_importance,
)
from memory_maintenance.summarization.prompt import summary_of
from memory_maintenance.summarization.statements import (
    COVERED_ELSEWHERE,
    EVENTS,
    SUMMARIES,
    SUMMARIES_FOR_UPDATE,
    UNCOVER,
)
from memory_maintenance.summarization.writing import Written
from memory_maintenance.writers.model.backend import Backend


@dataclass(frozen=True, slots=True)
class StoredSummary:
    """A summary that maintenance wrote and no one edited, with its metadata."""

    id: UUID
    content: str
    metadata: Mapping[str, Any]
    info_class: str = UNCLASSIFIED
    is_stale: bool = False
    """Whether a source is gone, has expired or was edited since: the text may repeat it, so nothing of it is kept."""

    @property
    def fallback(self) -> bool:
        """Return whether a better text is wanted."""
        return self.metadata.get("fallback") is True

    @property
    def backend(self) -> str:
        """Return who wrote it."""
        return str(self.metadata.get("backend"))

    @property
    def refused(self) -> bool:
        """Return whether the extractive writer's own text of the same events was not fit to be stored."""
        return self.metadata.get("refused") is not None

    @property
    def revision(self) -> int:
        """Return how often it has been written, 1 for a new one."""
        revision = self.metadata.get("revision")
        return revision if isinstance(revision, int) else 1


@dataclass(frozen=True, slots=True)
class Session:
    """A session's events that belong into its summary, in order of time.

    ``new`` are those of ``events`` that are in no summary yet. ``stored`` is the summary to be updated, the newest of
    those that lineage names unless somebody edited it; None where none exists, and ``part`` is then the number of
    the next one: the second takes what came after somebody edited the first.
    """

    key: SessionKey
    stored: StoredSummary | None
    events: Sequence[Memory]
    new: Sequence[Memory]
    part: int = 1
    excluded: Collection[str] = ()
    """Classes from which nothing is derived."""

    @property
    def tenant_id(self) -> str:
        """Return the tenant's id as the store spells it; callers may spell a UUID in their own way."""
        return self.events[0].tenant_id if self.events else self.key.tenant_id

    @property
    def continues(self) -> str | None:
        """Return the stored summary's words where a model can go on from them: it wrote them and they are whole.

        Not where they may tell of events that are excluded by now.
        """
        if self.stored is None or self.is_stale or self.stored.fallback or self.stored.backend != "openai":
            return None
        if is_excluded(self.stored.info_class, self.excluded):
            return None
        return summary_of(self.stored.content)

    def improvable(self, backend: Backend) -> bool:
        """Return whether *backend* writes a better text than the stored one."""
        stored = self.stored
        if stored is None or (stored.refused and backend == "extractive"):
            return False
        return can_improve(backend, written_by=stored.backend, fallback=stored.fallback)

    def has_class(self, excluded: Collection[str]) -> bool:
        """Return whether an event, or what the stored summary was made from, is of a class in *excluded*."""
        classes = {event.info_class for event in self.events} | ({self.stored.info_class} if self.stored else set())
        return any(is_excluded(one, excluded) for one in classes)

    def without(self, left_out: Collection[UUID]) -> Session:
        """Return the session as a summary tells it that does without some of its events."""
        return replace(
            self,
            events=[event for event in self.events if event.id not in left_out],
            new=[event for event in self.new if event.id not in left_out],
        )

    @property
    def has_good_text(self) -> bool:
        """Return whether there is a text that no fallback may replace."""
        return self.stored is not None and not self.stored.fallback and not self.is_stale

    @property
    def is_stale(self) -> bool:
        """Return whether the stored summary no longer agrees with its sources."""
        return self.stored is not None and self.stored.is_stale


async def read_session(db: Executor, key: SessionKey, as_of: datetime, *, excluded: Collection[str] = ()) -> Session:
    """Return what is known of a session as of *as_of*; memories of the classes in *excluded* are no events."""
    stored, part = await _stored(db, key, as_of, SUMMARIES)
    session = (key.tenant_id, key.project_name, key.session_id)
    rows = await fetch(db, EVENTS, *session, as_of, stored.id if stored else None, LONGEST_CONTENT, list(excluded))
    left_out = {row["text"] for row in rows if row["is_set_aside"]}
    new_rows = {row["id"] for row in rows if row["is_new"]}
    events = memories_of(row for row in rows if row["text"] not in left_out)
    new = [event for event in events if any(row.id in new_rows for row in event.rows)]
    return Session(key, stored, events, new, part, excluded)


async def _stored(db: Executor, key: SessionKey, as_of: datetime, statement: str) -> tuple[StoredSummary | None, int]:
    """Return the newest unedited summary of a session, and the number that a further one has."""
    rows = await fetch(db, statement, key.tenant_id, key.project_name, key.session_id, as_of)
    for row in rows:
        metadata = json_object(row["metadata"])
        if metadata.get("text_sha256") == text_hash(row["content"]):
            stored = StoredSummary(row["id"], row["content"], metadata, row["info_class"], row["is_stale"])
            return stored, len(rows) + 1
    return None, len(rows) + 1


async def store_summary(
    pool: Pool, session: Session, written: Written, *, dates: DatesKept, cycle_id: UUID | None, as_of: datetime
) -> DerivedMemory | None:
    """Store what was *written* and cover its events in one transaction; those it left out stay new.

    None, and nothing stored, when somebody else wrote or edited the summary, or
    covered one of the new events, since the session was read: twice is once.
    """
    memory = _memory(session, session.without(written.left_out), written, dates, cycle_id, as_of)
    left_out = [row.id for event in session.events if event.id in written.left_out for row in event.rows]
    async with transaction(pool) as db:
        # One lock for the session of every project: a project may be renamed meanwhile.
        await lock(db, derived_id("session", session.tenant_id, session.key.session_id))
        if not await _still_as_read(db, session, as_of):
            return None
        uncovered = bool(left_out) and await fetch_value(db, UNCOVER, session.tenant_id, left_out)
        if session.stored is None:
            memory = replace(memory, id=await free_id(db, memory.id))
            return memory if await insert_derived(db, memory) else None
        if session.is_stale:
            await unlink(db, session.tenant_id, [memory.id])
        return memory if await rewrite_derived(db, memory, keeps_earlier=not uncovered) else None


async def remove_summary(pool: Pool, session: Session, as_of: datetime) -> bool:
    """Remove the stored summary, of whose sources too few are left; they are in no summary then. False: it changed."""
    async with transaction(pool) as db:
        await lock(db, derived_id("session", session.tenant_id, session.key.session_id))
        if session.stored is None or not await _still_as_read(db, session, as_of):
            return False
        await remove_derived(db, session.tenant_id, [session.stored.id])
        return True


async def _still_as_read(db: Executor, session: Session, as_of: datetime) -> bool:
    now, _ = await _stored(db, session.key, as_of, SUMMARIES_FOR_UPDATE)
    if _state(now) != _state(session.stored):
        return False
    new = [row.id for event in session.new for row in event.rows]
    return not await fetch_value(db, COVERED_ELSEWHERE, session.tenant_id, new, now.id if now else None)


def _state(stored: StoredSummary | None) -> tuple[UUID, str, int] | None:
    return (stored.id, stored.content, stored.revision) if stored else None


def _memory(
    session: Session, written_from: Session, written: Written, dates: DatesKept, cycle_id: UUID | None, as_of: datetime
) -> DerivedMemory:
    events = written_from.events
    read = written_from.new if session.continues else events
    return DerivedMemory(
        id=session.stored.id if session.stored else summary_id(session.key, session.part),
        tenant_id=session.key.tenant_id,
        task="summarization",
        subject=session.key.session_id,
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
            "refused": written.refused,
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
        sources=tuple(row for event in read for row in event.rows),
        rank=SUMMARY_RANK,
        created_at=as_of,
    )

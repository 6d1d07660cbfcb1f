"""When a session is due, and what of its summary follows from the events alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Final
from uuid import UUID

from memory_maintenance.store.identity import DEFAULT_PROJECT, derived_id
from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.model.backend import Backend, backend_of
from memory_maintenance.writers.model.context import estimated_tokens

if TYPE_CHECKING:  # a policy loads no settings
    from memory_maintenance.settings import Settings

SOURCE: Final = "summarization_worker"
TAGS: Final = ("session_summary", "auto_generated")

SUMMARY_RANK: Final = 0.8
"""Share of its events' mean importance that a summary has. Its text matches more questions than any of its events."""

FEWEST_LEFT: Final = 3
"""Events from which on a stale summary is written again from what is left; of fewer it is removed."""

HOURLY_REACH: Final = timedelta(days=3)
"""An hourly run looks at sessions that became idle within this time, so that it need not read the whole store.

Long enough to make up for a weekend without runs; what is older is left to the daily run.
"""

_QUOTED_EVENTS: Final = 5
_QUOTED_CHARACTERS: Final = 2_000
"""Longest quotation of one event in the fallback."""


@dataclass(frozen=True, slots=True)
class SessionKey:
    """One session; ``project`` None reads as ``default``, like a NULL in the table."""

    tenant_id: str
    project: str | None
    session_id: str

    @property
    def project_name(self) -> str:
        """Return the project, ``default`` where the memory has none."""
        return DEFAULT_PROJECT if self.project is None else self.project


@dataclass(frozen=True, slots=True)
class SessionState:
    """What decides whether a session is due.

    ``new_events`` are in no summary yet, the latest of them written at ``last_new_event_at``
    (None: it is the last event of all). ``summary_backend`` is who wrote the stored
    summary, None where none exists or somebody edited it; ``fallback`` whether a
    better text is wanted for it; ``set_aside`` whether a model is not asked about it.
    """

    new_events: int
    last_event_at: datetime
    summary_backend: str | None = None
    fallback: bool = False
    set_aside: bool = False
    never_sent: bool = False
    """Whether it has an event that no model may be sent."""
    last_new_event_at: datetime | None = None

    @property
    def last_unwritten_at(self) -> datetime:
        """Return the time of the latest event in no summary; of the last event where each is in one."""
        return self.last_new_event_at or self.last_event_at


@dataclass(frozen=True, slots=True)
class DueRule:
    """When a tenant's sessions are due, for one run.

    ``daily`` adds long sessions that still go on, and summaries that can be written better.
    What was written longer than ``backfill`` before adoption is left alone until something is added to its
    session. What has been idle for longer than ``reach`` is left to a run that has none. A session whose last event is
    younger than ``gate`` waits in any run.
    """

    min_events: int
    event_threshold: int
    idle: timedelta
    backfill: timedelta
    backend: Backend
    daily: bool
    reach: timedelta | None = None
    gate: timedelta = timedelta(0)

    @classmethod
    def of(cls, settings: Settings, *, daily: bool, backfill_days: int | None = None) -> DueRule:
        """Return the rule that *settings* state.

        An operator's *backfill_days* only reach further back than the setting; with them an
        hourly run looks at every session, too.
        """
        return cls(
            min_events=settings.summarization_min_events,
            event_threshold=settings.summarization_event_threshold,
            idle=timedelta(minutes=settings.summarization_idle_minutes),
            backfill=timedelta(days=max(settings.summarization_backfill_days, backfill_days or 0)),
            backend=backend_of(settings),
            daily=daily,
            reach=None if daily or backfill_days is not None else HOURLY_REACH,
            gate=timedelta(minutes=settings.maintenance_idle_gate_minutes),
        )

    def is_due(self, session: SessionState, *, as_of: datetime, adopted_at: datetime | None) -> bool:
        """Return whether *session* is to be summarized at *as_of*; ``DUE_SESSIONS`` says the same in SQL."""
        limit = (adopted_at or as_of) - self.backfill
        if session.last_event_at < limit or self._would_spoil(session) or self.waits(session, as_of):
            return False
        within = session.last_unwritten_at >= limit and not self.is_out_of_reach(session, as_of)
        return (within and self._has_enough(session, as_of)) or self._can_improve(session, as_of)

    def waits(self, session: SessionState, as_of: datetime) -> bool:
        """Return whether *session* is in the middle of a conversation, so that nothing is written of it yet."""
        return session.last_event_at > as_of - self.gate

    def _has_enough(self, session: SessionState, as_of: datetime) -> bool:
        idle = session.last_event_at <= as_of - self.idle
        long = self.daily and session.new_events >= self.event_threshold
        return (idle and session.new_events >= self.min_events) or long

    def since(self, as_of: datetime) -> datetime | None:
        """Return when the last new event of a session that is looked at was at the earliest; None: at any time."""
        return None if self.reach is None else as_of - self.idle - self.reach

    def is_out_of_reach(self, session: SessionState, as_of: datetime) -> bool:
        """Return whether *session* is left to a run without ``reach``."""
        since = self.since(as_of)
        return since is not None and session.last_unwritten_at < since

    def _would_spoil(self, session: SessionState) -> bool:
        """Return whether all that can be written is a fallback, where there is better text already."""
        spoils = self._writer(session) == "none"
        return spoils and session.summary_backend is not None and not session.fallback

    def _can_improve(self, session: SessionState, as_of: datetime) -> bool:
        recent = session.last_event_at >= as_of - self.backfill
        return self.daily and can_improve(
            self._writer(session), written_by=session.summary_backend, fallback=session.fallback, recent=recent
        )

    def _writer(self, session: SessionState) -> Backend:
        if self.backend != "openai":
            return self.backend
        return "extractive" if session.never_sent else "none" if session.set_aside else "openai"


def can_improve(backend: Backend, *, written_by: str | None, fallback: bool, recent: bool = True) -> bool:
    """Return whether *backend* writes better than what is stored.

    A fallback is improved by any writer, a text written without a model by a model
    while the session is recent.
    """
    if written_by is None or backend == "none":
        return False
    return fallback or (recent and backend == "openai" and written_by == "extractive")


def summary_id(session: SessionKey, part: int = 1) -> UUID:
    """Return the id of a session's summary; the second part takes what came after somebody edited the first."""
    key = (session.tenant_id, session.project_name, session.session_id)
    return derived_id("session_summary", *key) if part == 1 else derived_id("session_summary", *key, part)


def summary_importance(events: Sequence[Memory]) -> float:
    """Return 0.8 × the mean undecayed importance of *events*: a summary does not outrank what it sums up.

    RAE's SummarizationWorker took 1.2 × the mean, its fallback too: see decisions 25 and 49.
    """
    return SUMMARY_RANK * fmean(event.importance for event in events)


def fallback_text(events: Sequence[Memory]) -> str:
    """Return RAE's text for when no model answers: the first five events, and how many more there are."""
    quoted = " | ".join(_quoted(event.content) for event in events[:_QUOTED_EVENTS])
    more = len(events) - _QUOTED_EVENTS
    return f"Session summary ({len(events)} events): {quoted}" + (f" ... and {more} more events" if more > 0 else "")


def _quoted(content: str) -> str:
    return clean(content) if len(content) <= _QUOTED_CHARACTERS else f"{clean(content[:_QUOTED_CHARACTERS])}…"


def chunks(lines: Sequence[str], most_tokens: int, *, at_least: int = 1) -> list[list[str]]:
    """Return *lines* in runs of at most *most_tokens*, each of *at_least* lines where there are so many.

    A session that grew at its end keeps its earlier chunks, so their answers are
    found in the ledger.
    """
    found: list[list[str]] = []
    taken = 0
    for line in lines:
        tokens = estimated_tokens(line) + 1
        if found and (taken + tokens <= most_tokens or len(found[-1]) < at_least):
            found[-1].append(line)
            taken += tokens
        else:
            found.append([line])
            taken = tokens
    return found

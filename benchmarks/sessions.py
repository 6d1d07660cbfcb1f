"""Sessions to be summarized, from a file of memories."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.store import read_lines
from memory_maintenance.settings import LAYER_SPELLINGS
from memory_maintenance.store.import_line import MemoryLine, read_line
from memory_maintenance.store.memory import Memory
from memory_maintenance.summarization.policy import TAGS, SessionKey

SAMPLES: Final = Path(__file__).parents[1] / "samples" / "memories.jsonl"

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The day that the samples' texts take for today; what durations in a file count from, so that results repeat."""

MIN_EVENTS: Final = 10
DUE_WITHIN: Final = timedelta(days=7)
IDLE: Final = timedelta(minutes=30)
"""A session of the samples is due when it ended within so long, and at least so long ago: the default settings."""

DERIVED = ("summarization_worker", "reflection_engine_v2")
"""``source`` of memories that maintenance wrote."""


@dataclass(frozen=True, slots=True)
class SessionEvents:
    """A session and its events in order of time."""

    key: SessionKey
    events: tuple[Memory, ...]


@dataclass(frozen=True, slots=True)
class SessionFile:
    """The sessions of a file that are summarized, as of *as_of*."""

    path: Path
    as_of: datetime
    sessions: tuple[SessionEvents, ...]


def read_sessions(path: Path | None = None) -> SessionFile:
    """Return the sessions of a file that have ten events or more, by tenant, project and id.

    Args:
        path: memories as ``starter.py memories import`` takes them; of such a file every session, however old.
            None: the samples, and of them the sessions that are due.

    Raises:
        InvalidRequestError: a line that says no memory.
        OSError: the file cannot be read.
    """
    found: defaultdict[SessionKey, list[Memory]] = defaultdict(list)
    for line in read_lines(path or SAMPLES, partial(read_line, now=NOW)):
        if (event := _event(line)) and event.session_id:
            found[SessionKey(event.tenant_id, event.project, event.session_id)].append(event)
    sessions = [
        SessionEvents(key, tuple(sorted(found[key], key=lambda event: (event.created_at, event.id))))
        for key in sorted(found, key=lambda key: (key.tenant_id, key.project_name, key.session_id))
        if len(found[key]) >= MIN_EVENTS
    ]
    if path:
        newest = max((one.events[-1].created_at for one in sessions), default=NOW)
        return SessionFile(path, newest, tuple(sessions))
    due = [one for one in sessions if NOW - DUE_WITHIN <= one.events[-1].created_at <= NOW - IDLE]
    return SessionFile(SAMPLES, NOW, tuple(due))


def _event(line: MemoryLine) -> Memory | None:
    """Return a line that is an event by the rule of the application's statements; None for other memories."""
    if line.layer not in LAYER_SPELLINGS["episodic"] or line.source in DERIVED or TAGS[0] in (line.tags or ()):
        return None
    return Memory(
        id=line.id,
        tenant_id=line.tenant_id,
        content=line.content,
        created_at=line.created_at or line.timestamp or NOW,
        importance=line.importance,
        project=line.project,
        session_id=line.session_id or str((line.metadata or {}).get("session_id") or ""),
        metadata=line.metadata or {},
        layer=line.layer,
    )

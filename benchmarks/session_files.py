"""Sessions to be summarized, from a file of memories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.store_files import read_lines
from memory_maintenance.settings import Settings
from memory_maintenance.store.import_line import MemoryLine, read_line
from memory_maintenance.store.memory import DERIVED_SOURCES, EPISODIC, Memory
from memory_maintenance.summarization.policy import TAGS, DueRule, SessionKey, SessionState

SAMPLES: Final = Path(__file__).parents[1] / "samples" / "memories.jsonl"

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The day that the samples' texts take for today; what durations in a file count from, so that results repeat."""


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


def read_sessions(path: Path | None, settings: Settings) -> SessionFile:
    """Return the sessions of a file that have ``SUMMARIZATION_MIN_EVENTS`` events or more, by tenant, project and id.

    Args:
        path: memories as ``starter.py memories import`` takes them; of such a file every session, however old.
            None: the samples, and of them the sessions that are due.
        settings: what makes a session due.

    Raises:
        InvalidRequestError: a line that says no memory.
        OSError: the file cannot be read.
    """
    found: defaultdict[SessionKey, list[Memory]] = defaultdict(list)
    for memory in _events(path or SAMPLES):
        found[SessionKey(memory.tenant_id, memory.project, memory.session_id or "")].append(memory)
    sessions = tuple(_long_enough(found, settings.summarization_min_events))
    if path is None:
        return SessionFile(SAMPLES, NOW, tuple(one for one in sessions if _is_due(one, settings)))
    newest = max((one.events[-1].created_at for one in sessions), default=NOW)
    return SessionFile(path, newest, sessions)


def _long_enough(found: Mapping[SessionKey, list[Memory]], fewest: int) -> Iterator[SessionEvents]:
    for key in sorted(found, key=lambda key: (key.tenant_id, key.project_name, key.session_id)):
        if len(found[key]) >= fewest:
            yield SessionEvents(key, tuple(sorted(found[key], key=lambda event: (event.created_at, event.id))))


def _is_due(session: SessionEvents, settings: Settings) -> bool:
    state = SessionState(len(session.events), session.events[-1].created_at)
    return DueRule.of(settings, daily=True).is_due(state, as_of=NOW, adopted_at=None)


def _events(path: Path) -> Iterator[Memory]:
    """Yield what counts as an event of a session, by the rule of ``summarization.EVENTS``."""
    for line in read_lines(path, partial(read_line, now=NOW)):
        derived = line.source in DERIVED_SOURCES or TAGS[0] in (line.tags or ())
        if line.layer in EPISODIC and _session(line) and not derived:
            yield _memory(line)


def _session(line: MemoryLine) -> str:
    return line.session_id or str((line.metadata or {}).get("session_id") or "")


def _memory(line: MemoryLine) -> Memory:
    return Memory(
        id=line.id,
        tenant_id=line.tenant_id,
        content=line.content,
        created_at=line.created_at or line.timestamp or NOW,
        importance=line.importance,
        project=line.project,
        session_id=_session(line),
        layer=line.layer,
    )


def spread(sessions: Sequence[SessionEvents], most: int | None) -> tuple[SessionEvents, ...]:
    """Return up to *most* of *sessions*, evenly spread; None: all."""
    if most is None or most >= len(sessions):
        return tuple(sessions)
    return tuple(sessions[index * len(sessions) // most] for index in range(most))

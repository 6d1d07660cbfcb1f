"""Summaries and reflections: every due unit done, once, about exactly what it was about."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from chaos.answers import REFLECTION_IMPORTANCE, STRATEGY_IMPORTANCE, markers
from chaos.checks.decay import TOLERANCE, DecayHistory
from chaos.checks.verdict import Verdict
from chaos.decay_model import left
from chaos.record import Remembered

SUMMARY: Final = "summarization_worker"
REFLECTION: Final = "reflection_engine_v2"
STRATEGY_TAG: Final = "strategy"
DREAMT_IMPORTANCE: Final = 0.6
SUMMARY_RANK: Final = 0.8
FEWEST: Final = 3
_WINDOW: Final = timedelta(hours=24)
_LONGEST_WINDOW: Final = timedelta(days=7)

Place = tuple[str, str]
"""Tenant and project; a project of None reads as ``default``."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A memory that maintenance wrote."""

    id: UUID
    tenant_id: str
    project: str | None
    session_id: str | None
    source: str
    content: str
    importance: float
    tags: tuple[str, ...]
    metadata: Mapping[str, Any]
    created_at: datetime
    sources: frozenset[UUID]
    """What lineage says it was made from."""

    @property
    def place(self) -> Place:
        """Return whose it is."""
        return self.tenant_id, self.project or "default"


@dataclass(frozen=True, slots=True)
class LastDream:
    """Until when a project has dreamt, and of what."""

    until: datetime
    sample: frozenset[UUID]


def _place(memory: Remembered) -> Place:
    return memory.tenant_id, memory.project or "default"


def check_summaries(
    memories: Iterable[Remembered], derived: Iterable[Derived], covered: Mapping[UUID, UUID], min_events: int
) -> Verdict:
    """Each session has one summary, whose text covers exactly its events but fewer than *min_events* new ones."""
    sessions: dict[tuple[Place, str], list[Remembered]] = defaultdict(list)
    for memory in memories:
        if memory.session_id:
            sessions[_place(memory), memory.session_id].append(memory)
    summaries: dict[tuple[Place, str], list[Derived]] = defaultdict(list)
    for one in derived:
        if one.source == SUMMARY:
            summaries[one.place, one.session_id or ""].append(one)
    wrong = [f"{key} has a summary and no events" for key in summaries.keys() - sessions.keys()]
    for key, events in sessions.items():
        wrong += [f"{key}: {fault}" for fault in _session_faults(events, summaries[key], covered, min_events)]
    known = {event.id for events in sessions.values() for event in events}
    wrong += [f"{event} is covered and no event" for event in covered.keys() - known]
    note = f"{sum(map(len, summaries.values()))} summaries of {len(covered)} events"
    return Verdict("every due session has one summary of exactly its events", len(sessions), wrong, note)


def _session_faults(
    events: Sequence[Remembered], summaries: Sequence[Derived], covered: Mapping[UUID, UUID], min_events: int
) -> Iterable[str]:
    told = [event for event in events if event.id in covered]
    if len(events) - len(told) >= min_events:
        yield f"{len(events) - len(told)} events are still due"
    if len(summaries) != bool(told):
        yield f"{len(summaries)} summaries for {len(told)} covered events"
        return
    for summary in summaries:
        if elsewhere := [event.id for event in told if covered[event.id] != summary.id]:
            yield f"{len(elsewhere)} events are covered by another summary"
        if summary.metadata.get("fallback") is not False:
            yield "a fallback was left"
        if summary.metadata.get("event_count") != len(told):
            yield f"it counts {summary.metadata.get('event_count')} events, {len(told)} are covered"
        if (text := markers(summary.content)) != {event.marker for event in told}:
            yield f"its text tells of {len(text)} events, not of the {len(told)} covered ones"


def check_dreams(derived: Iterable[Derived], memories: Mapping[UUID, Remembered]) -> Verdict:
    """No sample is reflected upon twice, and a reflection is about memories of its own project, with one strategy."""
    dreams = [one for one in derived if one.source == REFLECTION]
    reflections = [one for one in dreams if STRATEGY_TAG not in one.tags]
    strategies = [one for one in dreams if STRATEGY_TAG in one.tags]
    wrong = [
        f"{place}: {times} reflections on the same {len(sample)} memories"
        for (place, sample), times in Counter((one.place, one.sources) for one in reflections).items()
        if times > 1
    ]
    for one in reflections:
        wrong += [f"{one.place} {one.id}: {fault}" for fault in _dream_faults(one, memories)]
    theirs = Counter(one.metadata.get("strategy_id") for one in reflections)
    del theirs[None]
    if theirs != Counter(str(one.id) for one in strategies):
        wrong.append(f"{len(strategies)} strategies, {theirs.total()} that reflections name")
    note = f"{len(strategies)} strategies"
    return Verdict("every sample was dreamt about once, of memories of agents only", len(reflections), wrong, note)


def _dream_faults(dream: Derived, memories: Mapping[UUID, Remembered]) -> Iterable[str]:
    about = [memories.get(one) for one in dream.sources]
    if len(about) < FEWEST:
        yield f"only {len(about)} sources"
    if any(one is None or _place(one) != dream.place or one.layer != "episodic" for one in about):
        yield "a source is no episodic memory of its project"
    said, named = markers(dream.content), {one.marker for one in about if one}
    # An updated one stands on what it was made from before, too.
    if not said <= named or (_revision(dream) == 1 and said != named):
        yield "its text is about other memories than its sources"


def _revision(one: Derived) -> int:
    return int(one.metadata.get("revision") or 1)


def check_nothing_to_dream(
    memories: Iterable[Remembered], last: Mapping[Place, LastDream], as_of: datetime, most: int
) -> Verdict:
    """No project has a sample left at *as_of* that it has not dreamt about."""
    places: dict[Place, list[Remembered]] = defaultdict(list)
    for memory in memories:
        if memory.layer == "episodic":
            places[_place(memory)].append(memory)
    due = [place for place, events in places.items() if _due(events, last.get(place), as_of, most)]
    return Verdict("no dream is due any more", len(places), [f"{place} could dream" for place in due])


def _due(events: Sequence[Remembered], last: LastDream | None, as_of: datetime, most: int) -> bool:
    since = as_of - _WINDOW if last is None else max(as_of - _LONGEST_WINDOW, min(as_of - _WINDOW, last.until))
    candidates = [
        event for event in events if since < event.created_at <= as_of and (event.latest or 0) >= DREAMT_IMPORTANCE
    ]
    candidates.sort(key=lambda event: (-(event.latest or 0), -event.created_at.timestamp()))
    sample = {event.id for event in candidates[:most]}
    return len(sample) >= FEWEST and not (last is not None and sample <= last.sample)


def check_once(derived: Sequence[Derived]) -> Verdict:
    """No two derived memories of a project say the same."""
    said = Counter((one.place, one.source, one.session_id, one.content) for one in derived)
    wrong = [f"{place} {source}: {times} times the same" for (place, source, _, _), times in said.items() if times > 1]
    return Verdict("no derived memory is there twice", len(derived), wrong)


def check_derived_importance(
    derived: Iterable[Derived], memories: Mapping[UUID, Remembered], covered: Mapping[UUID, UUID], history: DecayHistory
) -> Verdict:
    """A derived memory has the importance its sources give it, decayed by the last run if that saw it."""
    events: dict[UUID, list[Remembered]] = defaultdict(list)
    for event, summary in covered.items():
        if event in memories:
            events[summary].append(memories[event])
    wrong, checked = [], 0
    for one in derived:
        sources = events[one.id] if one.source == SUMMARY else [memories[id_] for id_ in one.sources if id_ in memories]
        low, high = _born_with(one, sources, history)
        decayed = left(1.0, one.created_at, one.created_at, history.last, history.rate)
        checked += 1
        ranges = [(low * f, high * f) for f in (1.0, decayed)]
        if _revision(one) > 1:  # written again, so decayed for a part of its life
            ranges = [(low * decayed, high)]
        if not any(least - TOLERANCE <= one.importance <= most + TOLERANCE for least, most in ranges):
            wrong.append(f"{one.place} {one.source} {one.id}: {one.importance} is not in {low}..{high}")
    return Verdict("derived importance follows from its sources", checked, wrong)


def _born_with(one: Derived, events: Sequence[Remembered], history: DecayHistory) -> tuple[float, float]:
    """Return the least and the most importance it can have been written with: of the mean of its sources, all at most.

    Of a summary it is 0.8.
    """
    said, rank = 1.0, SUMMARY_RANK if one.source == SUMMARY else 1.0
    if one.source == REFLECTION:
        said = STRATEGY_IMPORTANCE if STRATEGY_TAG in one.tags else REFLECTION_IMPORTANCE
    faded = [left(min(event.ranks), event.created_at, event.created_at, history.last, history.rate) for event in events]
    most = [max(event.ranks) for event in events]
    low, high = (rank * sum(ranks) / max(1, len(events)) for ranks in (faded, most))
    return min(said, low), min(said, high)

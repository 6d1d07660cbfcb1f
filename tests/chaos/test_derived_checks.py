"""The checks of summaries and dreams: a good world holds, each single violation does not."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chaos.answers import marker
from chaos.checks.decay import DecayHistory
from chaos.checks.derived import (
    REFLECTION,
    SUMMARY,
    Derived,
    LastDream,
    check_derived_importance,
    check_dreams,
    check_nothing_to_dream,
    check_once,
    check_summaries,
)
from chaos.decay_model import left
from chaos.record import Around, Remembered, Said

NOW = datetime(2026, 3, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
HISTORY = DecayHistory(NOW - 900 * HOUR, NOW, {}, rate=0.01)
EVENTS = [
    Remembered(UUID(int=n), "acme", marker(n), NOW - n * HOUR, 0.5 + n / 100, project="shop", session_id="s")
    for n in range(1, 5)
]
NOTES = [Remembered(UUID(int=n), "acme", marker(n), NOW - n * HOUR, 0.9) for n in range(11, 15)]
MEMORIES = {memory.id: memory for memory in [*EVENTS, *NOTES]}


def told(memories) -> str:
    return f"They had a talk about {', '.join(memory.marker for memory in memories)}."


def derived(number: int, source: str, content: str, **others) -> Derived:
    said: dict[str, Any] = {
        "project": None,
        "session_id": None,
        "importance": 0.5,
        "tags": (),
        "metadata": {},
        "created_at": NOW + HOUR,
        "sources": frozenset(),
    }
    return Derived(UUID(int=number), "acme", source=source, content=content, **{**said, **others})


SUMMARISED = EVENTS[:3]
SUMMARY_OF_THEM = derived(
    100,
    SUMMARY,
    told(SUMMARISED),
    project="shop",
    session_id="s",
    importance=0.52,
    metadata={"event_count": 3, "fallback": False},
)
COVERED = {event.id: SUMMARY_OF_THEM.id for event in SUMMARISED}

SAMPLE = NOTES[:3]
DREAM = derived(
    200,
    REFLECTION,
    told(SAMPLE),
    importance=0.7,
    metadata={"strategy_id": str(UUID(int=201))},
    sources=frozenset(note.id for note in SAMPLE),
)
STRATEGY = derived(
    201,
    REFLECTION,
    "First talk.",
    importance=0.77,
    tags=("strategy",),
    sources=DREAM.sources,
)


def summaries(derived=(SUMMARY_OF_THEM,), covered=COVERED, memories=MEMORIES):
    return check_summaries(memories.values(), derived, covered, min_events=3)


def test_one_summary_of_exactly_its_events_holds():
    assert summaries().holds
    assert summaries().note == "1 summaries of 3 events"


def changed(derived: Derived, **metadata) -> Derived:
    return replace(derived, metadata={**derived.metadata, **metadata})


@pytest.mark.parametrize(
    ("world", "says"),
    [
        pytest.param({"derived": (), "covered": {}}, "4 events are still due", id="never done"),
        pytest.param({"derived": ()}, "0 summaries for 3", id="covered and not written"),
        pytest.param({"covered": {}}, "1 summaries for 0", id="written and not covered"),
        pytest.param(
            {"derived": (SUMMARY_OF_THEM, replace(SUMMARY_OF_THEM, id=UUID(int=101)))}, "2 summaries", id="done twice"
        ),
        pytest.param(
            {"covered": {**COVERED, EVENTS[0].id: UUID(int=101)}}, "covered by another summary", id="covered elsewhere"
        ),
        pytest.param({"covered": {**COVERED, EVENTS[3].id: UUID(int=100)}}, "counts 3", id="covered and not told"),
        pytest.param({"covered": {**COVERED, NOTES[0].id: UUID(int=100)}}, "is covered and no event", id="no event"),
        pytest.param({"derived": (changed(SUMMARY_OF_THEM, fallback=True),)}, "a fallback", id="a fallback"),
        pytest.param({"derived": (changed(SUMMARY_OF_THEM, event_count=4),)}, "counts 4", id="a wrong count"),
        pytest.param(
            {"derived": (replace(SUMMARY_OF_THEM, content=told(EVENTS)),)}, "tells of 4", id="an event too many"
        ),
        pytest.param(
            {"derived": (replace(SUMMARY_OF_THEM, content=told(EVENTS[:2])),)}, "tells of 2", id="an event too few"
        ),
        pytest.param(
            {"derived": (replace(SUMMARY_OF_THEM, content=told([*EVENTS[:2], EVENTS[3]])),)},
            "tells of 3 events, not of",
            id="another event",
        ),
        pytest.param(
            {"derived": (SUMMARY_OF_THEM, replace(SUMMARY_OF_THEM, id=UUID(int=101), session_id="t"))},
            "a summary and no events",
            id="of no session",
        ),
    ],
)
def test_any_other_summary_fails(world, says):
    assert says in " ".join(summaries(**world).violations)


def test_a_reflection_with_its_strategy_holds():
    assert check_dreams([DREAM, STRATEGY], MEMORIES).holds


@pytest.mark.parametrize(("revision", "holds"), [(1, False), (2, True)])
def test_a_reflection_that_was_updated_stands_on_more_than_its_text_tells(revision, holds):
    updated = replace(DREAM, content=told(SAMPLE[:2]), metadata={**DREAM.metadata, "revision": revision})
    assert check_dreams([updated, STRATEGY], MEMORIES).holds == holds


@pytest.mark.parametrize(
    ("dreams", "says"),
    [
        pytest.param(
            [DREAM, replace(DREAM, id=UUID(int=202)), STRATEGY], "2 reflections on the same 3", id="a sample twice"
        ),
        pytest.param([DREAM], "0 strategies, 1", id="a strategy that is gone"),
        pytest.param([DREAM, STRATEGY, replace(STRATEGY, id=UUID(int=203))], "2 strategies, 1", id="one too many"),
        pytest.param([replace(DREAM, content=told(NOTES)), STRATEGY], "other memories", id="another text"),
        pytest.param([replace(DREAM, project="shop"), STRATEGY], "no episodic memory of its project", id="a stranger"),
        pytest.param(
            [replace(DREAM, sources=DREAM.sources | {UUID(int=100)}), STRATEGY],
            "no episodic memory of its project",
            id="a derived source",
        ),
        pytest.param([replace(DREAM, sources=DREAM.sources - {NOTES[0].id}), STRATEGY], "only 2", id="two sources"),
    ],
)
def test_any_other_dream_fails(dreams, says):
    assert says in " ".join(check_dreams(dreams, MEMORIES).violations)


def test_no_reflection_at_all_does_not_hold():
    assert not check_dreams([], MEMORIES).holds


@pytest.mark.parametrize(
    ("last", "due"),
    [
        pytest.param(None, 1, id="never dreamt"),
        pytest.param(LastDream(NOW, frozenset(note.id for note in NOTES)), 0, id="dreamt about all"),
        pytest.param(LastDream(NOW, frozenset(note.id for note in SAMPLE)), 1, id="one is new"),
        pytest.param(LastDream(NOW - 500 * HOUR, frozenset()), 1, id="dreamt long ago"),
    ],
)
def test_a_dream_that_is_due_is_found(last, due):
    dreams = {("acme", "default"): last} if last else {}
    assert len(check_nothing_to_dream(NOTES, dreams, NOW, most=20).violations) == due


@pytest.mark.parametrize(
    "notes",
    [
        pytest.param(NOTES[:2], id="too few"),
        pytest.param([replace(note, importance=0.5) for note in NOTES], id="too unimportant"),
        pytest.param([replace(note, layer="semantic") for note in NOTES], id="not episodic"),
        pytest.param([replace(note, created_at=NOW - 30 * HOUR) for note in NOTES], id="too old"),
        pytest.param([replace(note, said=[Said(0.1, Around())]) for note in NOTES], id="set lower since"),
    ],
)
def test_nothing_to_dream_about_is_not_due(notes):
    assert not check_nothing_to_dream(notes, {}, NOW, most=20).violations


def test_the_same_derived_memory_twice_fails():
    assert check_once([SUMMARY_OF_THEM, DREAM, STRATEGY]).holds
    assert check_once([DREAM, replace(DREAM, id=UUID(int=202))]).violations


def importance(one: Derived, value: float, memories=MEMORIES):
    return check_derived_importance([replace(one, importance=value)], memories, COVERED, HISTORY)


@pytest.mark.parametrize(
    ("one", "value", "holds"),
    [
        pytest.param(SUMMARY_OF_THEM, 0.8 * 0.52, True, id="0.8 of the mean"),
        pytest.param(SUMMARY_OF_THEM, 0.52, False, id="the mean"),
        pytest.param(SUMMARY_OF_THEM, 0.8 * 0.52 * 0.999, False, id="decayed although the last run is older"),
        pytest.param(DREAM, 0.7, True, id="as the model said"),
        pytest.param(STRATEGY, 0.77, True, id="1.1 times that"),
        pytest.param(STRATEGY, 0.7, False, id="not that of its reflection"),
    ],
)
def test_derived_importance_follows_from_its_sources(one, value, holds):
    assert importance(one, value).holds == holds


@pytest.mark.parametrize(("times", "holds"), [(0, True), (1, True), (2, False)])
def test_what_the_last_run_saw_is_decayed_at_most_once(times, holds):
    born = NOW - 48 * HOUR
    share = left(1.0, born, born, NOW, 0.01)
    assert importance(replace(DREAM, created_at=born), 0.7 * share**times).holds == holds


def test_what_was_written_again_is_decayed_for_a_part_of_its_life():
    born, again_at = NOW - 480 * HOUR, NOW - 240 * HOUR
    summary = replace(SUMMARY_OF_THEM, created_at=born)
    value = 0.8 * 0.52 * left(1.0, again_at, again_at, NOW, 0.01)
    assert not importance(summary, value).holds
    assert importance(changed(summary, revision=2), value).holds
    assert not importance(changed(summary, revision=2), 0.2).holds


@pytest.mark.parametrize("unknown", [None, math.nan])
def test_an_event_that_had_no_importance_once_permits_what_an_unknown_one_counts_for(unknown):
    said = {**MEMORIES, EVENTS[0].id: replace(EVENTS[0], importance=unknown, said=[Said(0.8, Around())])}
    assert importance(SUMMARY_OF_THEM, 0.8 * (0.5 + 0.52 + 0.53) / 3, said).holds
    assert not importance(SUMMARY_OF_THEM, 0.8 * 0.4, said).holds


def test_an_event_that_was_set_permits_what_lies_between_its_values():
    said = {**MEMORIES, EVENTS[0].id: replace(EVENTS[0], said=[Said(0.81, Around())])}
    assert importance(SUMMARY_OF_THEM, 0.8 * 0.52, said).holds
    assert importance(SUMMARY_OF_THEM, 0.8 * 0.62, said).holds
    assert not importance(SUMMARY_OF_THEM, 0.8 * 0.63, said).holds

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from memory_maintenance.settings import Settings
from memory_maintenance.store.memory import Memory
from memory_maintenance.summarization.policy import (
    HOURLY_REACH,
    DueRule,
    SessionKey,
    SessionState,
    chunks,
    fallback_text,
    summary_id,
    summary_importance,
)
from memory_maintenance.writers.model.context import estimated_tokens
from tests.agents import AS_OF

HOURLY = DueRule(10, 100, timedelta(minutes=30), timedelta(days=7), "openai", daily=False, reach=timedelta(days=3))
DAILY = DueRule(10, 100, timedelta(minutes=30), timedelta(days=7), "openai", daily=True)


def event(content: str = "x", importance: float = 0.5) -> Memory:
    return Memory(uuid4(), "acme", content, AS_OF, importance)


def rule(backend, *, daily):
    return DueRule(10, 100, timedelta(minutes=30), timedelta(days=7), backend, daily=daily)


def ended(minutes=60, **state):
    return SessionState(last_event_at=AS_OF - timedelta(minutes=minutes), **{"new_events": 0, **state})


@pytest.mark.parametrize(
    ("due_rule", "session", "due"),
    [
        pytest.param(HOURLY, ended(new_events=10), True, id="idle with enough"),
        pytest.param(HOURLY, ended(new_events=9), False, id="one too few"),
        pytest.param(HOURLY, ended(minutes=29, new_events=99), False, id="still going on"),
        pytest.param(HOURLY, ended(minutes=30, new_events=10), True, id="idle just now"),
        pytest.param(HOURLY, ended(minutes=1, new_events=100), False, id="long, but not daily"),
        pytest.param(HOURLY, ended(minutes=3 * 24 * 60 + 30, new_events=10), True, id="idle for three days"),
        pytest.param(HOURLY, ended(minutes=3 * 24 * 60 + 31, new_events=99), False, id="idle for longer, hourly"),
        pytest.param(DAILY, ended(minutes=3 * 24 * 60 + 31, new_events=10), True, id="idle for longer, daily"),
        pytest.param(DAILY, ended(minutes=1, new_events=100), True, id="long, going on"),
        pytest.param(DAILY, ended(minutes=1, new_events=99), False, id="not long enough"),
        pytest.param(DAILY, ended(minutes=8 * 24 * 60, new_events=50), False, id="before the back-fill window"),
        pytest.param(DAILY, ended(summary_backend="none", fallback=True), True, id="a fallback, daily"),
        pytest.param(HOURLY, ended(summary_backend="none", fallback=True), False, id="a fallback, hourly"),
        pytest.param(DAILY, ended(summary_backend="extractive"), True, id="extractive, and a model now"),
        pytest.param(DAILY, ended(summary_backend="openai"), False, id="a model's"),
        pytest.param(rule("extractive", daily=True), ended(summary_backend="extractive"), False, id="no model yet"),
        pytest.param(
            rule("extractive", daily=True), ended(summary_backend="none", fallback=True), True, id="extractive can"
        ),
        pytest.param(rule("none", daily=True), ended(summary_backend="none", fallback=True), False, id="nobody can"),
        pytest.param(rule("none", daily=True), ended(new_events=50), True, id="the fallback is all there is"),
        pytest.param(rule("none", daily=True), ended(new_events=50, summary_backend="openai"), False, id="would spoil"),
    ],
)
def test_a_session_is_due_by_its_new_events_its_end_and_its_summary(due_rule, session, due):
    assert due_rule.is_due(session, as_of=AS_OF, adopted_at=None) is due


@pytest.mark.parametrize(
    ("chosen", "reach"),
    [
        ({"daily": False}, HOURLY_REACH),
        ({"daily": True}, None),
        ({"daily": False, "backfill_days": 0}, None),
    ],
    ids=str,
)
def test_only_an_hourly_run_without_a_back_fill_looks_no_further_back_than_some_days(chosen, reach):
    assert DueRule.of(Settings(_env_file=None), **chosen).reach == reach


@pytest.mark.parametrize("minutes", [0, 30, 10 * 24 * 60])
def test_however_long_it_takes_to_be_idle_an_hourly_run_finds_it(minutes):
    hourly = replace(HOURLY, idle=timedelta(minutes=minutes), backfill=timedelta(days=90))
    assert hourly.is_due(ended(minutes=minutes + 60, new_events=10), as_of=AS_OF, adopted_at=None)


def test_sessions_that_ended_long_before_adoption_are_left_alone_for_ever():
    session = ended(minutes=60, new_events=50)
    assert not DAILY.is_due(session, as_of=AS_OF, adopted_at=AS_OF + timedelta(days=8))
    assert DAILY.is_due(session, as_of=AS_OF, adopted_at=AS_OF + timedelta(days=6))


def test_late_events_from_long_before_adoption_wait_for_one_that_is_not():
    late = ended(minutes=60, new_events=50, last_new_event_at=AS_OF - timedelta(days=30))
    assert not DAILY.is_due(late, as_of=AS_OF, adopted_at=None)
    assert DAILY.is_due(replace(late, last_new_event_at=AS_OF - timedelta(days=6)), as_of=AS_OF, adopted_at=None)
    assert not HOURLY.is_due(replace(late, last_new_event_at=AS_OF - timedelta(days=6)), as_of=AS_OF, adopted_at=None)


def test_an_extractive_summary_is_rewritten_only_while_its_session_is_recent():
    old = ended(minutes=10 * 24 * 60, summary_backend="extractive")
    assert not DAILY.is_due(old, as_of=AS_OF, adopted_at=AS_OF - timedelta(days=30))


def test_the_summary_of_a_session_has_one_id_and_null_is_the_default_project():
    assert summary_id(SessionKey("t", None, "s")) == summary_id(SessionKey("t", "default", "s"))
    ids = {summary_id(SessionKey(*key)) for key in [("t", "a", "b"), ("t", "ab", ""), ("ta", "", "b"), ("t", "", "ab")]}
    assert len(ids | {summary_id(SessionKey("t", "a", "b"), 2)}) == 5
    assert all(isinstance(one, UUID) for one in ids)


@pytest.mark.parametrize(("importances", "expected"), [([0.5, 0.5], 0.4), ([0.9, 1.0], 0.76), ([0.0], 0.0)])
def test_a_summary_has_eight_tenths_of_its_events_mean_importance(importances, expected):
    assert summary_importance([event(importance=one) for one in importances]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (["a"], "Session summary (1 events): a"),
        (list("abcde"), "Session summary (5 events): a | b | c | d | e"),
        (list("abcdefg"), "Session summary (7 events): a | b | c | d | e ... and 2 more events"),
    ],
)
def test_the_fallback_is_raes(contents, text):
    assert fallback_text([event(one) for one in contents]) == text


def test_the_fallback_quotes_no_more_than_a_page_of_an_event():
    assert len(fallback_text([event("x" * 1_000_000)] * 7)) < 11_000


def test_chunks_hold_every_line_once_in_order_and_fit():
    lines = [f"2026-03-01 event {n} {'long ' * (n % 50)}" for n in range(500)]
    found = chunks(lines, 300)
    assert [line for run in found for line in run] == lines
    assert all(sum(estimated_tokens(line) for line in run) <= 300 for run in found)


def test_the_chunks_of_a_grown_session_begin_as_before():
    lines = [f"2026-03-01 event {n}" for n in range(200)]
    assert chunks([*lines, "later"], 300)[: len(chunks(lines, 300)) - 1] == chunks(lines, 300)[:-1]


@pytest.mark.parametrize("text", ["plain English words and numbers 1234", "注文は明日届きます。" * 5, "😀" * 20, ""])
def test_tokens_are_estimated_on_the_long_side(text):
    assert estimated_tokens(text) >= len(text.encode()) / 4

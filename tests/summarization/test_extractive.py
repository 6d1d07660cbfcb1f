import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_maintenance.store.memory import Memory
from memory_maintenance.summarization.extractive import extractive_summary
from memory_maintenance.summarization.weighing import Chat
from memory_maintenance.writers.extractive.phrases import without_counts
from memory_maintenance.writers.language.relative_dates import with_dates
from memory_maintenance.writers.language.words import is_content, sentences, tokens, word_count
from tests.grounded import unsupported
from tests.writers.extractive.sessions import INCIDENT, MIGRATION, TENT, session

AWKWARD = st.characters() | st.sampled_from(" .,:;-'’/\n0123456789abcABC\u0301\u200d\u202eßİſ数库ก")
CONTENT = st.one_of(
    st.text(AWKWARD, max_size=80),
    st.sampled_from([*TENT, *MIGRATION, "", "?!", "a\x00b", "\ud800", "数据库连接池已耗尽。", "x" * 500, "0.0"]),
)


def sources_of(events: Sequence[Memory]) -> list[str]:
    dated = [with_dates(event.content, event.created_at) for event in events]
    return [*dated, *(event.created_at.date().isoformat() for event in events)]


def words_of(said: Sequence[str], events: Sequence[Memory]) -> int:
    """Return how many words of a summary are in the contents of these events."""
    return sum(word_count(sentence) for sentence in said if any(sentence.rstrip(".…") in one.content for one in events))


@pytest.mark.parametrize(
    ("lines", "facts"),
    [
        pytest.param(TENT, ["refund of 189.00 EUR", "glue batch G7", "order 4412"], id="support"),
        pytest.param(MIGRATION, ["26 March 2027", "lower case", "2,900 EUR", "within 2 hours"], id="migration"),
        pytest.param(
            INCIDENT, ["holds a database transaction open", "1,310.50 EUR", "idempotency key", "7.32"], id="incident"
        ),
    ],
)
def test_decisions_causes_and_money_of_the_whole_session_are_kept(lines, facts):
    summary = extractive_summary(session(lines)).summary
    assert [fact for fact in facts if fact not in summary] == []


@pytest.mark.parametrize("lines", [TENT, MIGRATION, INCIDENT])
def test_greetings_and_small_talk_are_never_kept(lines):
    summary = extractive_summary(session(lines)).summary.lower()
    said = {part.strip(" .!?") for part in sentences(summary)}
    assert not said & {
        "hi there, good morning",
        "ok",
        "thanks",
        "bye",
        "great",
        "let me check",
        "looking",
        "sounds good",
    }
    assert "hello" not in summary


def test_a_correction_takes_the_place_of_what_it_corrects():
    summary = extractive_summary(session(MIGRATION)).summary
    assert "no longer 12 March 2027" in summary
    assert "The deadline for the cut-over is 12 March" not in summary


def test_of_two_lines_that_say_the_same_the_later_is_kept():
    lines = ["The export job of finance runs nightly at 02:00 on host atlas.", "Pool of billing has 64 connections.",
             "The export job of finance runs nightly at 04:00 on host atlas."]  # fmt: skip
    summary = extractive_summary(session(lines)).summary
    assert "04:00" in summary
    assert "02:00" not in summary


@pytest.mark.parametrize("lines", [MIGRATION, INCIDENT])
@pytest.mark.parametrize("max_words", [40, 90, 150, 400])
def test_the_first_fifth_of_a_long_session_has_at_most_a_fifth_of_the_words(lines, max_words):
    events = session(lines)
    said = sentences(extractive_summary(events, max_words=max_words).summary.partition(": ")[2])
    first = words_of(said, events[: len(events) // 5])
    assert first <= sum(map(word_count, said)) / 5


def test_a_long_session_whose_facts_all_come_first_is_still_summarized():
    events = session([*TENT[2:6], *["ok"] * 60])
    assert "blue tent" in extractive_summary(events).summary


def test_a_day_stands_before_its_first_memory_and_time_goes_forward():
    events = session(MIGRATION, minutes_apart=90)
    summary = extractive_summary(events).summary
    days = sorted({event.created_at.date().isoformat() for event in events})
    places = [summary.find(f"{day}: ") for day in days if f"{day}: " in summary]
    assert summary.startswith(f"{days[0]}: ")
    assert places == sorted(places)
    assert all(summary.count(f"{day}: ") == 1 for day in days)


def test_a_pasted_log_is_cut_to_what_it_says():
    events = session([line for line in INCIDENT if "polled queue" in line or line == "ok"][:3])
    summary = extractive_summary(events).summary
    assert "connection pool exhausted" in summary
    assert word_count(summary) <= 40


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_short_session_is_kept_as_it_is(count):
    events = session(TENT[2 : 2 + count])
    answer = extractive_summary(events)
    assert "blue tent" in answer.summary
    assert 1 <= len(answer.key_topics) <= 12


def test_a_session_of_small_talk_has_its_longest_line():
    assert extractive_summary(session(["hi", "thanks so much!", "bye"])).summary == "2026-11-20: thanks so much!"


def test_a_session_of_blanks_has_its_date():
    assert extractive_summary(session(["", "\x00", "…"])).summary == "2026-11-20"


def test_an_empty_session_is_refused():
    with pytest.raises(ValueError, match="at least one event"):
        extractive_summary([])


def test_how_rare_words_are_does_not_depend_on_their_order():
    frequency = Counter(tent=3, seam=1, rain=2, refund=5, gdynia=1, order=7)
    chat = Chat(
        answered=False,
        works=False,
        opening=0,
        users=frozenset(),
        decided=(),
        asked={},
        frequency=frequency,
        sentences=11,
    )
    assert len({chat.rarity(words) for words in permutations(frequency)}) == 1


def test_the_order_of_the_events_does_not_matter():
    events = session(INCIDENT)
    assert extractive_summary(events[::-1]) == extractive_summary(events)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(CONTENT, st.floats()), min_size=1, max_size=60), st.integers(1, 200))
def test_every_content_word_number_and_date_is_in_the_session(lines, max_words):
    events = [
        replace(event, importance=importance)
        for event, (_, importance) in zip(session([line for line, _ in lines], minutes_apart=300), lines, strict=True)
    ]
    answer = extractive_summary(events, max_words=max_words)
    assert (
        unsupported(without_counts(" ".join([answer.summary, *answer.key_topics])), sources_of(events)) == frozenset()
    )
    assert word_count(answer.summary) <= max_words
    assert answer.key_topics or not any(
        is_content(word) and len(word) <= 40 for event in events for word in tokens(event.content)
    )


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([f"{MIGRATION[index % 40]} ({index})" for index in range(5000)], id="5,000 events"),
        pytest.param([" ".join(MIGRATION) * 90], id="one content of 200 kB"),
        pytest.param(["x" * 200_000], id="one word of 200 kB"),
        pytest.param(["数据库连接池" * 33_000], id="200 kB without a space"),
        pytest.param(["user: Examples?", "assistant: " + "for example " * 17_000], id="an announcement of 200 kB"),
        pytest.param(["user: Lists?", "assistant: All:\n" + "- **Name** of it: text\n" * 9_000], id="9,000 entries"),
        pytest.param(["." * 200_000, "\n" * 200_000], id="nothing, at length"),
    ],
)
def test_a_huge_session_takes_seconds(lines):
    events = session(lines)
    started = time.process_time()
    answer = extractive_summary(events)
    assert time.process_time() - started < 5
    assert unsupported(without_counts(answer.summary), sources_of(events)) == frozenset()

import pytest

from memory_maintenance.writers.extractive.salience import (
    is_correction,
    is_small_talk,
    salience,
    speaker,
    without_speaker,
)


@pytest.mark.parametrize(
    "text",
    [
        "Hi!",
        "Hello Ana, how can I help you today?",
        "thanks so much",
        "Customer: thank you, you're wonderful!",
        "ok sounds good",
        "Let me check that for you, one moment please.",
        "lol",
        "You're welcome, have a nice weekend!",
    ],
)
def test_greetings_thanks_and_acknowledgements_are_small_talk(text):
    assert is_small_talk(text)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, the refund arrived.",
        "ok, deploy 7.32",
        "Hello, the database is full and payouts are late",
        "Ana is allergic to penicillin.",
        "数据库已满",
        "Yes, at 9",
    ],
)
def test_a_fact_in_a_friendly_tone_is_no_small_talk(text):
    assert not is_small_talk(text)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("Decided: refund 189.00 EUR", "We talked about the refund"),
        ("Root cause: the pool was exhausted", "The pool was mentioned"),
        ("The pool has 64 connections", "The pool has connections"),
        ("The deadline is moved", "Is the deadline moved?"),
        ("The parcel is in Ghent", "I'll look where the parcel is"),
        ("Pool exhausted after 30 s", "11:24:10.113 8841 64 64 30 0.3 pool 11:24:10"),
    ],
)
def test_decisions_causes_and_figures_count_for_more_than_talk(more, less):
    assert salience(more) > salience(less)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Correction: the deadline is 26 March", True),
        ("It is no longer 12 March", True),
        ("Update: it is the 26th", True),
        ("Moved from Monday to Tuesday", True),
        ("The deadline is 12 March", False),
    ],
)
def test_a_correction_says_so(text, expected):
    assert is_correction(text) is expected


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("Ana: the tent tore", "ana", "the tent tore"),
        ("Customer (Ana Lund): the tent tore", "customer", "the tent tore"),
        ("Zoë: approved", "zoë", "approved"),
        ("at 10:30 it stopped", None, "at 10:30 it stopped"),
    ],
)
def test_a_speaker_stands_before_the_first_colon(text, name, rest):
    assert (speaker(text), without_speaker(text)) == (name, rest)

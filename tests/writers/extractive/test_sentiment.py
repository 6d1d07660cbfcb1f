import pytest

from memory_maintenance.writers.extractive.sentiment import mood_of, nearest_mood
from memory_maintenance.writers.extractive.transcript import Transcript


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["The tent arrived and I love it, great quality!", "Excellent service."], "positive"),
        (["This is a terrible tent, I am angry.", "The worst support, awful."], "negative"),
        (["I love the tent, it is wonderful.", "The delivery was horrible and late."], "mixed"),
        (["The pool holds 64 connections.", "Latency is 74 ms."], "neutral"),
        (["Thanks, great!", "The pool holds 64 connections.", "Perfect, thank you!"], "neutral"),
        (["", "\ud800\x00"], "neutral"),
        ([], "neutral"),
    ],
)
def test_the_mood_is_that_of_what_was_said_and_not_of_its_manners(texts, expected):
    assert mood_of(Transcript.of(texts)) == expected


def test_one_angry_line_in_twenty_is_no_mood():
    assert mood_of(Transcript.of(["The worst tent ever, I hate it.", *["Latency is 74 ms."] * 19])) == "neutral"


@pytest.mark.parametrize(
    ("said", "mood"),
    [
        *((mood, mood) for mood in ("positive", "neutral", "negative", "mixed")),
        ("POSITIVE", "positive"),
        ("Somewhat optimistic.", "positive"),
        ("very negative", "negative"),
        ("frustrated", "negative"),
        ("not positive", "negative"),
        ("neutral to positive", "positive"),
        ("both positive and negative", "mixed"),
        ("mixed, mostly positive", "mixed"),
        ("postive", "positive"),
        ("informational", "neutral"),
        ("позитивный", "neutral"),
        (["negative"], "negative"),
        ("", "neutral"),
        (None, "neutral"),
        (0.7, "neutral"),
    ],
)
def test_what_a_model_calls_a_mood_is_folded_to_the_nearest(said, mood):
    assert nearest_mood(said) == mood

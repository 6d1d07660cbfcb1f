import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.writers.extractive.gist import gist, shortened
from memory_maintenance.writers.language.words import word_count
from tests.grounded import unsupported

LOG = "\n".join(f"11:{minute:02d}:07 worker INFO polled queue payouts, 0 messages" for minute in range(60))


def test_a_short_text_stays_whole_without_its_greeting():
    assert gist("Hi Ana! The seam tore\n- on the first night") == "The seam tore. on the first night."


def test_of_a_long_log_the_line_that_says_something_is_kept_and_repeats_are_not():
    said = gist(f"{LOG}\n11:59:10 worker ERROR payout batch 8841 failed: connection pool exhausted\n{LOG}")
    assert "pool exhausted" in said
    assert said.count("polled") == 1


def test_what_cannot_be_read_is_left_out():
    assert gist(f"The key is {'QUJD' * 40} in base64.") == "The key is … in base64."


@pytest.mark.parametrize("text", ["", "ok thanks", "!!! ---", "\x00\u202e"])
def test_a_text_that_says_nothing_has_no_gist(text):
    assert gist(text) == ""


def test_small_talk_is_there_when_asked_for():
    assert gist("ok thanks", small_talk=True) == "ok thanks."


def test_a_sentence_is_cut_between_words_and_says_so():
    assert shortened("one two three four", 2) == "one two…"
    assert (
        shortened("Growth of the whole garden is measured by the new gauge", 9)
        == "Growth of the whole garden is measured…"
    )
    assert shortened("one two", 2) == "one two"
    assert word_count(shortened("数" * 1000, 10)) <= 10


@given(st.text(st.characters(), max_size=400), st.integers(1, 30))
def test_a_gist_is_short_and_made_of_the_text(text, most_words):
    said = gist(text, most_words=most_words)
    assert word_count(said) <= most_words
    assert unsupported(said, [text]) == frozenset()

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.words import (
    content_stems,
    is_content,
    longest_run,
    ngrams,
    sentences,
    stem,
    tokens,
    word_count,
)

ANYTHING = st.text(st.characters(), max_size=200)  # with surrogates, controls and marks of direction


@pytest.mark.parametrize(
    "forms",
    [
        ("decide", "decided", "decides", "deciding"),
        ("refund", "refunds", "refunded", "refunding", "refund's"),
        ("plan", "plans", "planned", "planning"),
        ("try", "tries", "tried"),
        ("pass", "passes", "passed", "passing"),
        ("release", "releases", "released", "releasing"),
        ("quick", "quickly"),
    ],
)
def test_forms_of_a_word_have_one_stem(forms):
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize("word", ["is", "bus", "red", "ads", "ring"])
def test_a_stem_keeps_three_letters(word):
    assert len(stem(word)) >= min(3, len(word))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("Ana's tent, 4,200 EUR", ["ana's", "tent", "4", "200", "eur"], id="a word keeps its apostrophe"),
        pytest.param("don’t", ["don't"], id="both apostrophes are one"),
        pytest.param("snake_case a/b", ["snake", "case", "a", "b"], id="marks divide"),
        pytest.param("हिन्दी", ["हिन्दी"], id="vowel signs belong to the word"),
        pytest.param("数据库", ["数据", "据库"], id="a script without spaces gives pairs"),
        pytest.param("a\x00b\ud800c\u202e d", ["a", "b", "c", "d"], id="controls and lone surrogates divide"),
        pytest.param("!!! … ---", [], id="punctuation is no word"),
    ],
)
def test_tokens_are_the_words_in_lower_case(text, found):
    assert tokens(text) == found


@pytest.mark.parametrize(
    ("token", "expected"),
    [("the", False), ("ok", False), ("tent", True), ("7", True), ("don't", False), ("数据", True), ("x", False)],
)
def test_a_content_word_is_no_stop_word_and_longer_than_two_letters_or_digits(token, expected):
    assert is_content(token) is expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It broke. Why? Nobody knows!", ["It broke.", "Why?", "Nobody knows!"]),
        ("Dr. Smith paid 3.14 EUR, e.g. by card. Done.", ["Dr. Smith paid 3.14 EUR, e.g. by card.", "Done."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("one\n\n  two  \r\nthree", ["one", "two", "three"]),
        ("数据库已满。重启！", ["数据库已满。", "重启！"]),
        (" \n\x00 ", []),
    ],
)
def test_sentences_end_at_marks_and_lines(text, found):
    assert sentences(text) == found


def test_ngrams_are_the_successive_runs():
    assert ngrams(["a", "b", "c"], 2) == [("a", "b"), ("b", "c")]
    assert ngrams(["a"], 2) == []


def test_two_characters_of_a_script_without_spaces_count_as_one_word():
    assert word_count("two words 数据库已满") == 5


def test_the_longest_run_is_measured_between_blanks():
    assert longest_run("ab abcd\nabc") == 4
    assert longest_run("数" * 100) == 0


@given(ANYTHING)
def test_cleaning_twice_is_cleaning_once_and_leaves_the_words(text):
    assert clean(clean(text)) == clean(text)
    assert tokens(clean(text)) == tokens(text)


@given(ANYTHING)
def test_sentences_lose_no_word(text):
    assert [token for sentence in sentences(text) for token in tokens(sentence)] == tokens(text)


def test_stems_keep_order_and_repeats():
    assert content_stems("Tents and a tent for the camp") == ["tent", "tent", "camp"]

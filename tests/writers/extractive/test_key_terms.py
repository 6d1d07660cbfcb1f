import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memory_maintenance.writers.extractive.key_terms import as_written, key_terms, names_subject
from memory_maintenance.writers.extractive.transcript import speakers
from memory_maintenance.writers.language.words import is_content, stem, tokens
from tests.grounded import unsupported
from tests.writers.extractive.sessions import INCIDENT, MIGRATION, TENT


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(TENT, "blue tent", id="support"),
        pytest.param(MIGRATION, "export job", id="migration"),
        pytest.param(INCIDENT, "payouts", id="incident"),
    ],
)
def test_a_session_is_about_what_recurs_in_it(lines, expected):
    terms = key_terms(lines)
    assert expected in terms
    assert 3 <= len(terms) <= 6


@pytest.mark.parametrize("lines", [TENT, MIGRATION, INCIDENT])
def test_greetings_and_fillers_are_no_topics(lines):
    ends = [tokens(term)[index] for term in key_terms(lines) for index in (0, -1)]
    assert all(names_subject(word) for word in ends)


def test_who_speaks_is_no_topic():
    lines = [
        "Mara: the printer jams on page two",
        "Jonas: printer firmware is 4.1",
        "Mara: update the printer firmware",
    ]
    assert speakers(lines) == {"mara", "jonas"}
    assert "mara" not in {word for term in key_terms(lines) for word in tokens(term)}


def test_no_two_topics_share_a_stem():
    stems = [stem(word) for term in key_terms(MIGRATION) for word in tokens(term)]
    assert len(stems) == len(set(stems))


def test_a_topic_is_written_as_the_text_writes_it():
    lines = ["The Idempotency-Key is new each time.", "Send one Idempotency-Key.", "Who makes the Idempotency-Key?"]
    assert "Idempotency-Key" in key_terms(lines)


@pytest.mark.parametrize(
    ("words", "text", "written"),
    [
        (("blue", "tent"), "Blue tent torn. A blue tent", "blue tent"),
        (("refund",), "Refund paid", "refund"),
        (("café", "nonna"), "Café Nonna called", "Café Nonna"),
        (("sla",), "SLA broken", "SLA"),
        (("low", "end"), "the low-end phones", "low-end"),
        (("absent",), "nothing here", "absent"),
    ],
)
def test_a_capital_that_only_begins_a_sentence_is_dropped(words, text, written):
    assert as_written(words, text) == written


def test_text_without_content_words_has_no_topic():
    assert key_terms(["hi", "!!!", "", "\u202e\x00", "it is what it is"]) == ()


def test_a_number_is_a_topic_only_where_there_is_nothing_else():
    assert key_terms(["7", "4,200.00"]) == ("4200",)
    assert key_terms(["7 tents"]) == ("tents",)


def test_an_encoded_file_is_no_topic():
    assert key_terms(["QUJD" * 50_000]) == ()


@settings(deadline=None)  # the first Han character loads a dictionary
@given(st.lists(st.text(st.characters(), max_size=60), max_size=8))
@example(["01K㐀"])
@example(["0A¹0㐀"])
@example(["㐀00A²"])
def test_topics_are_in_the_texts_and_there_is_one_if_any_word_has_content(texts):
    terms = key_terms(texts)
    assert unsupported(" ".join(terms), texts) == frozenset()
    assert bool(terms) or not any(is_content(word) and len(word) <= 40 for text in texts for word in tokens(text))


def test_plain_words_that_stand_once_do_not_fill_up_the_terms():
    texts = ["My uncle Carmelo repairs the old harbour piano.", "We plan a quiet winter voyage with cheap provisions.",
             "The harbour dentist grows lettuce and copper wire."]  # fmt: skip
    assert "harbour" in key_terms(texts, most=10)
    assert len(key_terms(texts, most=10)) < 8

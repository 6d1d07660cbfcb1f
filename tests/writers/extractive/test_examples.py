import pytest

from memory_maintenance.summarization.extractive import extractive_summary
from memory_maintenance.writers.extractive.antecedents import with_antecedents, without_beginnings_cut_off
from memory_maintenance.writers.extractive.examples import (
    is_example,
    is_field,
    needs_its_list,
    without_example_blocks,
)
from tests.writers.extractive.sessions import session

ROLES = ("user", "assistant")


@pytest.mark.parametrize(
    "sentence",
    [
        "For example, if a boat costs $900, the mooring adds $90.",
        "Zum Beispiel kostet ein Kajak 900 Euro.",
        "In this example, the mooring adds $90.",
        "Repaired [number of boats] in [name of the harbour].",
        "Skipper, Harbour Club (20XX-20XX).",
        'Opening: "As a lifelong sailor I have always admired your boats and their crews.',
        "Date: 2024-03-01, Wind: 4, Distance: 12 miles.",
        "Let's say you spent 900 EUR on a mooring.",
        "Gold members (1,000 EUR): John Smith, Ines Okafor.",
    ],
)
def test_examples_templates_and_sample_rows_are_distinguished(sentence):
    assert is_example(sentence)


@pytest.mark.parametrize(
    "sentence", ["The mooring costs 90 EUR a month.", "The mast (6 m) is due tomorrow [2026-11-21].", "Cost: 90 EUR."]
)
def test_a_statement_is_no_example(sentence):
    assert not is_example(sentence)


@pytest.mark.parametrize("sentence", ["$15 to $30 = $22.50.", "3.5%: $11,375.", "Set goals for the season, such as:"])
def test_an_entry_without_its_name_needs_its_list(sentence):
    assert needs_its_list(sentence)


def test_a_summary_holds_no_example_of_an_assistant_where_there_is_something_else():
    lines = [
        "user: I moored the ketch in Harlingen for 90 EUR a month.",
        "assistant: A log helps.\nDate: 2024-03-01, Wind: 4, Distance: 12 miles.\n"
        'You could write: "We left the harbour of Medemblik at noon. The wind was fresh."\n'
        "Keep the log in a dry locker under the chart table.",
        "user: I'll keep the log in the locker.",
    ]
    summary = extractive_summary(session(lines)).summary
    assert "Harlingen" in summary
    assert "dry locker" in summary
    assert "2024-03-01" not in summary
    assert "Medemblik" not in summary


def test_a_summary_of_examples_alone_holds_them():
    lines = ["user: ok", "assistant: For example, the ferry to Texel sails every hour."]
    assert "Texel" in extractive_summary(session(lines)).summary


@pytest.mark.parametrize(
    "sentences",
    [
        ["Anchor runs a course for young sailors.", "The program includes two weeks at sea."],
        ["We bought a ketch in Harlingen.", "It needs a new mast."],
        ["Wir haben ein Boot gekauft.", "Es braucht einen neuen Mast."],
        ["The pump stops.", "Because there is air in the hose, but none in the tank."],
        ["Die Pumpe steht.", "Weil Luft im Schlauch ist."],
        ["We poured water on six hulls.", "Two leaked, one sank."],
        ["Na sześć łodzi wlaliśmy wodę.", "Dwie przeciekały."],
        ["I read sailing magazines.", "Sometimes, these magazines test ropes."],
    ],
)
def test_a_sentence_that_points_back_brings_the_one_before(sentences):
    assert with_antecedents(sentences) == [" ".join(sentences)]


def test_a_sentence_that_points_at_nothing_stands_alone():
    sentences = ["The mast arrives in May.", "It's always a good idea to insure it."]
    assert with_antecedents(sentences) == sentences


def test_a_fragment_is_left_out():
    assert with_antecedents(["The wind is at 22 knots.", "like 22?"]) == ["The wind is at 22 knots."]


def test_of_a_question_and_what_states_it_the_statement_is_kept():
    lines = [
        "Ana: How much does the mooring in Harlingen cost per month?",
        "Ben: The mooring in Harlingen costs 90 EUR per month.",
        "Ana: The ketch needs a new mast of spruce from Norway.",
    ]
    summary = extractive_summary(session(lines)).summary
    assert "90 EUR" in summary
    assert "How much" not in summary


def test_the_template_of_a_persons_draft_is_no_fact_and_a_single_remark_in_brackets_is_kept():
    draft = (
        "user: Please improve my letter.\nDear [Name of the harbour master],\nI repaired [number of boats] last year."
    )
    fact = "user: My berth in Enkhuizen costs 700 EUR [paid in May]."
    summary = extractive_summary(session([draft, fact])).summary
    assert "[N" not in summary
    assert "[number" not in summary
    assert "700 EUR [paid in May]" in summary


def test_what_a_user_tells_of_himself_is_kept_before_the_general_advice_of_an_assistant():
    told = [
        "My ketch lies in the old harbour of Harlingen.",
        "My brother sails a yawl out of Medemblik.",
        "Our cook comes from the island of Texel.",
        "My sister paints the cabin in Enkhuizen.",
    ]
    advice = [
        "A new propeller costs $400 because bronze must be cast by hand in Sweden.",
        "Ropes of polyester must always be washed in fresh water, due to salt, every 14 days.",
        "A liferaft must be serviced every 3 years, which costs $600 at a certified station.",
        "Varnish failed in 5 of 9 tests because sunlight always destroys the cheaper resins.",
    ]
    turns = [f"{who}: {text}" for pair in zip(told, advice, strict=True) for who, text in zip(ROLES, pair, strict=True)]
    summary = extractive_summary(session(turns), max_words=70).summary
    assert [text for text in told if text not in summary] == []


def test_a_whole_sentence_of_an_assistant_is_kept_before_entries_of_its_lists():
    whole = "The surveyor inspects keel, rudder and rigging of a boat."
    entries = ["Reduced mooring fees for regular guests of 2026", "Certified riggers in the north of Friesland for $40"]
    answer = "assistant: " + "\n".join([*(f"- {entry}" for entry in entries), "", whole])
    summary = extractive_summary(session(["user: Which surveyor inspects our ketch?", answer]), max_words=26).summary
    assert whole in summary


def test_successive_sentences_of_one_speaker_stand_behind_one_label():
    lines = ["user: My ketch lies in Harlingen since 2011.", "user: My brother paints the cabin for 700 EUR."]
    assert extractive_summary(session(lines)).summary.count("user: ") == 1


@pytest.mark.parametrize(
    "announcement",
    [
        "Example:",
        "**Example:**",
        "For example:",
        "Here's an example to illustrate this:",
        "Let's say you own a boat:",
        "Zum Beispiel:",
        "Ein Beispiel:",
        "Par exemple :",
        "Por ejemplo:",
        "Przykład:",
    ],
)
def test_the_list_or_paragraph_behind_an_example_is_no_statement(announcement):
    text = f"A deductible is your share.\n\n{announcement}\n\n* You bought a mast five years ago.\n* It costs 900."
    assert without_example_blocks(f"{text}\n\nInsure it.") == "A deductible is your share.\n\nInsure it."
    text = f"A deductible is your share.\n\n{announcement}\nYou bought a mast five years ago.\n\nInsure it."
    assert without_example_blocks(text) == "A deductible is your share.\n\nInsure it."


@pytest.mark.parametrize(
    "text", ["Some examples of goals:\n* sail\n* row", "An example:\n\n```\nprint(1)\n```", "Cost: 90 EUR\n\nPaid."]
)
def test_lists_of_examples_and_code_stay(text):
    assert without_example_blocks(text).count("\n") >= text.count("\n") - 2


def test_a_summary_dates_no_example():
    answer = (
        "assistant: The insurer pays what a mast is worth on the day of the loss.\n\nExample:\n\n"
        "* You bought a mast for $1,000 five years ago.\n* A similar mast costs $1,200 today.\n\nKeep the bill."
    )
    summary = extractive_summary(session(["user: What does my insurance in Harlingen pay?", answer])).summary
    assert "day of the loss" in summary
    assert "[" not in summary


def test_what_is_left_of_a_longer_text_is_no_sentence():
    assert without_beginnings_cut_off(["harbour, so a crane is needed.", "The mole is new.", "It is of stone."]) == [
        "The mole is new.",
        "It is of stone.",
    ]


@pytest.mark.parametrize(
    "sentences", [["back from the yard.", "it is the keel."], ["pg_dump failed.", "The disk is full.", "It has 2 TB."]]
)
def test_who_writes_in_lower_case_cuts_nothing_off(sentences):
    assert without_beginnings_cut_off(sentences) == sentences


@pytest.mark.parametrize("text", ["Address: 3 Elm Road", "Duration: two weeks", "Adresse: Elmstraße 3"])
def test_a_value_behind_one_word_needs_its_entry(text):
    assert is_field(text)


@pytest.mark.parametrize("text", ["Repair and payment: two weeks", "The mooring costs 90 EUR."])
def test_a_value_behind_several_words_needs_none(text):
    assert not is_field(text)

"""What a reader of an extractive summary stumbles over: each kind of it once."""

from dataclasses import replace

import pytest

from memory_maintenance.summarization.extractive import extractive_summary
from memory_maintenance.writers.extractive.gist import closed, shortened
from memory_maintenance.writers.extractive.plain_text import without_opening
from tests.writers.extractive.sessions import session


def roles(*turns):
    """Return the events of a session whose speakers are in their metadata."""
    events = session([text for _, text in turns])
    return [replace(event, metadata={"role": role}) for event, (role, _) in zip(events, turns, strict=True)]


def test_who_speaks_stands_before_the_text_where_only_the_metadata_says_it():
    summary = extractive_summary(
        roles(
            ("user", "My ketch in Harlingen leaks at the stern tube since Monday."),
            ("assistant", "A leaking stern tube needs a new packing of flax."),
            ("tool", "packing of flax, 8 mm: 14 in stock, 6.20 EUR each"),
        )
    ).summary
    assert "user: My ketch" in summary
    assert "assistant: A leaking stern tube" in summary
    assert "tool: packing of flax" in summary


def test_where_one_role_speaks_alone_it_stands_nowhere():
    events = roles(("user", "My ketch in Harlingen leaks."), ("user", "The mast of the ketch is of spruce."))
    assert "user:" not in extractive_summary(events).summary


def test_a_short_answer_is_kept_with_its_question_whoever_asks():
    events = roles(
        ("user", "The doctor gave me iron tablets against the low ferritin."),
        ("assistant", "Do you take the tablets with something to drink?"),
        ("user", "with breakfast coffee"),
        ("assistant", "Coffee blocks the iron, so take the tablets at bedtime with orange juice."),
    )
    assert "assistant: Do you take the tablets with something to drink?\nuser: with breakfast coffee." in (
        extractive_summary(events).summary
    )


@pytest.mark.parametrize(
    ("sentence", "ended"),
    [
        ("He called it “Werewolves of London.”", "He called it “Werewolves of London.”"),
        ("It sank (in May.)", "It sank (in May.)"),
        ("The list for each division,", "The list for each division."),
        ("The sail tore –", "The sail tore."),
        ("Is it paid?", "Is it paid?"),
        ("The sail tore", "The sail tore."),
        ("船が沈んだ。", "船が沈んだ。"),
    ],
)
def test_a_sentence_ends_with_one_mark(sentence, ended):
    assert closed(sentence) == ended


def test_a_long_sentence_is_cut_where_a_clause_ends():
    sentence = "We sailed from Harlingen to Texel in five hours against the tide, which was strong, because the ketch"
    assert (
        shortened(sentence, 17) == "We sailed from Harlingen to Texel in five hours against the tide, which was strong…"
    )
    assert shortened(sentence, 14) == "We sailed from Harlingen to Texel in five hours against the tide…"


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("By the way, my sister bought a yawl.", "My sister bought a yawl."),
        ("Speaking of which, I booked the crane.", "I booked the crane."),
        ("Overall, the mast is sound.", "The mast is sound."),
        ("And on Friday the crane comes.", "On Friday the crane comes."),
        ("Übrigens, meine Schwester hat eine Jolle.", "Meine Schwester hat eine Jolle."),
        ("Por cierto, mi hermana compró una yola.", "Mi hermana compró una yola."),
        ("However, the mast is rotten.", "The mast is rotten."),
        ("Cependant, le mât est pourri.", "Le mât est pourri."),
        ("Still, the mast is rotten.", "Still, the mast is rotten."),
        ("By the way", "By the way"),
        ("Also the mast is rotten.", "Also the mast is rotten."),
    ],
)
def test_a_sentence_that_stands_alone_needs_no_opening(sentence, left):
    assert without_opening(sentence) == left


def test_what_is_left_of_a_list_of_an_assistant_is_not_kept():
    lines = [
        "user: I sail a ketch and want to read about the North Sea.",
        "assistant: Two books describe the tides of the North Sea for sailors of small boats.\n"
        "- The Riddle of the Sands\n- (Popularized by Erskine Childers)\n- Increase speed or safety",
        "user: I'll buy the book about the tides before we sail to Texel.",
    ]
    summary = extractive_summary(session(lines)).summary
    assert "describe the tides" in summary
    for fragment in ("Riddle of the Sands", "Popularized", "Increase speed"):
        assert fragment not in summary


def test_what_only_reacts_to_an_answer_is_not_kept():
    lines = [
        "user: My ketch lies in Harlingen. This plan looks pretty solid. That's a comprehensive list, thanks!",
        "assistant: That helps narrow it down! I hope this information helps you to find a berth.",
        "user: You mentioned it as one of the harbours. The price looks good, so I'll take the berth in Makkum.",
    ]
    summary = extractive_summary(session(lines)).summary
    assert "I'll take the berth in Makkum" in summary
    for reaction in ("pretty solid", "comprehensive", "narrow", "information helps", "mentioned"):
        assert reaction not in summary


def test_what_a_user_tells_is_kept_before_what_he_asks_for():
    told = [
        "My brother sails a yawl out of Medemblik.",
        "Our cook comes from the island of Texel.",
        "The cabin of the ketch was painted by my sister.",
        "The old anchor stays in the garden of my uncle.",
    ]
    asked = [
        "I'd like to know more about the best paint for a cabin.",
        "I'm curious about the history of anchors in the North Sea.",
        "Can you recommend some good guides for the island?",
        "I'm looking for some tips on how to keep a yawl dry.",
    ]
    lines = [f"user: {one} {other}" for one, other in zip(asked, told, strict=True)]
    summary = extractive_summary(session(lines), max_words=50).summary
    assert [text for text in told if text not in summary] == []


def test_the_first_thing_that_a_user_asks_says_what_a_chat_is_about():
    lines = ["user: I'm looking for some tips on how to sail a ketch alone."]
    lines += [
        line
        for place in ("Harlingen", "Medemblik", "Enkhuizen", "Stavoren", "Makkum", "Lemmer")
        for line in (f"user: My cousin in {place} owns a berth near the lock of {place}.", "assistant: How nice.")
    ]
    assert "sail a ketch alone" in extractive_summary(session(lines), max_words=70).summary


def test_what_is_said_in_a_run_of_the_same_words_is_kept_once_whoever_says_it():
    lines = [
        "user: The yard found 11 kg of salt water in the aft tank on 2026-11-20, and the mast is of spruce.",
        "assistant: Findings of the survey: 11 kg of salt water in the aft tank; varnish the mast before May.",
        "user: The crane in Lemmer comes on Friday 2026-11-20.",
        "user: My uncle sails to Texel on Friday 2026-11-20.",
        "assistant: Our planner lets you draw custom sailing routes without the need for any chart knowledge.",
        "assistant: It is made for skippers who draw custom sailing routes without the need for paper charts.",
    ]
    summary = extractive_summary(session(lines)).summary
    assert summary.count("aft tank") == 1
    assert summary.count("custom sailing routes") == 1
    assert summary.count("on Friday 2026-11-20") == 2


def test_a_decision_is_kept_though_its_words_were_said_before():
    lines = [
        "user: I've seen ropes of polyester and hemp at the chandler, like 8 mm or 10 mm.",
        "assistant: Ropes of polyester hold longer than ropes of hemp at the chandler, 8 mm or 10 mm.",
        "user: I think I'll go with the 10 mm rope of hemp.",
    ]
    assert "I'll go with the 10 mm rope of hemp" in extractive_summary(session(lines)).summary


def test_who_answered_goes_on_without_a_second_label():
    lines = ["Jonas: The move to Makkum is on Friday.", "Lena: How many helpers do you have for it?", "Jonas: Five.",
             "Jonas: Malte lends us his van from the yard."]  # fmt: skip
    assert "Jonas: Five. Malte lends us" in extractive_summary(session(lines)).summary


def test_who_writes_through_a_tool_speaks_only_for_himself():
    chat = {"role": "tool", "tool": "chat"}
    told = [
        ("Zoë: I called the yard about the cracked keel of the ketch.", chat),
        ("Łukasz: I poured boiling water into six of the old tanks.", chat),
        ("Zoë: The yard in Makkum repairs the keel of the ketch in May.", chat),
        ("Warning sent: 121 skippers, 119 delivered.", {"role": "tool", "tool": "newsletter"}),
        ("I want to know who pays for the new keel.", {"role": "user"}),
    ]
    events = session([text for text, _ in told])
    summary = extractive_summary(
        [replace(event, metadata=about) for event, (_, about) in zip(events, told, strict=True)]
    ).summary
    assert "tool: Łukasz" not in summary
    assert "Łukasz: I poured" in summary
    assert "tool: Warning sent" in summary


def test_a_row_of_figures_is_not_kept_beside_sentences():
    table = "Two locks were measured in May.\nplace    metres   low\nMakkum   3.1    2.8\nStavoren   2.9    2.6\nLemmer   3.3    3.0"
    lines = ["user: Which lock is deep enough for the ketch?", f"tool: {table}",
             "assistant: Lemmer has the deepest lock for the ketch."]  # fmt: skip
    summary = extractive_summary(session(lines)).summary
    assert "deepest lock" in summary
    for row in ("Makkum", "Stavoren 2.9", "3.0"):
        assert row not in summary

"""What samples/README.md promises about the sample conversations."""

from __future__ import annotations

from memory_maintenance.writers.extractive.transcript import label_of
from tests.quality.samples import conversations, expected, questions


def test_there_are_twenty_five_conversations_of_258_memories():
    assert (len(conversations()), sum(map(len, conversations().values()))) == (25, 258)


def test_twenty_one_chats_have_a_name_before_every_line():
    chats = [own for key, own in conversations().items() if key[-2:-1] == "-"]
    assert len(chats) == 21
    assert all(label_of(event.content) for own in chats for event in own)


def test_every_answer_is_in_its_conversation():
    assert expected().keys() == conversations().keys()
    for asked in questions():
        text = " ".join(event.content.lower() for event in conversations()[asked.session])
        missing = [word for word in asked.answer.lower().split() if word.strip("'s") not in text]
        assert missing == [], asked


def test_five_languages_are_spoken():
    assert {own["language"] for own in expected().values()} == {"en", "de", "fr", "es", "pl"}

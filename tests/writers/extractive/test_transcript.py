import pytest

from memory_maintenance.writers.extractive.transcript import label_of, speakers, utterances


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Ana: the tent tore", "Ana"),
        ("Ana Lund: the tent tore", "Ana Lund"),
        ("**Ana:** the tent tore", "Ana"),
        ("Customer (Ana Lund): the tent tore", "Customer (Ana Lund)"),
        ("user: hello", "user"),
        ("用户：你好", "用户"),
        ("Nutzerin: Guten Tag", "Nutzerin"),
        ("Correction: the tent tore", None),
        ("Root cause: the glue", None),
        ("Beschlossen wurde: nichts", None),
        ("at 10:30 it stopped", None),
        ("Order 4412: blue tent", None),
    ],
)
def test_a_label_is_a_name_or_a_role_before_a_colon(text, label):
    found = label_of(text)
    assert (found and found[0]) == label


def test_who_speaks_is_who_does_so_twice_or_where_everybody_has_a_label():
    assert speakers(["Ana: hi", "Ben: hello", "Ana: so"]) == {"ana", "ben"}
    assert speakers(["Oslo: the depot is closed", "It rains.", "It snows."]) == frozenset()


def test_a_message_of_several_turns_is_several_turns():
    said = utterances("Ana: It rains.\nIt pours.\nBen: Stay in.", frozenset({"ana", "ben"}))
    assert [(one.speaker, one.sentences) for one in said] == [
        ("Ana", ("It rains.", "It pours.")),
        ("Ben", ("Stay in.",)),
    ]


def test_the_role_of_a_message_without_a_label_is_in_its_metadata():
    (said,) = utterances("It rains.", frozenset(), {"role": "assistant"})
    assert (said.speaker, said.role) == (None, "assistant")


def test_a_label_inside_of_an_assistants_answer_is_no_speaker():
    texts = [
        "user: Write a log.",
        "assistant: Here it is.\nDate: 3 March\nWind: 4",
        "user: Another.",
        "assistant: Date: 4",
    ]
    assert speakers(texts) == {"user", "assistant"}

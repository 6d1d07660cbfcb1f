import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memory_maintenance.writers.extractive.key_terms import as_written, key_terms
from memory_maintenance.writers.extractive.naming import names_subject
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


def test_digits_of_a_script_without_spaces_are_a_number():
    assert "໐" not in key_terms(["1໐ ຕົ້ນໄມ້"])


def test_an_encoded_file_is_no_topic():
    assert key_terms(["QUJD" * 50_000]) == ()


@settings(deadline=None)  # the first Han character loads a dictionary
@given(st.lists(st.text(st.characters(), max_size=60), max_size=8))
@example(["01K㐀"])
@example(["1໐"])
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


CHATS = {
    "en": (
        ["Nora: I covered the lemon trees with blankets.", "Sam: The greenhouse heater broke, so I ordered a new heater.",
         "Nora: Olga and I marry at Farley Hall, the caterer charges 46 pounds.", "Sam: My son Ravi failed the driving test.",
         "Nora: He really should practise with Theo and Miss Lowe."],
        {"lemon trees", "greenhouse heater", "caterer", "driving test"},
        {"covered", "ordered", "marry", "charges", "failed", "practise", "really"},
    ),
    "de": (
        ["Lena: Der Imker bringt das Bienenvolk übermorgen in den Schrebergarten.", "Jonas: Ich packe schon die Kartons für den Umzug.",
         "Lena: Dann trag bitte keine Kartons!", "Jonas: Malte und Frau Demir haben sich wirklich gefreut."],
        {"Imker", "Bienenvolk", "Schrebergarten", "Kartons", "Umzug"},
        {"bringt", "packe", "schon", "trag", "gefreut", "wirklich"},
    ),
    "fr": (
        ["Hugo: On m'a volé mon vélo devant la gare.", "Camille: J'ai acheté un camion, les galettes se vendent bien.",
         "Hugo: L'assurance rembourse le vélo.", "Camille: Le permis de conduire de Théo est arrivé, il commence demain."],
        {"vélo", "gare", "camion", "galettes", "assurance"},
        {"volé", "acheté", "rembourse", "l'assurance", "j'ai", "commence", "arrivé"},
    ),
    "es": (
        ["Mateo: Mi padre ya camina con muletas, la operación de cadera se aplazó.", "Lucía: Sergio Prats cambia la cuerda rota del piano.",
         "Mateo: Planté tomates en el huerto para practicar.", "Lucía: Greta no puede viajar, así que va Iván con Carmen y Pilar."],
        {"operación de cadera", "muletas", "cuerda rota", "tomates", "huerto"},
        {"camina", "aplazó", "cambia", "planté", "practicar", "viajar"},
    ),
    "pl": (
        ["Kuba: Wczoraj zaczęliśmy remont łazienki, a córka ma uczulenie na orzechy.", "Zosia: Śpiewam w chórze, mam solo w drugiej kolędzie.",
         "Kuba: Hydraulik złamał rękę, więc łazienkę kończy jego brat.", "Zosia: Poproszę o sernik bez orzechów, bo Hania nie może."],
        {"łazienki", "orzechy", "sernik", "chórze"},
        {"zaczęliśmy", "śpiewam", "złamał", "drugiej", "poproszę"},
    ),
    "ja": (
        ["佐藤: 会食の予約は京橋のホテルです。", "田中: 海老アレルギーがあります。", "佐藤: では会食の料理を変更します。"],
        {"会食", "海老アレルギー", "ホテル"},
        {"です", "ます", "変更"},
    ),
}  # fmt: skip
"""Chats, topics that a person would write, and words that are none."""


@pytest.mark.parametrize("language", CHATS)
def test_topics_are_subjects_and_no_verbs(language):
    lines, good, bad = CHATS[language]
    terms = set(key_terms(lines, most=10))
    assert good <= terms
    assert not bad & {word.casefold() for term in terms for word in (term, *term.split())}


@pytest.mark.parametrize("language", CHATS)
def test_at_most_three_topics_are_names(language):
    names = [
        "Olga",
        "Farley",
        "Ravi",
        "Theo",
        "Lowe",
        "Malte",
        "Demir",
        "Théo",
        "Sergio",
        "Greta",
        "Iván",
        "Carmen",
        "Pilar",
        "Hania",
    ]
    terms = key_terms(CHATS[language][0], most=10)
    assert sum(any(word in names for word in term.split()) for term in terms) <= 3


def test_of_names_alone_all_are_topics():
    lines = ["Ana: Piet and Greta sailed to Makkum.", "Ben: Then Gudrun and Hedwig sailed to Harlingen."]
    assert len(key_terms(lines, most=10)) == 5


@pytest.mark.parametrize(
    ("lines", "written"),
    [
        (["Tom: we bake cookies", "Ana: one cookie for me", "Tom: more cookies!"], "cookies"),
        (["Ana: der Umzug kommt", "Tom: und die Kartons des Umzugs sind da", "Ana: nach dem Umzug"], "Umzug"),
        (["Léa: l'extincteur est là", "Luc: et cet extincteur est pour toi", "Léa: oui, mon extincteur"], "extincteur"),
    ],
)
def test_forms_of_a_word_are_one_topic(lines, written):
    terms = key_terms(lines, most=10)
    assert [term for term in terms if term[:5].casefold() == written[:5].casefold()] == [written]

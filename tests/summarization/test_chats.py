"""What a summary keeps of a chat with an assistant: what the user wanted and decided, and the answers in short."""

import pytest

from memory_maintenance.summarization.extractive import extractive_summary
from tests.writers.extractive.sessions import session

ADVICE = (
    "assistant: A good mast is important for every boat.\nYou should always look after ropes and sails.\n"
    "Regular care keeps the deck and the cabin in a good state.\nMany owners enjoy the work in the winter months."
)


def summary(*lines: str, max_words: int | None = None) -> str:
    return extractive_summary(session(lines), max_words=max_words).summary


@pytest.mark.parametrize(
    "decision",
    [
        "I think the Koopmans yawl would be a great choice.",
        "I'll go with the Koopmans yawl.",
        "I'll definitely ask Ruud about the Koopmans yawl.",
        "Ich nehme die Koopmans-Yawl von Ruud.",
        "Je prends le yawl Koopmans de Ruud.",
        "Biorę jol Koopmans od Ruuda.",
    ],
)
def test_what_a_user_decides_is_kept_before_advice(decision):
    text = summary("user: Which yawl should I buy?", ADVICE, f"user: {decision}", ADVICE, max_words=30)
    assert decision in text


def test_of_an_answer_is_kept_what_speaks_of_the_thing_that_was_decided_on():
    answer = (
        "assistant: A wooden mast must be painted every spring and checked for cracks by a joiner.\n"
        "A carbon mast weighs a third and is glued in two halves at the yard.\n"
        "A steel mast must be kept dry and greased by its owner every other autumn.\n"
        "All of them are sold by several yards along the coast of the northern sea."
    )
    text = summary(
        "user: My mast broke, which one should I buy?", answer, "user: I'll take the carbon mast.", max_words=40
    )
    assert "glued in two halves" in text


def test_a_request_is_kept_where_the_talk_turns_to_it():
    lines = [
        "user: I'm planning a trip to Harlingen in May.",
        "assistant: The museum and the old harbour are worth a visit.",
        "user: I'm interested in rigging courses, can you tell me about schools?",
        "assistant: The school in Enkhuizen teaches rigging, with courses of two weeks.",
        "user: How old are the pupils at the rigging school?",
        "assistant: Most pupils of the rigging courses are over forty.",
    ]
    assert "I'm interested in rigging courses" in summary(*lines)


def test_what_a_user_wants_first_is_kept_although_the_answer_says_it_again():
    answer = "assistant: Good books about old ketches:\n- Tall Hulls: a classic.\n- Oak: short.\n- Tar and Rope: new."
    text = summary("user: I'm looking for good books about old ketches.", answer, "user: My ketch lies in Texel.")
    assert "I'm looking for good books about old ketches." in text
    assert "Tall Hulls, Oak, Tar and Rope" in text


def test_a_question_is_not_kept_without_its_answer():
    answer = " ".join(["A keel of oak is inspected", *(f"in harbour {n}," for n in range(12)), "and paid in cash."])
    lines = [
        "user: I bought a ketch of 1911 in Harlingen.",
        "assistant: Fine.",
        "user: Which yard looks after her hull?",
    ]
    lines = [*lines, f"assistant: {answer}"]
    assert "Which yard" not in summary(*lines, max_words=30)
    assert "Which yard looks after her hull?\nassistant: A keel of oak is inspected" in summary(*lines)


def test_a_text_that_a_user_hands_over_counts_less_than_what_is_asked_of_it():
    text = " ".join(
        f"Paragraph {n} of the charter says that skipper {n} pays {n} guilders for rope." for n in range(20)
    )
    text = summary(
        f"user: Here is our charter. {text} Please find out which widow pays for the tar of the fleet.",
        "assistant: Skipper 9 pays.",
    )
    assert "Please find out which widow pays for the tar of the fleet." in text
    plain = summary(
        "user: I sail to Texel.", "assistant: Fine weather.", f"user: Our charter. {text} Who pays for tar?"
    )
    assert plain.count("guilders") < 10


@pytest.mark.parametrize(
    ("offer", "reply"),
    [
        ("The sailmaker in Hoorn also cuts it of canvas for 380 euro.", "Canvas! Yes please."),
        ("Der Segelmacher in Hoorn schneidet es auch aus Baumwolle für 380 Euro.", "Baumwolle, bitte."),
    ],
)
def test_a_short_reply_stays_with_the_offer_that_it_takes_up(offer, reply):
    assert f"{offer}\nuser: {reply}" in summary(
        "user: The jib of our ketch is torn.", f"assistant: {offer}", f"user: {reply}"
    )


def test_what_several_sentences_say_together_is_not_said_again():
    lines = [
        "user: I run a chandlery in Hoorn and want to sell online.",
        "assistant: A shop kit lets a chandlery sell rope online without writing code.\n"
        "The editor arranges pictures of rope by drag and drop.\n"
        "The shop kit sells online without code, and drag and drop arranges pictures of rope.\n"
        "The kit costs 12 EUR a month.",
    ]
    text = summary(*lines)
    assert text.count("drag and drop") == 1
    assert "12 EUR" in text


@pytest.mark.parametrize(
    ("once", "again"),
    [
        ("I'll ask the joiner in Hoorn about the rot in the keel.", "I'll ask the joiner about the keel and see."),
        (
            "Ich frage den Schreiner: Ich nehme den Kiel aus Eiche.",
            "Ich nehme den Kiel aus Eiche, frage den Schreiner.",
        ),
    ],
)
def test_a_decision_is_kept_once(once, again):
    text = summary("user: My ketch leaks at Texel since 2011.", f"user: {once}", ADVICE, f"user: {again}")
    assert (once in text) + (again in text) == 1


def test_a_summary_ends_where_only_padding_is_left():
    lines = [
        "user: Our ketch Wilhelmina lies in Harlingen since 2011, and on 3 May we sail her to Terschelling for 90 EUR."
    ]
    lines += ["assistant: Things like that can be part of it all.", "user: I moved to Hoorn in 2019.", ADVICE]
    text = summary(*lines)
    assert "Terschelling" in text
    assert "can be part of it all" not in text


def test_words_that_point_at_what_somebody_else_said_are_not_kept():
    lines = [
        "user: I look for sailing apps.",
        "assistant: Some are Windfinder, Navily and Savvy.",
        "user: I'll try those.",
    ]
    lines += [
        "user: Maybe these apps and platforms can offer a unique perspective.",
        "user: My phone is a Fairphone 5.",
    ]
    text = summary(*lines, ADVICE)
    assert "unique perspective" not in text
    assert "Fairphone" in text


@pytest.mark.parametrize(
    ("asked", "answer", "said"),
    [
        pytest.param(
            "Where can I buy tar? Which harbours are close to Texel?",
            "Harlingen, Den Helder and Oudeschild are harbours close to Texel.",
            "Which harbours are close to Texel?\nassistant: Harlingen, Den Helder and Oudeschild are",
            id="of two questions the one that is answered",
        ),
        pytest.param(
            "Welche Häfen liegen bei Texel?",
            "Harlingen, Den Helder und Oudeschild sind Häfen bei Texel.",
            "Welche Häfen liegen bei Texel?\nassistant: Harlingen",
            id="German",
        ),
        pytest.param(
            "The pump of our ketch stops when the filter is full of weed.",
            "The pump stops when a valve of the ketch closes behind a filter full of weed.\n"
            "To handle this, you can use a bypass around the filter of the pump behind the valve.",
            "To handle this, you can use a bypass",
            id="the remedy beside the cause",
        ),
    ],
)
def test_a_question_stands_before_its_answer(asked, answer, said):
    lines = [
        "user: I bought a ketch of 1911 in Harlingen.",
        "assistant: Fine.",
        f"user: {asked}",
        f"assistant: {answer}",
    ]
    assert said in summary(*lines)


def test_an_answer_is_not_kept_without_its_question():
    lines = [
        "user: I bought a ketch of 1911 in Harlingen for 90,000 EUR.",
        "assistant: Fine.",
        "user: Which is the best time of the year for a voyage around the islands in the north?",
        "assistant: Go there in June.",
    ]
    for words in range(10, 60):
        text = summary(*lines, max_words=words)
        assert ("best time" in text) == ("in June" in text)


def test_each_turn_of_a_user_has_its_own_label_where_an_answer_between_is_left_out():
    lines = [
        "user: The handle of my Fjord mug broke off on Monday. Henrik.",
        "assistant: Dear Henrik, how frightening that must have been for you.",
        "user: My Fjord mug of batch F-31 has a hairline since Tuesday. Mireille.",
    ]
    assert "\nuser: My Fjord mug of batch F-31" in summary(*lines)


def test_named_people_speak_a_line_each():
    lines = ["Ana: I planted nine tomatoes.", "Ben: I bought a piano for 90 euros.", "Ana: The concert is on 3 May."]
    assert summary(*lines) == "2026-11-20: " + "\n".join(lines)


@pytest.mark.parametrize(
    ("findings", "again", "kept"),
    [
        (
            "weak on the left, 11 kg against 17 on the right, no foam roller",
            "left hip 11 kg against 17 on the right",
            1,
        ),
        ("links schwach, 11 kg gegen 17 rechts, keine Rolle", "Hüfte links 11 kg gegen 17 rechts", 1),
        ("the pump has 11 valves and 17 pipes", "the mast has 11 stays and 17 blocks of oak", 2),
    ],
)
def test_the_same_figures_of_the_same_things_are_kept_once(findings, again, kept):
    text = summary("user: Back from Siobhán.", f"user: {findings}", f"assistant: Noted: {again}.")
    assert text.count("17") == kept


def test_a_question_that_points_back_brings_what_it_asks_about():
    lines = [
        "user: I've seen different types of beef at the store, like 80/20 or 70/30. Does it make a big difference?",
        "assistant: The fat of beef makes a sauce rich, so 80/20 is best.",
    ]
    assert "80/20 or 70/30. Does it make a big difference?\nassistant: " in summary(*lines)


@pytest.mark.parametrize(
    "filler",
    [
        "I've heard great things about it.",
        "It'll be great to explore more of that online.",
        "Ich weiß noch nichts davon.",
        "J'ai entendu parler de ça.",
    ],
)
def test_a_user_who_says_nothing_of_his_own_is_not_kept(filler):
    facts = ("user: I sail a ketch of 1911 to Texel on 3 May.", "user: Her mast broke at Harlingen in 2019.")
    text = summary(*facts, ADVICE, f"user: {filler}", max_words=60)
    assert "Harlingen" in text
    assert filler not in text


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("And when is that?", "On 9 December."),
        ("And when is that?", "On 9 December. He practises with my old Volvo every Sunday."),
        ("Und wo ist er?", "Im Schrebergarten von Hedwig."),
        ("¿Y cuándo es?", "El 9 de diciembre."),
    ],
)
def test_a_question_without_a_word_of_its_own_stays_before_its_short_answer(question, answer):
    text = summary(
        "Ana: I have a beehive from Köpenick.", f"Ben: {question}", f"Ana: {answer}", "Ben: I moved to Rome."
    )
    assert f"Ben: {question}\nAna: {answer}" in text

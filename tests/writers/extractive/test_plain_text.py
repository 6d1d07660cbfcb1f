import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.writers.extractive.plain_text import plain_sentences, without_own_label
from memory_maintenance.writers.language.words import tokens


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("## Plan\n\n**Goals:**\n\n1. **Speed**: load in 2 s.\n2. Cost", ["Speed: load in 2 s.", "Cost"], id="Markdown"),
        pytest.param("Key points:\n- [x] Ship *it*.\n- See [the page](https://x.y/z).", ["Ship it.", "See the page."], id="lists and links"),
        pytest.param("Use `make test`.\n```sh\nrm -rf /\n```\nDone it is.", ["Use make test.", "Done it is."], id="code"),
        pytest.param("| Patient | Dose |\n|---|---|\n| A | 5 mg |\n| B | 10 mg |",
                     ["Patient: A, Dose: 5 mg", "Patient: B, Dose: 10 mg"], id="a table"),
        pytest.param("diff --git a/x b/x\n@@ -1 +1 @@\n-timeout = 30\n+timeout = 60\n retries = 3",
                     ["- timeout = 30", "+ timeout = 60"], id="a diff"),
        pytest.param('{"role": "user", "content": "The pump is broken."}', ["user: The pump is broken."], id="a JSON message"),
        pytest.param('[{"role": "tool", "content": [{"type": "text", "text": "It is 4 degrees."}]}]',
                     ["tool: It is 4 degrees."], id="parts of a message"),
        pytest.param('{"name": "book", "arguments": "{\\"city\\": \\"Oslo\\", \\"seats\\": 2}"}',
                     ["book: city: Oslo, seats: 2"], id="a tool call"),
        pytest.param('{"function": {"name": "book", "arguments": {"city": "Oslo"}}, "type": "function"}',
                     ["book: city: Oslo"], id="a function call"),
        pytest.param('result: {"pickup_code": "QX-7", "ok": true, "blob": "' + "A" * 90 + '"}',
                     ["result: pickup code: QX-7"], id="a result without its encoded file"),
        pytest.param("<html><style>p{}</style><body><h1>Note</h1><p>The <b>depot</b> is closed.</p><ul><li>Open at 9</li></ul></body></html>",
                     ["The depot is closed.", "Open at 9"], id="a page"),
        pytest.param("## Only a heading", ["## Only a heading"], id="nothing else"),
        pytest.param("3.", ["3."], id="an enumerator alone"),
        pytest.param("2026-11-20T11:00:07Z polled 0\n2026-11-20T11:01:07Z polled 1\n2026-11-20T11:02:00Z ERROR full",
                     ["2026-11-20T11:00:07Z polled 0", "2026-11-20T11:02:00Z ERROR full"], id="a log"),
        pytest.param("Room 12 has 3 beds.\nRoom 14 has 3 beds.", ["Room 12 has 3 beds.", "Room 14 has 3 beds."], id="no log"),
        pytest.param("Der Umzug ist am 3. Januar. Fertig ist er am 4.", ["Der Umzug ist am 3. Januar.", "Fertig ist er am 4."], id="an ordinal"),
        pytest.param("Depths:\nplace    metres   low\nMakkum   3.1    2.8\nall   2.9    2.7    9",
                     ["place: Makkum, metres: 3.1, low: 2.8"], id="columns set apart by blanks"),
        pytest.param("Weeks of the plan.\n23 Nov   0    0   gym\n30 Nov   0    2   walk", ["Weeks of the plan."],
                     id="columns without names"),
        pytest.param("", [], id="nothing"),
    ],
)  # fmt: skip
def test_a_message_is_read_as_what_it_says(text, said):
    assert plain_sentences(text) == said


@given(st.text(st.characters() | st.sampled_from('*_`#|<>{}[]():"\\\n- 1.ab'), max_size=200))
def test_no_word_is_made_up(text):
    known = set(tokens(text))
    assert {word for sentence in plain_sentences(text) for word in tokens(sentence)} <= known


@pytest.mark.parametrize("text", ["4*.5 kg of flour", "4.*5 kg of flour", "0*'a", "0`*0", "0**0"])
def test_taking_out_a_star_makes_no_other_number(text):
    assert not {"4.5", "0'a", "00", "0*0"} & set(plain_sentences(text)[0].split())


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("When unsure about the keel: If you are unsure about the keel, ask a joiner.",
         "If you are unsure about the keel, ask a joiner."),
        ("Der Kiel: Der Kiel ist aus Eiche.", "Der Kiel ist aus Eiche."),
        ("The keel: It is of oak.", "The keel: It is of oak."),
        ("Moor at 10: 45 EUR.", "Moor at 10: 45 EUR."),
    ],
)  # fmt: skip
def test_a_beginning_that_its_sentence_says_again_is_left_out(sentence, left):
    assert without_own_label(sentence) == left

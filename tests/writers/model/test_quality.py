from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.summarization.extractive import extractive_summary
from memory_maintenance.writers.model.quality import QualityThresholds, measure, refusal
from tests.writers.extractive.sessions import INCIDENT, MIGRATION, TENT, session

PROMPT = (
    "You summarize sessions of an agent. Write two to four sentences in plain English, "
    'for example: "The team compared three vendors and picked the cheapest one because of its support hours."'
)
GOOD = (
    "Ana Lund asked for a refund of the blue tent from order 4412 after a seam had torn on the first night. "
    "The workshop found that glue batch G7 does not cure in the cold. "
    "She was refunded 189 EUR in full and got a voucher of 15 EUR."
)
TOPICS = ("refund", "blue tent")


def judged(
    text: str, *, sources: Sequence[str] = TENT, topics: Sequence[str] | None = TOPICS, finish_reason: str = "stop"
) -> str | None:
    return refusal(measure(text, sources=sources, prompt=PROMPT, topics=topics, finish_reason=finish_reason))


def test_a_good_summary_is_fit_to_be_stored():
    assert judged(GOOD) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param(" \n…\x00", "empty", id="no word"),
        pytest.param("Blue tent refunded.", "too_short", id="three words"),
        pytest.param("The blue tent tore. The blue tent tore. The blue tent tore. The blue tent tore.", "repeats", id="a loop"),
        pytest.param(" ".join(["tent seam refund", "seam tent refund", "refund tent seam", "tent refund seam",
                               "seam refund tent", "refund seam tent"] * 2), "repeats", id="few different words"),
        pytest.param("The team compared three vendors and picked the cheapest one because of its support hours.",
                     "echoes_prompt", id="the prompt's example"),
        pytest.param("Ana Lund was refunded 245 EUR for the blue tent of order 4412.", "unsupported_numbers", id="another sum"),
        pytest.param("Ana Lund was refunded for the blue tent on 2026-12-24 in full.", "unsupported_numbers", id="another date"),
        pytest.param("A dragon guarded ancient mountains while wizards studied forgotten spells beside rivers.",
                     "unsupported_words", id="another story"),
        pytest.param(TENT[8], "copied", id="one memory as it is"),
        pytest.param("The blue tent of Ana Lund tore " + "x" * 40, "one_long_token", id="forty letters"),
    ],
)  # fmt: skip
def test_a_degenerate_answer_is_refused_with_its_reason(text, reason):
    assert judged(text) == reason


@pytest.mark.parametrize("finish_reason", ["length", "content_filter", "tool_calls", ""])
def test_an_answer_that_did_not_finish_is_refused(finish_reason):
    assert judged(GOOD, finish_reason=finish_reason) == "truncated"


@pytest.mark.parametrize(
    ("topics", "reason"),
    [
        (("refund", "blue tent"), None),
        (("refund", "Refunds", "refunded"), "few_topics"),
        (("refund", " ", "!"), "few_topics"),
        ((), "few_topics"),
        (None, None),
    ],
)
def test_topics_are_counted_without_their_repeats(topics, reason):
    assert judged(GOOD, topics=topics) == reason


def test_an_address_of_a_source_is_no_long_token():
    address = "https://shop.example.com/orders/4412/photos/seam-of-the-fly"
    assert judged(f"{GOOD} See {address} for it.", sources=[*TENT, f"Photos: {address} today"]) is None


def test_what_the_prompt_shares_with_a_source_is_no_echo():
    sources = [
        *TENT,
        "We said: the team compared three vendors and picked the cheapest one because of its support hours.",
    ]
    figures = measure("The team compared three vendors and picked the cheapest one because of its support hours.",
                      sources=sources, prompt=PROMPT)  # fmt: skip
    assert figures.echoed == 0


def test_a_date_that_is_given_as_a_source_may_be_named():
    text = "On 2026-11-20 Ana Lund was refunded for the blue tent of order 4412."
    assert judged(text) == "unsupported_numbers"
    assert judged(text, sources=[*TENT, "2026-11-20"]) is None


def test_a_text_of_a_script_without_spaces_is_measured_too():
    sources = ["数据库连接池已耗尽，付款延迟了九十六分钟。", "原因是账本客户端在等待银行时保持事务打开。"]
    assert judged("连接池已耗尽，原因是账本客户端等待银行。", sources=sources, topics=("数据库", "银行")) is None
    assert (
        judged("我们去公园散步看花吃冰淇淋然后回家睡觉。", sources=sources, topics=("数据库", "银行"))
        == "unsupported_words"
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"fewest_words": 1000}, "too_short"),
        ({"repeated_trigrams": 0.0, "different_words": 1.0}, "repeats"),
        ({"longest_token": 5}, "one_long_token"),
        ({"fewest_topics": 3}, "few_topics"),
        ({"unsupported_words": 0.0}, "unsupported_words"),
    ],
)
def test_thresholds_can_be_set(changed, reason):
    figures = measure(GOOD, sources=TENT, prompt=PROMPT, topics=TOPICS)
    assert refusal(figures, QualityThresholds(**changed)) == reason


@pytest.mark.parametrize("lines", [TENT, MIGRATION, INCIDENT])
def test_what_is_written_without_a_model_passes_the_same_measures(lines):
    answer = extractive_summary(session(lines))
    sources = [*lines, "2026-11-20", "2026-11-21"]
    assert judged(answer.summary, sources=sources, topics=answer.key_topics) is None


@given(
    st.text(st.characters(), max_size=200),
    st.lists(st.text(st.characters(), max_size=80), max_size=4),
    st.text(max_size=50),
)
def test_any_text_can_be_measured_and_shares_are_shares(text, sources, prompt):
    figures = measure(text, sources=sources, prompt=prompt)
    shares = (
        figures.repeated_trigrams,
        figures.different_words,
        figures.unsupported_words,
        figures.copied,
        figures.echoed,
    )
    assert all(0 <= share <= 1 for share in shares)
    assert measure(text, sources=[text], prompt=prompt).unsupported_words == 0

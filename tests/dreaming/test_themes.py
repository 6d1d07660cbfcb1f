import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_maintenance.dreaming.themes import MOST_THEMES, recurring_themes
from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.extractive.rarity import Background
from memory_maintenance.writers.language.relative_dates import with_dates
from tests.grounded import unsupported
from tests.writers.extractive.sessions import INCIDENT, MIGRATION, TENT, session

TENTS = (
    "Customer Ana Lund wants a refund for the blue tent, a seam tore.",
    "Warehouse counts 14 green mugs fewer than the books say.",
    "Ben Okafor got his refund for the blue tent after nine days.",
    "Newsletter goes out on Tuesday.",
    "Third refund for the blue tent this month, all from glue batch G7.",
    "Glue batch G7 does not cure below 10 degrees, says the workshop.",
    "The parcel of Mrs Chen was left at the depot.",
)
CONTENT = st.one_of(
    st.text(st.characters(), max_size=60),
    st.sampled_from([*TENTS, *TENT, "", "?!", "a\x00b", "\ud800", "数据库连接池已耗尽"]),
)


DAY = 60 * 24


def days(lines: Sequence[str]) -> list[Memory]:
    """Return one memory a day, so that what is in two of them recurs."""
    return session(lines, minutes_apart=DAY)


def sources_of(memories: Sequence[Memory]) -> list[str]:
    dated = [with_dates(memory.content, memory.created_at) for memory in memories]
    return [*dated, *(memory.created_at.date().isoformat() for memory in memories)]


def test_what_recurs_is_named_as_a_person_would_and_shows_its_memories():
    memories = days(TENTS)
    first = recurring_themes(memories)[0]
    assert first.name == "refund for the blue tent"
    assert first.support == tuple(memories[index].id for index in (0, 2, 4))
    assert first.text.startswith("refund for the blue tent: 2026-11-20: Customer Ana Lund wants a refund")
    assert "2026-11-24: Third refund for the blue tent" in first.text


def test_a_second_subject_is_a_second_theme_with_its_own_memories():
    memories = days([*TENTS, "Every glue batch is tested for a week."])
    themes = {theme.name: theme.support for theme in recurring_themes(memories)}
    assert themes["glue batch"] == (memories[4].id, memories[5].id, memories[7].id)


def test_no_two_themes_share_a_quote():
    lines = ["I signed up for a pottery class at the Riverside Studio.", "The pottery class has eight wheels.",
             "The Riverside Studio shows bowls in May."]  # fmt: skip
    (theme,) = recurring_themes(days(lines))
    assert theme.text.count("2026-11-20") == 1


def test_questions_alone_say_nothing_that_recurs():
    lines = ["Which cafes near the theatre are open?", "How was the pottery class?", "Any cafes near the theatre?",
             "The pottery class begins in May."]  # fmt: skip
    assert recurring_themes(days(lines)) == ()


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["pytest tests/webhooks: 48 passed", "taskset -c 0,1 pytest tests/webhooks -n4: 11 failed"], id="commands"),
        pytest.param(["Kim 2020, roofs: 75, lower: -0.44, upper: 0.10", "Kim 2020, roofs: 71, lower: -0.40, upper: 0.20"], id="rows"),
        pytest.param(["10:31:07 pool acquired connection 6 of 20", "11:31:07 pool acquired connection 8 of 20"], id="logs"),
    ],
)  # fmt: skip
def test_output_of_machines_is_no_theme(lines):
    assert recurring_themes(days(lines)) == ()


def test_a_text_that_a_user_hands_to_an_assistant_is_not_about_him():
    story = "The parasite reached the coast of Europe in spring. " * 3 + " ".join(
        f"In chapter {number} the doctor meets crew {number} aboard." for number in range(14)
    )
    lines = [f"user: {story}", "assistant: A good plot.", "user: I have never been to Europe."]
    assert recurring_themes(days(lines)) == ()
    short = ["user: I flew to Europe in May.", *lines[1:]]
    assert [theme.name for theme in recurring_themes(days(short))] == ["Europe"]


def test_among_many_memories_two_words_apart_need_further_words():
    fillers = [f"Remark about {first}{second}ology." for first in "bcdfghjk" for second in "aeiou"]
    chance = ["The statement should cover all its topics.", "I want to cover the necessary topics."]
    meant = [
        "The charge came twice for one capture of the webhook, says the provider.",
        "A second charge for one capture came through the webhook of the provider.",
    ]
    names = [theme.name for theme in recurring_themes(days([*fillers, *chance, *meant]))]
    assert not any("topics" in name for name in names)
    assert any("charge" in name or "webhook" in name for name in names)


def test_the_same_memories_make_one_theme():
    lines = [f"The nightly export job of finance blocks the copy window, night {night}" for night in range(4)]
    assert len(recurring_themes(days(lines))) == 1


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="no memory"),
        pytest.param(TENTS[:1], id="one memory"),
        pytest.param(TENTS[:2], id="two that share nothing"),
        pytest.param([TENTS[0]] * 5, id="one text five times"),
        pytest.param(["thanks!", "thanks so much", "ok thanks", "hello", "hello"], id="small talk"),
        pytest.param(["", "?", "\x00"], id="blanks"),
    ],
)
def test_where_nothing_recurs_there_is_no_theme(lines):
    assert recurring_themes(days(lines)) == ()


def test_a_word_in_two_memories_is_no_theme_and_in_three_it_is():
    lines = ["The strike of the railway begins on Thursday.", "Coaches replace trains during a strike.",
             "Dr Benhamou flies because of the strike."]  # fmt: skip
    assert recurring_themes(days(lines[:2])) == ()
    assert [theme.name for theme in recurring_themes(days(lines))] == ["strike"]


def test_fillers_name_no_theme():
    lines = ["The customer said that it works today", "A customer said the report was fine", "Another customer said no"]
    assert recurring_themes(days(lines)) == ()


@pytest.mark.parametrize(
    ("lines", "themes"),
    [
        pytest.param(
            ["We invited River to dinner.", "The river flooded the lower garden.", "Did River like the soup?",
             "I met River at the station."],
            {"River": (0, 2, 3)},
            id="a person and a river",
        ),
        pytest.param(
            ["I walk along River North on Sundays.", "The River Plate loses its fish."], {}, id="two rivers"
        ),
        pytest.param(
            ["I called Ana Lopez.", "Then Ana Kim wrote.", "I saw Ana in the hall.", "Ask Ana Lopez again."],
            {"Ana Lopez": (0, 3)},
            id="two people of one first name",
        ),
        pytest.param(
            ["Das Kulturhaus Pankow ist ausverkauft.", "Wir spielen im Kulturhaus Köpenick."], {}, id="two houses"
        ),
        pytest.param(
            ["Lunch cost 150 NOK again.", "The fee of 90 NOK is due.", "We owe 12 NOK to Runa."], {}, id="a currency"
        ),
    ],
)  # fmt: skip
def test_a_theme_has_one_meaning(lines, themes):
    memories = days(lines)
    found = {theme.name: theme.support for theme in recurring_themes(memories)}
    assert found == {name: tuple(memories[at].id for at in support) for name, support in themes.items()}


def test_among_many_memories_a_plain_word_needs_company():
    fillers = [f"Remark about {first}{second}ology." for first in "bcdfghjk" for second in "aeiou"]
    chance = ["I store nuts in a tin.", "The tin whistle is out of tune.", "She collects old tin toys."]
    meant = [
        "The strike of the railway begins.",
        "Coaches go during the strike of the railway.",
        "That railway strike stops every train.",
    ]
    names = [theme.name for theme in recurring_themes(days([*fillers, *chance, *meant]))]
    assert any("strike" in name for name in names)
    assert "tin" not in names


def test_importance_is_the_mean_of_the_supporting_memories():
    memories = [
        replace(memory, importance=value)
        for memory, value in zip(days(TENTS), [0.9, 0, 0.6, 0, 0.9, 0, 0], strict=True)
    ]
    assert recurring_themes(memories)[0].importance == pytest.approx(0.8)


def test_more_memories_give_more_confidence():
    few, many = (recurring_themes(days([f"{TENTS[0]} Case {case}." for case in range(count)]))[0] for count in (2, 9))
    assert few.confidence == 0.5
    assert many.confidence == pytest.approx(9 / 11)


def test_themes_of_important_memories_come_first():
    lines = [*[f"Refund for the blue tent, case {name}" for name in ("Ana", "Ben", "Cleo")],
             *[f"Printer in the hall jams again on {day} side" for day in ("left", "right", "upper")]]  # fmt: skip
    memories = [replace(memory, importance=0.9 if index >= 3 else 0.3) for index, memory in enumerate(days(lines))]
    assert "rinter" in recurring_themes(memories)[0].name
    assert "tent" in recurring_themes([replace(one, importance=1.2 - one.importance) for one in memories])[0].name


def test_the_order_of_the_memories_does_not_matter():
    memories = days(INCIDENT[:40])
    assert recurring_themes(memories[::-1]) == recurring_themes(memories)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CONTENT, st.floats()), max_size=30))
def test_a_theme_is_made_of_its_memories_and_in_range(lines):
    memories = [
        replace(memory, importance=importance)
        for memory, (_, importance) in zip(days([line for line, _ in lines]), lines, strict=True)
    ]
    for theme in recurring_themes(memories):
        supporting = [memory for memory in memories if memory.id in theme.support]
        assert len(supporting) == len(theme.support) >= 2
        assert unsupported(" ".join([theme.name, theme.text, *theme.tags]), sources_of(supporting)) == frozenset()
        assert theme.name.strip()
        assert theme.tags[0] == theme.name
        assert 0 <= theme.importance <= 1
        assert 0 <= theme.confidence <= 1


def test_thousands_of_memories_take_seconds():
    memories = session([f"{MIGRATION[index % 40]} ({index})" for index in range(5000)], minutes_apart=10)
    started = time.process_time()
    themes = recurring_themes(memories)
    assert time.process_time() - started < 5
    assert len(themes) <= MOST_THEMES


def test_what_one_session_says_of_itself_does_not_recur():
    lines = ["Patient B's potassium is 5.4.", "Patient B's potassium is repeated.", "Potassium of patient B is 4.9."]
    assert recurring_themes(session(lines)) == ()
    assert recurring_themes(days(lines)) != ()


def test_two_sessions_of_one_day_are_two_occasions():
    lines = ["The greenhouse heater broke.", "The greenhouse heater was replaced."]
    memories = [replace(one, session_id=f"s{at}") for at, one in enumerate(session(lines))]
    assert [theme.name for theme in recurring_themes(memories)] == ["greenhouse heater"]
    assert recurring_themes([replace(one, session_id=None) for one in memories]) == ()


def test_a_name_holds_no_word_that_its_evidence_does_not_share():
    lines = ["Patient B's potassium level was 5.9 today.", "Patient A's potassium level was 5.4 in the evening.",
             "Patient C's potassium level is back to 4.1."]  # fmt: skip
    (theme, *_) = recurring_themes(days(lines))
    assert theme.name == "potassium level"


def test_evidence_older_than_the_window_counts_for_nothing():
    memories = session(["The greenhouse heater broke.", "The greenhouse heater is back."], minutes_apart=60 * DAY)
    assert recurring_themes(memories) == ()
    assert len(recurring_themes(memories, window=timedelta(days=61))) == 1


def test_a_word_of_most_sessions_names_nothing():
    lines = ["The greenhouse heater broke.", "The greenhouse heater is back."]
    everywhere = Background.of([["greenhous", "heater"]] * 20)
    assert recurring_themes(days(lines), background=everywhere) == ()


def test_quotes_keep_their_speakers_and_their_dates():
    lines = ["Ana: Hi!", "Ben: Hello. My oven breaks down every winter.", "Ana: Call Dana, she repairs any oven tomorrow.",
             "Ben: The oven works again."]  # fmt: skip
    theme = next(one for one in recurring_themes(days(lines)) if one.name == "oven")
    assert theme.text == (
        "oven: 2026-11-21: Ben: My oven breaks down every winter. "
        "2026-11-22: Ana: Call Dana, she repairs any oven tomorrow [2026-11-23]. 2026-11-23: Ben: The oven works again."
    )


def test_the_latest_memory_of_a_theme_is_always_quoted():
    lines = ["We decided to buy a greenhouse heater for 210 EUR.", "It turned out that the greenhouse heater needs 16 A.",
             "The deadline for the greenhouse heater is 3 May.", "The greenhouse heater was refunded: 190 EUR.",
             "My aunt likes the greenhouse heater."]  # fmt: skip
    theme = next(one for one in recurring_themes(days(lines)) if "greenhouse heater" in one.name)
    assert theme.text.endswith("2026-11-24: My aunt likes the greenhouse heater.")


def test_what_is_quoted_in_a_few_words_has_the_next_sentence_with_it():
    lines = ["Leo: By the way, I play with the Harbour Orchestra. The audition is on 2 December.",
             "Leo: The Harbour Orchestra moved the audition."]  # fmt: skip
    theme = next(one for one in recurring_themes(days(lines)) if one.name == "Harbour Orchestra")
    assert theme.text.startswith(
        "Harbour Orchestra: 2026-11-20: Leo: I play with the Harbour Orchestra. The audition is on 2 December. 2026-11-21:"
    )


def test_among_many_memories_two_words_are_a_phrase_where_their_order_recurs():
    fillers = [f"Remark about {first}{second}ology." for first in "bcdfghjk" for second in "aeiou"]
    chance = ["We insure the home with a schedule.", "I schedule chores on my home screen."]
    meant = ["The garden gate squeaks.", "A new garden gate came."]
    names = [theme.name for theme in recurring_themes(days([*fillers, *chance, *meant]))]
    assert names == ["garden gate"]


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["Die Umwälzpumpe im Keller ist laut.", "Heute fiel die Umwälzpumpe aus."], "Umwälzpumpe"),
        (["El piano de la abuela suena mal.", "Hoy afinaron el piano.", "Vendemos el piano."], "piano"),
        (["数据库节点磁盘写满。", "今天数据库又写满了。"], "数据库"),
        (["会食の店は京橋です。", "会食の費用は8000円です。"], "会食"),
        (["Ремонт лифта начнётся в мае.", "Сегодня ремонт лифта отложили."], "ремонт лифта"),
    ],
)
def test_themes_are_named_in_any_language(lines, name):
    assert name in [theme.name for theme in recurring_themes(days(lines))]

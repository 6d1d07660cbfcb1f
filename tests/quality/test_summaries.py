"""What the built-in writer makes of the sample conversations, with thresholds: the quality gate of every run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest

from memory_maintenance.store.memory import Memory
from memory_maintenance.summarization.extractive import extractive_summary
from memory_maintenance.summarization.policy import fallback_text
from memory_maintenance.summarization.prompt import SessionSummaryResponse
from memory_maintenance.summarization.writing import extracted
from memory_maintenance.writers.extractive.transcript import label_of
from memory_maintenance.writers.language.dates import dates, kept_dates
from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS, language_of_all
from memory_maintenance.writers.language.relative_dates import with_dates
from memory_maintenance.writers.language.stop_words import CHATTER
from tests.quality.recall import Interval, answered, lexrank, recall
from tests.quality.samples import conversations, everything, expected, questions, summaries
from tests.writers.extractive.sessions import session

SHORT = 60
"""Words of a summary where writers are compared: so short that they have to choose."""


@pytest.fixture(scope="module")
def written() -> dict[str, SessionSummaryResponse]:
    return summaries(conversations())


def chats() -> dict[str, tuple[Memory, ...]]:
    """Return the conversations between two named people."""
    return {key: own for key, own in conversations().items() if re.search(r"-\d$", key)}


def passages(events: Sequence[Memory], summary: str) -> Iterator[tuple[str, str | None]]:
    """Yield who said each sentence that a summary holds, and behind whose label it stands."""
    names = {found[0] for event in events if (found := label_of(event.content))}
    summary = re.sub(r" \[[^\]]*\]", "", summary)  # dates that were resolved
    labels = [(at.start(), at[1]) for at in re.finditer(rf"\b({'|'.join(sorted(names))}): ", summary)]
    for event in events:
        found = label_of(event.content)
        assert found is not None
        for sentence in re.split(r"(?<=[.!?]) +", found[1]):
            at = summary.find(sentence.rstrip("."))
            if at >= 0 and len(sentence.split()) > 2:
                yield found[0], next((name for start, name in reversed(labels) if start < at), None)


def test_every_passage_stands_behind_the_label_of_who_said_it(written):
    short = summaries(chats(), max_words=lambda _: SHORT)
    found = [
        one
        for key, own in chats().items()
        for text in (written[key], short[key])
        for one in passages(own, text.summary)
    ]
    assert len(found) >= 250
    assert [one for one in found if one[0] != one[1]] == []


def test_six_of_ten_dates_that_are_said_are_kept_relative_ones_resolved():
    said = kept = 0
    for key, summary in summaries(everything()).items():
        own = everything()[key]
        language = language_of_all([event.content for event in own])
        named = frozenset[str]().union(*(dates(with_dates(one.content, one.created_at, language)) for one in own))
        said, kept = said + len(named), kept + len(kept_dates(named, summary.summary))
    assert said >= 150
    assert kept / said >= 0.6


def test_no_heading_no_markup_no_pep_talk_is_kept(written):
    for summary in written.values():
        assert not re.search(r"\*\*|^#|`|<[a-z]|\|---|(?:^|[.!?] )\d{1,2}\. ", summary.summary)
        for left_out in (
            "Etappen",
            "What to do",
            "Wichtig:",
            "let me know",
            "Happy baking",
            "You've got this",
            "print(",
        ):
            assert left_out.lower() not in summary.summary.lower()


def test_what_an_agent_found_with_its_tools_comes_before_what_they_print():
    (key,) = (key for key, own in everything().items() if len(own) > 100)
    summary = extractive_summary(everything()[key]).summary
    for found in ("the flaky test is a real bug", "Advisory locks are out", "Fix is live since 15:42", "Cause: commit"):
        assert found in summary
    assert summary.count("tool: ") < summary.count("assistant: ")


def test_payloads_are_summarized_as_what_they_say(written):
    summary = written["tools-order"].summary
    for said in ("carrier: Nordpost", "Hamar is closed until 26 November", "+ delivery_depot: Lillehammer", "QX-771"):
        assert said in summary
    assert "iVBOR" not in summary
    assert "{" not in summary


def test_topics_are_no_interjections_and_no_pairs_of_characters(written):
    for summary in written.values():
        words = [
            word for topic in summary.key_topics for word in topic.lower().split() if word not in ALL_FUNCTION_WORDS
        ]
        assert not {topic.lower() for topic in summary.key_topics} & (CHATTER | ALL_FUNCTION_WORDS)
        assert len(words) == len(set(words)), summary.key_topics
        assert len(summary.key_topics) >= 3


def test_topics_alone_lead_to_more_than_half_of_the_sessions(written):
    found = recall({key: " ".join(summary.key_topics) for key, summary in written.items()}, questions())
    assert found.share > 0.5, found


def test_a_mood_is_only_said_where_it_can_be_judged(written):
    moods = {key: summary.sentiment for key, summary in written.items()}
    assert {moods[key] for key, own in expected().items() if own["language"] != "en"} == {"neutral"}
    assert sum(mood == "positive" for mood in moods.values()) <= len(moods) / 5


async def test_everything_written_passes_the_gate():
    for events in everything().values():
        written = await extracted(events)
        assert (written.backend, written.quality["unsupported_numbers"]) == ("extractive", 0)


def test_a_summary_leads_to_its_session_more_often_than_raes_fallback_and_lexrank():
    sessions, asked = everything(), questions()
    ours = {key: one.as_text() for key, one in summaries(sessions, max_words=lambda _: SHORT).items()}
    central = {key: lexrank(own, most_words=len(ours[key].split())) for key, own in sessions.items()}
    first = {key: fallback_text(own) for key, own in sessions.items()}
    found: dict[str, Interval] = {
        name: recall(texts, asked) for name, texts in (("ours", ours), ("lexrank", central), ("fallback", first))
    }
    assert len(asked) >= 70
    assert found["ours"].share >= 0.95, found
    assert found["ours"].share >= found["lexrank"].share, found
    assert found["ours"].low > found["fallback"].share, found
    assert answered(ours, asked) >= max(0.75, answered(central, asked), answered(first, asked))


ENUMERATIONS = [
    ["Ana's flight leaves at 10.", "Ben's flight leaves at 14.", "Cem's flight leaves at 18."],
    [f"Patient {who} gets {dose} mg of bisoprolol." for who, dose in zip("ABCD", (5, 10, 2, 7), strict=True)],
    ["Ana's contract is with the office in Berlin.", "Ben's contract is with the office in Berlin.",
     "Correction: Ben's contract is with the office in Munich instead of Berlin."],
    ["Room 12 has 3 beds.", "Room 14 has 2 beds.", "Room 15 has 4 beds."],
    ["The travel budget for Q1 was rejected.", "The travel budget for Q2 was approved.", "The travel budget for Q3 is open."],
    ["Line 4 stops at Elm Road at 8:05.", "Line 7 stops at Elm Road at 8:20.", "Line 9 stops at Elm Road at 8:40."],
    ["Der Zug von Ana fährt um 9 Uhr ab.", "Der Zug von Ben fährt um 11 Uhr ab.", "Der Zug von Cem fährt um 13 Uhr ab."],
    ["Zimmer 3 kostet 80 Euro pro Nacht.", "Zimmer 5 kostet 95 Euro pro Nacht.", "Zimmer 8 kostet 110 Euro pro Nacht."],
    ["Frau Adler bekommt 2 mg Warfarin.", "Herr Brandt bekommt 5 mg Warfarin.", "Frau Chen bekommt 3 mg Warfarin."],
    ["Le colis de Léa pèse 4 kg.", "Le colis de Marc pèse 7 kg.", "Le colis d'Inès pèse 9 kg."],
    ["Le bus 12 part à 8 h 10.", "Le bus 14 part à 8 h 30.", "Le bus 21 part à 9 h."],
    ["El turno de Ana empieza a las 8.", "El turno de Luis empieza a las 14.", "El turno de Eva empieza a las 22."],
    ["La factura 811 suma 35 euros.", "La factura 812 suma 48 euros.", "La factura 813 suma 51 euros."],
    ["Dawka pacjenta Nowaka wynosi 5 mg.", "Dawka pacjenta Kowala wynosi 10 mg.", "Dawka pacjentki Lis wynosi 2 mg."],
    ["Pokój 12 kosztuje 200 złotych.", "Pokój 14 kosztuje 240 złotych.", "Pokój 15 kosztuje 310 złotych."],
]  # fmt: skip


@pytest.mark.parametrize("lines", ENUMERATIONS, ids=lambda lines: lines[0])
def test_of_an_enumeration_nothing_is_dropped_silently(lines):
    replaced = [lines[1]] if any("Correction" in line for line in lines) else []
    summary = extractive_summary(session(lines)).summary
    assert [line for line in lines if line not in summary] == replaced


def test_what_finds_no_room_is_counted():
    lines = [f"Patient {chr(65 + n)} gets {n + 2} mg of bisoprolol twice a day." for n in range(20)]
    summary = extractive_summary(session(lines)).summary
    listed = sum(line in summary for line in lines)
    assert listed >= 4
    assert f"(and {20 - listed} more like this)" in summary


def test_one_fact_that_finds_no_room_is_not_counted():
    lines = [f"Patient {chr(65 + n)} gets {n + 2} mg of bisoprolol twice a day." for n in range(9)]
    assert "more like this" not in extractive_summary(session(lines)).summary


@pytest.mark.parametrize(
    ("filler", "decision"),
    [
        ("We talked about option {} of the new office furniture.", "The travel budget was rejected."),
        ("We talked about option {} of the new office furniture.", "Let's take the oak desks."),
        ("We talked about option {} of the new office furniture.", "I'll order the oak desks."),
        ("Wir sprachen über Entwurf {} für die neuen Büromöbel.", "Wir nehmen die Eichentische."),
        ("On a parlé du projet {} pour les meubles du bureau.", "On prend les bureaux en chêne."),
        ("Hablamos del proyecto {} para los muebles de oficina.", "Nos quedamos con las mesas de roble."),
        ("Rozmawialiśmy o projekcie {} nowych mebli biurowych.", "Bierzemy dębowe biurka."),
    ],
)
def test_a_short_decision_counts(filler, decision):
    lines = [*map(filler.format, range(30)), decision, *map(filler.format, range(30, 60))]
    assert decision in extractive_summary(session(lines), max_words=60).summary


def test_the_user_comes_before_the_assistant():
    advice = "assistant: There are several places with outdoor seating and a menu for every taste in the old town."
    lines = [
        line for n in range(12) for line in (f"user: My allergy number {n} is against {'abcdefghijkl'[n]}nuts.", advice)
    ]
    summary = extractive_summary(session(lines), max_words=60).summary
    assert summary.count("user: ") > 3 * summary.count("assistant: ")


def test_what_is_said_again_in_nearly_the_same_words_is_kept_once():
    lines = [
        "user: I practise the tango turn from the class in Rosario, but my timing needs work.",
        "assistant: A metronome helps with the timing of a turn.",
        "user: I practise the tango turn from the class in Rosario with Pilar, but my timing needs more work and a beat.",
    ]
    assert extractive_summary(session(lines)).summary.count("tango turn") == 1

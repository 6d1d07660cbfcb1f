"""Themes of the sample conversations: none from one session alone, and what was planted is found."""

from __future__ import annotations

from collections import defaultdict

import pytest

from memory_maintenance.dreaming.themes import Theme, recurring_themes
from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.extractive.rarity import Background, session_words
from tests.quality.samples import conversations, everything

PLANTED = {
    "maya-and-tom": ({"pottery", "riverside", "bowl"}, {"ruth"}, {"biscuit", "greyhound"}, {"roof", "dana"}),
    "priya-and-leo": ({"orchestra", "violin", "okafor"}, {"otters", "elm"}, {"chapter", "whitlock"}),
    "nora-and-sam": ({"lemon", "greenhouse"}, {"finch", "hall", "wedding"}, {"driving", "lowe", "volvo"}),
    "lena-und-jonas": ({"bienenstock", "hedwig", "imker"}, {"kulturhaus"}, {"krankengymnastik", "demir"}),
    "camille-et-hugo": ({"food-truck"}, {"mairie", "salles"}, {"vélo"}, {"œufs"}),
    "lucia-y-mateo": ({"piano", "prats", "carmen"}, {"oporto"}, {"cadera", "padre"}, {"tomates", "pulgones", "huerto"}),
    "zosia-i-kuba": ({"chóru", "morawski", "kantata"}, {"łazienki", "wilk"}, {"kolęd", "anny"}),
}
"""By project, what was written to recur over its sessions: words of which a theme's name must hold one."""


@pytest.fixture(scope="module")
def themes() -> dict[str, tuple[Theme, ...]]:
    projects: defaultdict[str, list[Memory]] = defaultdict(list)
    for events in conversations().values():
        for event in events:
            projects[event.project or ""].append(event)
    background = Background.of(session_words([one.content for one in own]) for own in everything().values())
    return {project: recurring_themes(own, background=background) for project, own in projects.items()}


def test_no_theme_has_all_of_its_evidence_in_one_session(themes):
    session_of = {event.id: event.session_id for own in conversations().values() for event in own}
    found = [theme for own in themes.values() for theme in own]
    assert len(found) >= 25
    assert [theme.name for theme in found if len({session_of[one] for one in theme.support}) < 2] == []


def test_eight_of_ten_planted_themes_are_found(themes):
    planted = [(project, words) for project, own in PLANTED.items() for words in own]
    missed = [
        (project, words)
        for project, words in planted
        if not any(words & set(theme.name.lower().split()) for theme in themes[project])
    ]
    assert len(planted) >= 20
    assert len(missed) <= 0.2 * len(planted), missed


def test_every_quote_of_a_chat_names_its_speaker(themes):
    for project in PLANTED:
        for theme in themes[project]:
            quotes = theme.text.removeprefix(f"{theme.name}: ").split(" 2026-")
            assert all(quote.split(": ")[1].istitle() for quote in quotes), theme.text


def test_every_memory_behind_a_theme_holds_its_name(themes):
    contents = {event.id: event.content.lower() for own in conversations().values() for event in own}
    for own in themes.values():
        for theme in own:
            words = [word for word in theme.name.lower().split() if len(word) > 3]
            assert all(word[:4] in contents[one] for word in words for one in theme.support), theme.name

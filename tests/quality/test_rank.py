"""What derived memories do to a search: evidence by text match × importance, without and with them in the index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean

import pytest

from memory_maintenance.dreaming.themes import recurring_themes
from memory_maintenance.store.memory import Memory
from memory_maintenance.summarization.policy import summary_importance
from memory_maintenance.writers.extractive.rarity import Background, session_words
from tests.quality.recall import Bm25, words
from tests.quality.samples import Question, everything, questions, summaries

TOLD = 3
"""Themes of a project that are stored."""

Ranked = Mapping[str, tuple[str, float]]
"""Texts and their importance."""


def evidence(asked: Question) -> frozenset[str]:
    """Return the events of the session that hold most words of the answer."""
    answer = set(words(asked.answer))
    held = {str(event.id): len(answer & set(words(event.content))) for event in everything()[asked.session]}
    return frozenset(key for key, count in held.items() if count == max(held.values()))


def recall_at_10(store: Ranked) -> float:
    index = Bm25({key: text for key, (text, _) in store.items()})
    shares = []
    for asked in questions():
        first = index.first(asked.text, 10, weights={key: importance for key, (_, importance) in store.items()})
        wanted = evidence(asked)
        shares.append(len(wanted.intersection(first)) / len(wanted))
    return fmean(shares)


@pytest.fixture(scope="module")
def events() -> Ranked:
    return {str(one.id): (one.content, one.importance) for own in everything().values() for one in own}


@pytest.fixture(scope="module")
def dreams() -> Ranked:
    projects: defaultdict[str, list[Memory]] = defaultdict(list)
    for own in everything().values():
        projects[own[0].project or ""].extend(own)
    background = Background.of(session_words([one.content for one in own]) for own in everything().values())
    return {
        f"dream {project} {number}": (theme.text, theme.importance)
        for project, own in projects.items()
        for number, theme in enumerate(recurring_themes(own, background=background)[:TOLD])
    }


def test_dreams_in_the_index_hide_no_evidence(events, dreams):
    assert len(questions()) >= 70
    assert len(dreams) >= 25
    assert recall_at_10({**events, **dreams}) >= recall_at_10(events)


@pytest.fixture(scope="module")
def written() -> Ranked:
    return {key: (one.as_text(), summary_importance(everything()[key])) for key, one in summaries(everything()).items()}


def test_summaries_and_dreams_together_hide_one_memory_at_most(events, dreams, written):
    assert len(written) >= 60
    assert recall_at_10({**events, **dreams, **written}) >= recall_at_10(events) - 1 / len(questions())


def test_two_of_three_questions_still_find_the_summary_of_their_session(events, written):
    store = {**events, **written}
    index = Bm25({key: text for key, (text, _) in store.items()})
    weights = {key: importance for key, (_, importance) in store.items()}
    found = [asked.session in index.first(asked.text, 10, weights=weights) for asked in questions()]
    assert fmean(found) >= 2 / 3

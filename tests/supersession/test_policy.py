from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from memory_maintenance.supersession.policy import Statement, supersedes, supersessions
from tests.supersession.pairs import KEPT, MISSED, UPDATES

AT = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW = "The night export runs at 2:00.", "The night export runs at 4:00 instead of 2:00."


def statement(text: str, day: int, **others) -> Statement:
    values = {"scope": ("shop", "internal", ""), "created_at": AT + timedelta(days=day), "fingerprint": b"", **others}
    return Statement(id=UUID(int=day + 1), text=text, **values)


def judged(earlier: str, later: str) -> str | None:
    one, other = statement(earlier, 0, session="a"), statement(later, 1, session="b")
    reason = supersedes(other, one)
    assert [found.reason for found in supersessions([one, other], {other.id})] == ([reason] if reason else [])
    return reason


def test_the_set_is_large_enough_and_has_updates_and_others_in_five_languages():
    assert len(UPDATES) == len(KEPT) == len(MISSED) == 5
    assert sum(len(pairs) for labelled in (UPDATES, KEPT, MISSED) for pairs in labelled.values()) >= 60


def test_nothing_is_superseded_by_another_subject_a_question_or_a_plan():
    assert [pair for pairs in KEPT.values() for pair in pairs if judged(*pair) or judged(*pair[::-1])] == []


def test_an_update_is_found_by_its_rule():
    wrong = [pair for pairs in UPDATES.values() for pair in pairs if judged(*pair[1:]) != pair[0]]
    assert wrong == []


def test_an_update_in_other_words_is_not_found():
    assert [pair for pairs in MISSED.values() for pair in pairs if judged(*pair)] == []


@pytest.mark.parametrize(
    "others",
    [
        {"scope": ("house", "internal", "")},
        {"scope": ("shop", "restricted", "")},
        {"scope": ("shop", "internal", "assistant")},
        {"protected": True},
        {"created_at": AT + timedelta(days=2)},
        {"created_at": AT + timedelta(days=1)},
    ],
    ids=["project", "class", "role", "protected", "later", "same time"],
)
def test_nothing_is_superseded_across_projects_or_classes_nor_what_is_protected_or_not_older(others):
    assert supersedes(statement(NEW, 1), statement(OLD, 0)) == "old_value_quoted"
    assert supersedes(statement(NEW, 1), statement(OLD, 0, **others)) is None


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("My rent for the flat is 900 euros.", "My rent for the flat is 950 euros."),
        ("Maya: the rent for the flat is 900 euros.", "Maya: the rent for the flat is 950 euros."),
    ],
)
def test_what_only_a_session_tells_of_whom_it_speaks_is_superseded_within_that_session(earlier, later):
    one = statement(earlier, 0, session="a")
    assert supersedes(statement(later, 1, session="a"), one) == "new_value"
    assert supersedes(statement(later, 1, session="b"), one) is None
    assert supersedes(statement(later, 1), statement(earlier, 0)) is None


def test_a_fact_that_changes_twice_is_a_chain_and_each_version_is_replaced_by_the_next():
    versions = [statement(f"The rent for the office is {rent} euros.", day) for day, rent in enumerate((800, 900, 950))]
    found = supersessions(versions, {one.id for one in versions})
    assert [(one.earlier, one.later) for one in found] == [(versions[0], versions[1]), (versions[1], versions[2])]

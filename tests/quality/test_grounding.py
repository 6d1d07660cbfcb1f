"""No faithful answer is refused for its language, and an invented one is: P10."""

from pathlib import Path

import pytest

from memory_maintenance.writers.language.grounding import LIMITS, family_of
from tests.quality.answers import (
    FAMILIES,
    Judged,
    family_table,
    judged,
    judged_apart,
    sessions,
    table,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "language-model.md"


@pytest.fixture(scope="module")
def answers() -> list[Judged]:
    return judged()


def share(answers: list[Judged]) -> float:
    return sum(one.refused for one in answers) / len(answers)


def test_every_family_of_scripts_has_fifty_faithful_answers():
    written = [(family_of(text), text) for own in sessions().values() for one in own for text in one.faithful]
    counted = {family: sum(one == family for one, _ in written) for family in LIMITS}
    assert counted["han"] + counted["thai"] >= 50
    assert min(counted[family] for family in ("spaced", "prefixing", "hangul", "indic")) >= 50
    assert counted["english"] >= 50


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
def test_at_most_two_in_a_hundred_faithful_answers_are_refused(answers, long):
    assert share([one for one in answers if one.kind == "faithful" and one.long is long]) <= 0.02


@pytest.mark.parametrize("family", LIMITS)
def test_no_family_pays_for_the_others(answers, family):
    faithful = [one for one in answers if one.kind == "faithful" and one.family == family]
    assert share(faithful) <= 0.02
    assert share([one for one in answers if one.kind == "invented" and one.family == family and not one.long]) >= 0.95


def test_inventions_are_refused_in_long_sessions_too(answers):
    assert share([one for one in answers if one.kind == "invented" and one.long]) >= 0.90


def test_the_limits_hold_for_the_sessions_that_did_not_set_them(answers):
    checked = [one for one in answers if one.session % 2 == 0 and not one.long]
    assert share([one for one in checked if one.kind == "faithful"]) <= 0.02
    assert share([one for one in checked if one.kind == "invented"]) >= 0.95


@pytest.fixture(scope="module")
def apart() -> list[Judged]:
    return judged_apart()


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_that_set_no_limit_are_judged_as_well(apart, family):
    own = [one for one in apart if one.family == family and not one.long]
    faithful, invented = ([one for one in own if one.kind == kind] for kind in ("faithful", "invented"))
    assert min(len(faithful), len(invented)) >= 50
    assert share(faithful) <= 0.02
    assert share(invented) >= 0.95


def test_inventions_are_refused_in_long_records_that_set_no_limit(apart):
    invented = [one for one in apart if one.kind == "invented" and one.long]
    assert share(invented) >= 0.93
    assert share([one for one in invented if one.family == "thai"]) >= 0.95


def test_languages_that_no_limit_was_set_on_are_among_them(apart):
    new = {one.language for one in apart} - sessions().keys()
    assert len(new) >= 8
    of_new = [one for one in apart if one.language in new]
    assert share([one for one in of_new if one.kind == "faithful"]) == 0
    assert share([one for one in of_new if one.kind == "invented"]) == 1


def test_the_published_table_by_family_is_what_is_measured(apart):
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [row for row in family_table(apart) if row not in text] == []


def test_the_published_table_is_what_is_measured(answers):
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [row for row in table(answers) if row not in text] == []

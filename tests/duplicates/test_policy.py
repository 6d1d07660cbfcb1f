from datetime import UTC, datetime
from uuid import UUID

import pytest

from memory_maintenance.duplicates.policy import Wording, folds, likeness, may_be_rephrased, rephrasings

AT = datetime(2026, 1, 1, tzinfo=UTC)


def wording(text: str, number: int = 1, scope: tuple[str, str] = ("shop", "internal"), **others) -> Wording:
    return Wording(UUID(int=number), text, scope, **{"importance": 0.5, "created_at": AT, "fingerprint": b"", **others})


@pytest.mark.parametrize(
    ("one", "other", "like"),
    [
        ("The lamp in the hall is red.", "the lamp in  the hall is RED", None),
        ("The lamp in the hall is red.", "the lamp in  the hall is red", "exact"),
        ("THE LAMP IS RED", "The lamp is red.", "exact"),
        ("She flew to Turkey today", "She flew to turkey today", None),
        ("ok", "ok", None),
        ("The shop opens on Monday at 9", "On Monday at 9 the shop opens", "near"),
        ("Please bring the red folder to room 4", "Bring red folder to the room 4", "near"),
        ("The server doesn't restart at night", "The server does not restart at night.", "near"),
        ("The server restarts at night", "The server does not restart at night", None),
        ("He can use the door", "He can't use the door", None),
        ("The rent is 900 euros a month", "The rent is 950 euros a month", None),
        ("The flight takes two hours more", "The flight takes three hours more", None),
        ("It was 5 degrees outside", "It was -5 degrees outside", None),
        ("The fee is $5 per month", "The fee is €5 per month", None),
        ("The door is open now", "The door is open now?", None),
        ("Anna owes Ben 20 euros", "Ben owes Anna 20 euros", None),
        ("Anna lives in Berlin today", "Hanna lives in Berlin today", None),
        ("Der Schlüssel liegt im Schrank", "Schlüssel liegt im Schrank", "near"),
        ("Der Schlüssel liegt im Schrank", "Der Schlüssel liegt nicht im Schrank", None),
        ("Der Chef lobt den Koch", "Den Chef lobt der Koch", None),
        ("Die Lampe wird am Montag repariert", "Am Montag wird die Lampe repariert", "near"),
        ("In Oslo wohnt die Schwester von Anna", "Die Schwester von Anna wohnt in Oslo", "near"),
        ("Anna liebt heimlich Ben", "Ben liebt heimlich Anna", None),
        ("Vor der Messe liegt der Park", "Vor dem Park liegt die Messe", None),
        ("W domu w Gdyni mieszka brat Marka", "Brat Marka mieszka w domu w Gdyni", "near"),
        ("The call is at 3 pm on 12 March 2026", "The call is at 15:00 on 2026-03-12", "near"),
        ("The call is at 3:00:05 pm", "The call is at 3:00:06 pm", None),
        ("The call is on 03/04/2026 in Oslo", "The call is on 3 April 2026 in Oslo", None),
        ("The plants in the hall die", "The plants in the hall", None),
        ("会议室在三楼的右边", "会议室在三楼的右边。", "exact"),
        ("会议室不在三楼的右边", "会议室在三楼的右边", None),
    ],
)
def test_two_texts_are_alike_where_nothing_that_matters_differs(one, other, like):
    assert likeness(wording(one), wording(other, 2)) == likeness(wording(other), wording(one, 2)) == like


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        ("Emma is the owner of the flower shop", "The flower shop belongs to Emma", True),
        ("The rent is 900 euros and paid by Ben", "Ben pays a rent of 950 euros", False),
        ("The rent rose from 900 to 950 euros", "From 950 euros the new rent fell to 900", False),
        ("Emma owns the flower shop with Ben", "The flower shop belongs to Emma and Tom", False),
        ("Emma is the owner of the flower shop", "The flower shop does not belong to Emma", False),
        ("Emma is the owner of the flower shop", "Does the flower shop belong to Emma?", False),
        ("Nadia prefers meetings in the morning", "Camille likes to meet in the morning", False),
        ("Emma owes Ben a lot of money", "Ben is in debt: money that Emma gets", False),
        ("The shop opens on Monday at noon", "On Monday at noon the shop closes", False),
        ("The cat chased the dog", "The dog chased the cat", False),
        ("Emma owns it. The shop is old", "The old shop belongs to Emma", False),
    ],
)
def test_two_texts_may_be_rephrased_where_no_figure_name_or_negation_differs_and_no_word_is_exchanged(one, other, may):
    assert may_be_rephrased(wording(one), wording(other, 2)) == may
    assert may_be_rephrased(wording(other), wording(one, 2)) == may


def test_each_memory_is_rephrased_once_and_a_protected_one_stays():
    text, other = "Emma is the owner of the flower shop", "The flower shop belongs to Emma"
    one, again, third = wording(text, 1), wording(other, 2), wording(other, 3)
    assert rephrasings([(one, again), (again, third)]) == [(again, one)]
    kept = wording(other, 2, protected=True)
    assert rephrasings([(one, kept)]) == [(one, kept)]
    assert rephrasings([(wording(text, 1, protected=True), kept)]) == []


@pytest.mark.parametrize("scope", [("house", "internal"), ("shop", "restricted")], ids=["project", "class"])
def test_nothing_is_folded_across_projects_or_classes(scope):
    assert likeness(wording("The lamp is red"), wording("The lamp is red", scope=scope)) is None


def test_the_most_important_one_stays_and_a_protected_one_is_never_folded():
    text = "The lamp is red"
    group = [wording(text, 1), wording(text, 2, importance=0.9), wording(text, 3, protected=True), wording(text, 4)]
    assert [(a.id.int, b.id.int) for a, b in folds(group, "exact")] == [(1, 3), (2, 3), (4, 3)]
    both = [wording(text, 1, protected=True), wording(text, 2, protected=True)]
    assert folds(both, "exact") == []

import pytest

from memory_maintenance.writers.extractive.facts import fact_of, of_one_kind, replaces


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("Ana's flight leaves at 10.", "Ben's flight leaves at 14."),
        ("Patient A gets 5 mg of bisoprolol.", "Patient B gets 10 mg of bisoprolol."),
        (
            "Ana's contract is with the office in Berlin.",
            "Correction: Ben's contract is with the office in Munich instead of Berlin.",
        ),
        ("Room 12 has 3 beds.", "Room 14 has 3 beds."),
        ("Order 4412 costs 189 EUR.", "Order 4413 costs 189 EUR."),
        ("The reading at 10:00 was 5.4.", "The reading at 11:00 was 5.6."),
        ("The travel budget for Q1 was rejected.", "The travel budget for Q2 was rejected."),
        ("Der Flug von Ana geht um 10 Uhr.", "Der Flug von Ben geht um 14 Uhr."),
        ("La dose de Léa est de 5 mg le matin.", "La dose de Marc est de 10 mg le matin."),
        ("El turno de Ana empieza a las 8.", "El turno de Luis empieza a las 14."),
        ("Dawka pacjenta Nowaka wynosi 5 mg.", "Dawka pacjenta Kowala wynosi 10 mg."),
        ("Mr Dorn takes 7 mg of warfarin.", "Correction: Mr Brandt takes 4 mg of warfarin instead of 5 mg."),
        ("安娜的合同在柏林办公室签。", "更正：本的合同改为慕尼黑办公室，不是柏林办公室。"),
    ],
)
def test_different_facts_are_no_repeats(earlier, later):
    assert not replaces(fact_of(later), fact_of(earlier))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("The pool has 64 connections.", "The pool has 64 connections."),
        ("The export job of finance runs nightly at 02:00.", "The export job of finance runs nightly at 04:00."),
        (
            "Ben's contract is with the office in Berlin.",
            "Correction: Ben's contract is with the office in Munich instead of Berlin.",
        ),
        (
            "The deadline for the cut-over is 12 March 2027, because MySQL support ends that week.",
            "Correction: the cut-over deadline is no longer 12 March 2027, the vendor moved it to 26 March 2027.",
        ),
        (
            "Kurier odbierze paczkę 27 listopada i doręczy do 1 grudnia.",
            "Poprawka: doręczenie paczki nastąpi 30 listopada, a nie 1 grudnia.",
        ),
        ("Итоговая сумма: 1 284 500 рублей.", "Исправление: итоговая сумма 1 248 500 рублей, была опечатка."),
        ("Mr Brandt takes 5 mg of warfarin.", "Correction: Mr Brandt takes 4 mg of warfarin instead of 5 mg."),
    ],
)
def test_a_later_value_of_the_same_thing_takes_its_place(earlier, later):
    assert replaces(fact_of(later), fact_of(earlier))
    assert not replaces(fact_of(later), fact_of("The walrus has 12 whiskers."))


def test_what_another_speaker_says_of_himself_replaces_nothing():
    earlier, later = (
        fact_of(f"My train to the coast leaves at {hour}:00.", who) for hour, who in ((8, "Ana"), (9, "Ben"))
    )
    assert not replaces(later, earlier)
    assert replaces(fact_of("My train to the coast leaves at 9:00.", "Ana"), earlier)


def test_facts_of_one_kind_differ_in_whom_and_how_much():
    assert of_one_kind(fact_of("Ana's flight to Oslo leaves at 10."), fact_of("Ben's flight to Oslo leaves at 14."))
    assert not of_one_kind(fact_of("Ana's flight to Oslo leaves at 10."), fact_of("Ana sold her blue tent."))

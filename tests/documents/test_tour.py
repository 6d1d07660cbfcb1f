"""docs/tour.md is what an operator sees: its commands, run in order on the embedded servers, print what it shows."""

import re
from contextlib import aclosing

import pytest

from tests.documents.tour import ELLIPSIS, PAGE, as_shown, steps, taken, words
from tests.processes.conftest import ROOT

PAGES_WORTH = PAGE.read_text()
STEPS = steps(PAGES_WORTH)


async def test_every_command_prints_what_the_tour_shows():
    done = []
    async with aclosing(taken(PAGES_WORTH)) as transcript:
        async for step, printed in transcript:
            # As lists of words, so that a difference is shown as such.
            if not as_shown(printed, step.shown):
                assert words(printed) == words(step.shown), f"{step.command}: python -m tests.documents.tour"
            done.append(step.command)
    assert done == [step.command for step in STEPS]


def test_no_command_of_the_page_is_left_out():
    assert [step.command for step in STEPS] == re.findall(r"^\$ (.+)$", PAGES_WORTH, re.MULTILINE)
    assert len(STEPS) > 10


def test_whatever_an_operator_wants_takes_two_commands_at_most():
    sections = re.split(r"^## ", PAGES_WORTH, flags=re.MULTILINE)[1:]
    assert [section.splitlines()[0] for section in sections if not 1 <= len(steps(section)) <= 2] == []


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.command[:40])
def test_a_word_more_less_or_other_is_a_difference(step):
    shown = step.shown.split()
    assert as_shown(step.shown, step.shown)
    for place in [place for place, word in enumerate(shown) if re.search("[a-z]{3}", word) and word != ELLIPSIS]:
        before, after = shown[:place], shown[place + 1 :]
        for changed in ([*before, "other", *after], [*before, *after], [*before, shown[place], "more", *after]):
            assert not as_shown(" ".join(changed), step.shown.replace(f"\n{ELLIPSIS}\n", "\n")), changed[place]


def test_numbers_ids_times_and_paths_are_no_difference():
    one = "2026-11-25T03:10:03Z wrote /srv/a/b.html: cycle 01a210ae-8782, took 59.9 s, 5 of 1,150"
    other = "2027-01-02T13:10:03Z wrote /opt/me/night.html: cycle 02b310ae-1111, took 1 min 2 s, 6 of 7"
    assert words(one) == words(other)
    assert words(one) != words(one.replace("took", "lost"))


def test_the_readme_begins_with_the_way_to_it():
    assert "(docs/tour.md)" in (ROOT / "README.md").read_text()

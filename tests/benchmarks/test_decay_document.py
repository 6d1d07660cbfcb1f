"""docs/decay.md says what the code does."""

import doctest

import pytest

from benchmarks.decay_plots import FOLDER, PICTURES
from benchmarks.decay_recall import as_markdown, measure_seeds

DOCUMENT = FOLDER.parent / "decay.md"


def test_the_worked_examples_come_out_as_they_are_written():
    failed, tried = doctest.testfile(str(DOCUMENT), module_relative=False, encoding="utf-8")
    assert tried > 10
    assert failed == 0


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_the_rules_draw(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == PICTURES[name]()
    assert f"pictures/{name}" in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_table_is_what_is_measured():
    assert as_markdown(measure_seeds(5)) in DOCUMENT.read_text(encoding="utf-8")

"""docs/decay.md says what the code does."""

import doctest
from statistics import fmean

import numpy as np
import pytest

from benchmarks.decay_plots import FOLDER, PICTURES, main
from benchmarks.decay_policies import BOUNDED, KEEPING_NOTHING, STAGED, UNDECAYED
from benchmarks.decay_recall import NEWEST, OLD, RECALL, as_markdown, measure
from benchmarks.synthetic_store import SEED, synthetic_store
from memory_maintenance.decay.costs import MEASURED

DOCUMENT = FOLDER.parent / "decay.md"


def test_the_worked_examples_come_out_as_they_are_written():
    failed, tried = doctest.testfile(str(DOCUMENT), module_relative=False, encoding="utf-8")
    assert tried > 10
    assert failed == 0


def test_the_pictures_are_what_the_rules_draw(tmp_path):
    main(tmp_path)
    for name in PICTURES:
        assert (FOLDER / name).read_bytes() == (tmp_path / name).read_bytes()
        assert f"pictures/{name}" in DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def measured():
    return measure([synthetic_store(seed) for seed in range(SEED, SEED + 5)])


@pytest.mark.slow
def test_the_table_is_what_is_measured(measured):
    assert as_markdown(measured) in DOCUMENT.read_text(encoding="utf-8")


def _means(measured, name):
    return np.array([100 * fmean(measured[name][column]) for column in (RECALL, OLD, NEWEST)])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "cost"), list(zip((STAGED, KEEPING_NOTHING, BOUNDED), MEASURED, strict=True)))
def test_what_simulate_and_explain_say_of_the_cost_is_what_is_measured(measured, name, cost):
    changes = _means(measured, name) - _means(measured, UNDECAYED)
    assert changes.tolist() == pytest.approx([cost.recall, cost.recall_of_old, cost.newest_first], abs=0.0501)


@pytest.mark.slow
def test_the_default_does_no_harm(measured):
    recall, old, newest = _means(measured, STAGED) - _means(measured, UNDECAYED)
    assert recall >= -1.5
    assert old >= -5
    assert newest >= 0

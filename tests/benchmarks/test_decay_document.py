"""docs/decay.md says what the code does."""

import doctest

import pytest

from benchmarks.decay_plots import FOLDER, PICTURES, main
from benchmarks.decay_recall import as_markdown, measure
from benchmarks.synthetic_store import SEED, synthetic_store

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


@pytest.mark.slow
def test_the_table_is_what_is_measured():
    stores = [synthetic_store(seed) for seed in range(SEED, SEED + 5)]
    assert as_markdown(measure(stores)) in DOCUMENT.read_text(encoding="utf-8")

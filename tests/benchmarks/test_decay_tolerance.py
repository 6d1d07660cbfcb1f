"""The table of tolerances."""

from benchmarks.decay_tolerance import Outcome, as_markdown

EXACT = Outcome(1.0, 0.5, 0.4, ((1, 2, 3), (4, 5)))


def test_the_table_compares_each_tolerance_with_none():
    swapped = Outcome(0.25, 0.52, 0.4, ((2, 1, 3), (4, 6)))
    measured = [dict.fromkeys((0.0, 0.0002, 0.0005, 0.002, 0.005, 0.01), EXACT) | {0.001: swapped}]
    rows = as_markdown(measured).splitlines()
    assert rows[2] == "| 0 | 100% | +0.00 | +0.00 | 100.0% | 100.0% |"
    assert rows[5] == "| 0.001 | 25% | +2.00 | +0.00 | 50.0% | 0.0% |"

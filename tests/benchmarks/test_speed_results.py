"""What the speed benchmark says of its figures."""

import json

import pytest

from benchmarks.speed.__main__ import measured
from benchmarks.speed.bench import Part, Progress
from benchmarks.speed.results import Measurement, Results, Target, as_json, as_text, digits, write

MACHINE = {"cores": "2", "Python": "3.11"}


@pytest.mark.parametrize(
    ("figure", "bound", "sense", "met"),
    [
        pytest.param(1.0, 1.0, "at_most", True, id="on the bound is met"),
        pytest.param(1.001, 1.0, "at_most", False, id="above the most"),
        pytest.param(0.2, 0.25, "at_least", False, id="below the least"),
        pytest.param(0.3, 0.25, "at_least", True, id="above the least"),
        pytest.param(0, 0, "at_most", True, id="nothing where nothing is allowed"),
    ],
)
def test_a_target_is_met_on_the_right_side_of_its_bound(figure, bound, sense, met):
    assert Target("it", figure, bound, sense).is_met == met


def test_a_missed_goal_is_no_missed_target():
    results = Results()
    results.judged("goal", 2, 1, kind="goal")
    missed = results.judged("target", 2, 1)
    assert results.missed() == [missed]


def test_the_median_of_repetitions_counts():
    assert Measurement("it", (9.0, 1.0, 2.0), "s").median == 2.0


def test_the_table_has_a_row_per_target_and_one_per_measurement():
    results = Results(remarks=["Celery: redis-server is not on the PATH"])
    results.measured("ours", [1.0, 3.0, 2.0], "s", "a note")
    results.judged("fast", 0.5, 1.0, how="by the floor")
    results.judged("small", 300, 200, unit="MB")
    lines = as_text(results, MACHINE, quick=False).splitlines()
    assert "| fast (by the floor) | 0.5 × | ≤ 1 × | yes |" in lines
    assert "| small | 300 MB | ≤ 200 MB | **no** |" in lines
    assert "| ours | 2 s | 1–3 | 3 | a note |" in lines
    assert "- Celery: redis-server is not on the PATH" in lines


def test_small_sizes_are_not_taken_for_results():
    assert "Quick sizes" in as_text(Results(), MACHINE, quick=True)


def test_what_was_written_can_be_read(tmp_path):
    results = Results()
    results.measured("ours", 1.5, "s")
    results.judged("fast", 0.5, 1.0)
    write(results, quick=False, folder=tmp_path)
    said = as_json(tmp_path)
    assert said["measurements"][0] | {"note": ""} == {
        "name": "ours", "values": [1.5], "unit": "s", "note": "", "median": 1.5
    }  # fmt: skip
    assert said["targets"][0]["met"]
    assert "Postgres" in json.dumps(said["machine"])


@pytest.mark.parametrize(("value", "said"), [(0, "0"), (0.01234, "0.0123"), (12.34, "12.3"), (1234.5, "1,234")])
def test_figures_have_three_digits(value, said):
    assert digits(value) == said


def test_the_time_left_is_that_of_the_parts_to_come():
    progress = Progress({"first": 100.0, "second": 50.0})
    progress.begin("first")
    assert progress.seconds_left() == pytest.approx(150, abs=1)


def test_a_line_says_what_was_measured_and_how_much_is_left():
    said: list[str] = []
    progress = Progress({"part": 120.0}, say=said.append)
    progress.begin("part")
    progress.line("a night", "3 s")
    assert said[0].endswith("part: a night: 3 s  (about 2 min left)")


async def test_a_part_that_breaks_off_does_not_lose_the_others(tmp_path, capsys):
    async def breaks(_bench):
        raise RuntimeError("no such store")

    async def works(bench):
        bench.results.measured("it", bench.size(2, 1), "s")

    parts = [Part("first", breaks, 1, 1), Part("second", works, 1, 1)]
    results = await measured(parts, tmp_path, quick=True, repetitions=1)
    assert results.measurements == [Measurement("it", (1.0,), "s")]
    assert "- first: broke off with RuntimeError" in as_text(results, MACHINE, quick=True)
    assert "no such store" in capsys.readouterr().err

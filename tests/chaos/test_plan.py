import random
from datetime import UTC, datetime, timedelta

import pytest

from chaos.clock import SPAN, Clock
from chaos.faults import WEIGHTS, plan
from chaos.seeds import SEEDS
from chaos.settings import Options


@pytest.mark.parametrize("seconds", [20, 60, 400])
def test_every_kind_of_fault_happens_in_order_of_time(seconds):
    faults = plan(random.Random(1), seconds)
    assert {fault.kind for fault in faults} == set(WEIGHTS)
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert 0 <= faults[0].at <= faults[-1].at <= seconds


def test_a_seed_is_a_plan():
    assert plan(random.Random(1), 60) == plan(random.Random(1), 60) != plan(random.Random(2), 60)


def test_ten_different_seeds_are_written_down():
    assert len(set(SEEDS)) == 10


@pytest.mark.parametrize(("minutes", "least"), [(10, 400), (3, 50), (0.1, 15)])
def test_a_run_keeps_time_back_for_its_end(minutes, least):
    assert least <= Options(1, minutes).fault_seconds <= max(15, minutes * 60 - 60)


def test_the_clock_gains_on_real_time_stops_at_its_span_and_never_repeats_itself():
    seconds = iter([0.0, 0.0, 0.0, 5.0, 10.0, 99.0, 99.0])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    clock = Clock(begins, 10.0, monotonic=lambda: next(seconds))
    told = [clock.now() - begins for _ in range(6)]
    tick = timedelta(microseconds=1)
    assert told == [tick, 2 * tick, SPAN / 2, SPAN, SPAN + tick, SPAN + 2 * tick]

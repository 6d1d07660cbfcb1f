"""The check of importance: fed with what the rule gives it holds, fed with anything else it does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chaos.checks.decay import Base, DecayHistory, ObservedRun, Row, check_bases, check_importance, check_writes
from chaos.decay_model import left
from chaos.record import Around, DecayState, Remembered, Said

DAY = timedelta(days=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
RUNS = [BEGIN + n * 5 * DAY for n in range(5)]
"""Adoption, three more runs, and the last one."""
LAST = RUNS[-1]
HISTORY = DecayHistory(BEGIN, LAST, {"acme": [ObservedRun(run, whole=True) for run in RUNS]}, rate=0.01)


def at_rest(run: int) -> DecayState:
    """The tenant's row after a run."""
    return DecayState(RUNS[run], RUNS[run])


def in_flight(run: int) -> DecayState:
    """The tenant's row while pages of a run may still be written."""
    return DecayState(RUNS[run], RUNS[run - 1] if run else None)


def remembered(*said: Said, importance: float | None = 0.8, age: timedelta = 10 * DAY, **others) -> Remembered:
    return Remembered(UUID(int=1), "acme", "zq", BEGIN - age, importance, said=list(said), **others)


def set_at(before: DecayState, after: DecayState | None = None, value: float = 0.6) -> Said:
    return Said(value, Around(before, after or before))


def priced(base: Base, memory: Remembered) -> float:
    return left(base.value, base.at, memory.accessed_at or memory.created_at, LAST, 0.01)


def row(memory: Remembered, importance: float | None) -> Row:
    return Row(importance, memory.writes, memory.content, memory.tags, memory.created_at, memory.accessed_at)


def verdict(memory: Remembered, importance: float | None, history: DecayHistory = HISTORY):
    return check_importance({memory.id: memory}, {memory.id: row(memory, importance)}, history)


@pytest.mark.parametrize(
    ("memory", "bases"),
    [
        pytest.param(remembered(), [(0.8, BEGIN - DAY)], id="never set: from a day before adoption"),
        pytest.param(remembered(age=DAY / 2), [(0.8, BEGIN - DAY / 2)], id="never set: from its creation"),
        pytest.param(remembered(set_at(at_rest(1))), [(0.6, RUNS[2])], id="set between two runs: from the next one"),
        pytest.param(
            remembered(set_at(at_rest(1)), set_at(at_rest(2), value=0.3)), [(0.3, RUNS[3])], id="the last set counts"
        ),
        pytest.param(
            remembered(set_at(in_flight(1))), [(0.6, RUNS[1]), (0.6, RUNS[2])], id="a page was in flight: either"
        ),
        pytest.param(
            remembered(set_at(at_rest(1), in_flight(2))), [(0.6, RUNS[2]), (0.6, RUNS[3])], id="a run began meanwhile"
        ),
        pytest.param(remembered(set_at(DecayState())), [(0.6, BEGIN - DAY)], id="set before any run: as if born so"),
        pytest.param(
            remembered(set_at(in_flight(0))),
            [(0.6, BEGIN - DAY), (0.6, RUNS[0]), (0.6, RUNS[1])],
            id="set while the first run may have seen it",
        ),
        pytest.param(
            remembered(set_at(at_rest(1)), importance=None), [(0.6, BEGIN - DAY)], id="what was invalid was never seen"
        ),
        pytest.param(
            remembered(set_at(at_rest(1)), set_at(at_rest(2), value=0.3), importance=float("nan")),
            [(0.3, RUNS[3])],
            id="set again after it had become valid",
        ),
        pytest.param(
            remembered(set_at(at_rest(1)), age=-7 * DAY),
            [(0.6, BEGIN + 7 * DAY)],
            id="set when no run had come to its creation",
        ),
        pytest.param(remembered(set_at(at_rest(3))), [(0.6, LAST)], id="set before the last run: nothing decays yet"),
    ],
)
def test_the_log_decides_from_what_a_memory_decays(memory, bases):
    assert HISTORY.bases(memory) == [Base(*base) for base in bases]


@pytest.mark.parametrize("memory", [remembered(), remembered(set_at(at_rest(1))), remembered(set_at(in_flight(1)))])
def test_every_importance_the_log_allows_holds(memory):
    assert all(verdict(memory, priced(base, memory)).holds for base in HISTORY.bases(memory))


@pytest.mark.parametrize(
    ("memory", "found"),
    [
        pytest.param(remembered(), Base(0.8, BEGIN - 10 * DAY), id="a cliff at adoption"),
        pytest.param(remembered(), Base(0.8 * 0.99, BEGIN - DAY), id="decayed once more"),
        pytest.param(remembered(set_at(at_rest(1))), Base(0.8, BEGIN - DAY), id="a lost set"),
        pytest.param(remembered(set_at(at_rest(1))), Base(0.6, RUNS[1]), id="from a run before it was set"),
        pytest.param(remembered(set_at(at_rest(1))), Base(0.6, RUNS[3]), id="from a run that came later"),
        pytest.param(remembered(set_at(in_flight(1))), Base(0.6, RUNS[3]), id="in flight, and still too late"),
        pytest.param(remembered(set_at(at_rest(1))), Base(0.6, BEGIN - DAY), id="as if never seen before"),
    ],
)
def test_any_other_importance_fails(memory, found):
    assert verdict(memory, priced(found, memory)).violations


def test_a_run_that_did_not_meet_every_memory_leaves_the_question_open():
    runs = [ObservedRun(run, whole=run != RUNS[2]) for run in RUNS]
    memory = remembered(set_at(at_rest(1)))
    assert replace(HISTORY, runs={"acme": runs}).bases(memory) == [Base(0.6, RUNS[2]), Base(0.6, RUNS[3])]


@pytest.mark.parametrize(("off", "holds"), [(5e-10, True), (-5e-10, True), (2e-9, False), (-2e-9, False)])
def test_a_billionth_decides(off, holds):
    memory = remembered()
    assert verdict(memory, priced(HISTORY.bases(memory)[0], memory) + off).holds == holds


@pytest.mark.parametrize(
    ("memory", "found", "holds"),
    [
        (remembered(tags=("pinned",)), 0.8, True),
        (remembered(tags=("pinned",)), 0.79, False),
        (remembered(set_at(at_rest(1)), tags=("pinned",)), 0.6, True),
        (remembered(importance=None), None, True),
        (remembered(importance=None), 0.5, False),
        (remembered(importance=float("nan")), float("nan"), True),
        (remembered(importance=float("nan")), None, False),
        (remembered(), None, False),
    ],
)
def test_what_decay_leaves_alone_is_as_the_agent_said(memory, found, holds):
    assert verdict(memory, found).holds == holds


def test_ambiguous_sets_are_counted():
    memory = remembered(set_at(in_flight(1)))
    assert verdict(memory, priced(HISTORY.bases(memory)[0], memory)).note == "1 of 1 last sets met a page in flight"


def test_a_check_of_nothing_does_not_hold():
    assert not check_importance({}, {}, HISTORY).holds


WRITTEN = remembered(writes=3, accessed_at=BEGIN)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"writes": 2}, id="a lost write"),
        pytest.param({"writes": 4}, id="a write too many"),
        pytest.param({"content": "another"}, id="another text"),
        pytest.param({"tags": ("decayed",)}, id="another tag"),
        pytest.param({"accessed_at": BEGIN + DAY}, id="a touched access"),
        pytest.param({"created_at": BEGIN}, id="another birth"),
    ],
)
def test_a_row_that_differs_from_the_log_fails(change):
    good = row(WRITTEN, 0.5)
    assert check_writes({WRITTEN.id: WRITTEN}, {WRITTEN.id: good}, 1).holds
    assert check_writes({WRITTEN.id: WRITTEN}, {WRITTEN.id: replace(good, **change)}, 1).violations


def test_a_missing_and_an_unknown_memory_fail():
    assert check_writes({WRITTEN.id: WRITTEN}, {}, 0).violations
    assert check_writes({WRITTEN.id: WRITTEN}, {WRITTEN.id: row(WRITTEN, 0.5)}, 2).violations


SET = remembered(set_at(in_flight(1)))
EARLY, LATE = HISTORY.bases(SET)


def based(memory: Remembered, importance: float | None, value: float | None, at: datetime | None):
    found = replace(row(memory, importance), base=value, base_at=at)
    return check_bases({memory.id: memory}, {memory.id: found}, HISTORY)


@pytest.mark.parametrize(
    ("importance", "value", "at", "holds"),
    [
        pytest.param(priced(EARLY, SET), 0.6, EARLY.at, True, id="of the run in flight"),
        pytest.param(priced(LATE, SET), 0.6, LATE.at, True, id="of the next run"),
        pytest.param(priced(LATE, SET), 0.6, EARLY.at, False, id="importance of another base"),
        pytest.param(priced(EARLY, SET), 0.8, EARLY.at, False, id="a value that was replaced"),
        pytest.param(priced(EARLY, SET), 0.6, EARLY.at + DAY, False, id="an instant of no run"),
        pytest.param(priced(EARLY, SET), None, None, False, id="no base"),
    ],
)
def test_a_base_is_of_one_write_of_the_log(importance, value, at, holds):
    assert based(SET, importance, value, at).holds == holds


@pytest.mark.parametrize("memory", [remembered(tags=("pinned",)), remembered(importance=None)])
def test_what_never_decays_has_no_base(memory):
    assert based(memory, memory.importance, None, None).holds
    assert based(memory, memory.importance, 0.8, BEGIN).violations

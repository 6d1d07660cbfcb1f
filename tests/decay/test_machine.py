"""Runs, accesses, writes, pauses, changed rules and crashes in any order, against a model with a log of its own."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from structlog.testing import capture_logs

from memory_maintenance.cycles.step import do_unit
from memory_maintenance.decay.task import Decay
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import pause, resume
from memory_maintenance.tenants.overrides import override
from memory_maintenance.work import Done, Run
from tests.decay.conftest import Lab, some
from tests.pools import DiedError, dying

BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
TENANT, NEIGHBOUR = (str(UUID(int=n)) for n in (1, 2))
PAGE = 3
INSERT = "INSERT INTO memories (id, tenant_id, content, importance, created_at, last_accessed_at) VALUES ($1, $2, 'x', $3, $4, $5)"
SHOWN = "SELECT id, importance, base_importance FROM memories WHERE tenant_id = $1 ORDER BY id"
OTHERS = """
SELECT id, to_jsonb(m) - CASE WHEN tenant_id::text = $1
    THEN '{importance,base_importance,base_importance_at,decayed_importance,last_accessed_at}'::text[] ELSE '{}' END AS kept
FROM memories m
"""

spans = st.integers(1, 60 * 86_400).map(lambda s: timedelta(seconds=s)) | st.sampled_from(
    [timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30), timedelta(microseconds=1)]
)
values = st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.5, 1.0])


@dataclass
class Speed:
    """The model's own idea of a rule."""

    rate: float = 0.001
    bounded: bool = False

    def left(self, since: datetime, access: datetime, until: datetime) -> float:
        if self.bounded:
            age = max(0, (until - max(since, access)).total_seconds())
            return 0.7 + 0.3 * math.pow(0.5, age / 86_400 / 90)
        return 0.7 + 0.3 * math.pow(1 - self.rate, float(self._exposure(since, access, until)))

    def _exposure(self, since: datetime, access: datetime, until: datetime) -> Fraction:
        # By the mid-point of every stretch between two edges: exact, for the speed is linear in each.
        edges = {since, until, *(access + timedelta(days=d) for d in (7, 30))}
        inside = sorted(edge for edge in edges if since <= edge <= until)
        return sum((self._stretch(a - access, b - access) for a, b in pairwise(inside)), Fraction(0))

    @staticmethod
    def _stretch(start: timedelta, end: timedelta) -> Fraction:
        first, last = (Fraction(t // timedelta(microseconds=1), 86_400 * 10**6) for t in (start, end))
        middle = (first + last) / 2
        speed = Fraction(1, 2) if middle < 7 else 1 if middle <= 30 else 1 + middle / 30
        return (last - first) * speed


@dataclass
class Remembered:
    """One memory as its log tells it."""

    created: datetime
    shown: float
    access: datetime | None
    said: float | None = None
    said_at: datetime | None = None
    spoken: bool = False
    """Whether the agent has set another value since the last run."""
    log: list[str] = field(default_factory=list)

    def run(self, now: datetime, adopted: datetime, back: datetime | None, speed: Speed) -> None:
        if self.said is None:
            if self.shown <= 0.01:
                return
            known = [self.created, adopted - timedelta(days=1), *([back] if back else [])]
            self.said, self.said_at = self.shown, max(known)
        elif self.spoken:
            self.said, self.said_at = self.shown, now
        elif self.said > 0.01 and back and self.said_at and self.said_at < back:
            self.said, self.said_at = self.shown, back
        self.spoken = False
        assert self.said_at
        if self.said > 0.01 and now > self.said_at:
            left = self.said * speed.left(self.said_at, self.access or self.created, now)
            self.shown = max(0.01, left)
        elif self.said > 0.01:
            self.shown = self.said


class DecayMachine(RuleBasedStateMachine):
    """One tenant's life, and a neighbour who must not notice."""

    lab: Lab

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGINNING
        self.memories: dict[UUID, Remembered] = {}
        self.speed = Speed()
        self.adopted: datetime | None = None
        self.off_since: datetime | None = None
        self.back: datetime | None = None
        self.off = self.paused = False

    def _do(self, sql: str, *arguments: Any) -> None:
        self.lab.run(execute(self.lab.pool, sql, *arguments))

    @initialize(count=st.integers(1, 8), value=values, age=spans)
    def begin(self, count: int, value: float, age: timedelta) -> None:
        self._do("TRUNCATE memories, maintenance.tenants CASCADE")
        self._do("UPDATE maintenance.store SET adopted_at = NULL")
        for n in range(count):
            self._remember(value, self.now - n * age, None)
        self._do(INSERT, UUID(int=5), NEIGHBOUR, 0.5, self.now, self.now)
        self._do("INSERT INTO maintenance.tenants (tenant_id) VALUES ($1)", TENANT)
        self.kept = self._others()

    def _others(self) -> dict[UUID, Any]:
        return dict(map(tuple, self.lab.run(fetch(self.lab.pool, OTHERS, TENANT))))

    def _remember(self, value: float, created: datetime, access: datetime | None) -> None:
        # Ids in no order of time, so that pages mix old and new memories.
        key = UUID(int=(len(self.memories) * 7919 + 11) % 1009 + 100)
        self._do(INSERT, key, TENANT, value, created, access)
        self.memories[key] = Remembered(created, value, access)

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self.now += span

    @rule(value=values, accessed=st.booleans())
    def the_agent_remembers(self, value: float, accessed: bool) -> None:
        self._remember(value, self.now, self.now if accessed else None)
        self.kept = self._others()

    @rule(data=st.data())
    def the_agent_recalls(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.memories)))
        self._do("UPDATE memories SET last_accessed_at = $2 WHERE id = $1", key, self.now)
        self.memories[key].access = self.now

    @rule(data=st.data(), value=values)
    def the_agent_sets(self, data: st.DataObject, value: float) -> None:
        key = data.draw(st.sampled_from(sorted(self.memories)))
        self._do("UPDATE memories SET importance = $2 WHERE id = $1", key, value)
        memory = self.memories[key]
        stored = memory.shown if not memory.spoken else None
        memory.spoken = memory.spoken or value != stored
        memory.shown = value

    @rule(rate=st.sampled_from([None, 0.0002, 0.01, 0.5]), policy=st.sampled_from([None, "bounded"]))
    def the_rule_changes(self, rate: float | None, policy: str | None) -> None:
        self.lab.run(override(self.lab.pool, TENANT, {"decay_rate": rate, "decay_policy": policy}))
        self.speed = Speed(min(rate or 0.001, 0.01), bounded=policy is not None)

    @rule(off=st.booleans())
    def decay_is_switched(self, off: bool) -> None:
        self.lab.run(override(self.lab.pool, TENANT, {"decay_enabled": False if off else None}))
        self.off = off

    @rule(paused=st.booleans())
    def the_tenant_is_paused_or_resumed(self, paused: bool) -> None:
        self.lab.run(pause(self.lab.pool, TENANT) if paused else resume(self.lab.pool, TENANT))
        self.paused = paused

    @rule()
    def a_run(self) -> None:
        self._expect(len(self.memories), self._batch())

    @precondition(lambda self: len(self.memories) > PAGE)
    @rule(data=st.data())
    def a_run_that_crashes(self, data: st.DataObject) -> None:
        pages = data.draw(st.integers(1, (len(self.memories) - 1) // PAGE))
        try:
            done = self._batch(dying(self.lab.pool, after=pages))
        except DiedError:
            done = None
        self._expect(pages * PAGE, done)

    @rule(ago=spans)
    def an_older_run_arrives_late(self, ago: timedelta) -> None:
        if self.adopted is not None and not (self.off or self.paused):
            started = self.lab.run(fetch(self.lab.pool, "SELECT max(decay_started_as_of) FROM maintenance.tenants"))[0][
                0
            ]
            if started is not None:
                late = self._batch(as_of=started - ago)
                assert (late.counts.reasons, late.counts.of("updated")) == ({"superseded": 1}, 0)

    def _batch(self, pool: Pool | None = None, *, as_of: datetime | None = None) -> Done:
        tools = Tools(pool or self.lab.pool, Settings(_env_file=None, memory_decay_page_size=PAGE))
        run = Run(cycle_id=uuid4(), as_of=as_of or self.now)
        return self.lab.run(do_unit(Decay(tools), TENANT, {}, run))

    def _expect(self, rows: int, done: Done | None) -> None:
        if self.off:
            self.off_since = self.off_since or self.now
        if self.off or self.paused:
            assert done is not None
            assert (done.paused, done.counts.of("updated")) == (self.paused, 0)
            assert done.counts.reasons == ({} if self.paused else {"disabled_by_config": 1})
            return
        assert done is None or (done.paused, done.next, done.counts.reasons) == (False, None, {})
        if self.off_since:
            self.off_since, self.back = None, self.now
        self.adopted = self.adopted or self.now
        for key in sorted(self.memories)[:rows]:
            self.memories[key].run(self.now, self.adopted, self.back, self.speed)

    @precondition(lambda self: self.adopted is not None)
    @rule()
    def a_second_run_writes_nothing(self) -> None:
        self.a_run()
        assert self._batch().counts.of("updated") == 0

    @invariant()
    def the_table_is_what_the_log_says(self) -> None:
        rows = self.lab.run(fetch(self.lab.pool, SHOWN, TENANT))
        for key, importance, base in rows:
            assert importance == pytest.approx(self.memories[key].shown, abs=1e-12)
            assert self.memories[key].spoken or base is None or min(base, 0.01) <= importance <= base

    @invariant()
    def nothing_else_moves(self) -> None:
        assert self._others() == self.kept


def test_whatever_happens_the_table_is_what_the_log_says(make_lab):
    DecayMachine.lab = make_lab("small")
    with capture_logs():
        run_state_machine_as_test(DecayMachine, settings=some(40, stateful_step_count=30))

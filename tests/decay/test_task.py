"""The step of a cycle: its batches add up to what the run did, whatever happens between them."""

from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from memory_maintenance.cycles.step import do_unit, stopped_unit
from memory_maintenance.decay import batch
from memory_maintenance.decay.task import Decay
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch_value
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import pause, resume
from memory_maintenance.tenants.overrides import override
from memory_maintenance.work import Counts, Done, Run, UnitJson
from tests.pools import DiedError, dying

NIGHT = datetime(2024, 6, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
TENANT = str(UUID(int=1))
INSERT = "INSERT INTO memories (id, tenant_id, content, importance, created_at) VALUES ($1, $2, 'x', $3, $4)"
WHOLE = Counts(seen=10, updated=9, invalid=1, busy=0)
OFF_SINCE = "SELECT decay_off_since FROM maintenance.tenants"


@pytest.fixture(autouse=True)
def _a_page_takes_a_whole_batch(monkeypatch):
    monkeypatch.setattr(batch, "time", SimpleNamespace(monotonic=count(0, 3600).__next__))


@pytest.fixture
async def store(pool: Pool) -> Pool:
    """Ten memories in pages of three, the first of them invalid."""
    rows = [(UUID(int=n), TENANT, 0.5 if n > 1 else float("nan"), NIGHT - n * DAY) for n in range(1, 11)]
    await pool.executemany(INSERT, rows)
    return pool


def _a_run(as_of: datetime = NIGHT, **more: Any) -> Run:
    return Run(cycle_id=uuid4(), as_of=as_of, **more)


async def _do(pool: Pool, run: Run, unit: UnitJson | None = None) -> Done:
    return await do_unit(
        Decay(Tools(pool, Settings(_env_file=None, memory_decay_page_size=3))), TENANT, unit or {}, run
    )


async def _to_the_end(pool: Pool, run: Run, unit: UnitJson | None = None) -> tuple[Counts, int]:
    """Do a unit and those that follow it; return what they came to, and how many they were."""
    done = await _do(pool, run, unit)
    total, batches = done.counts, 1
    while done.next is not None:
        done = await _do(pool, run, done.next)
        total, batches = total.plus(done.counts), batches + 1
    return total, batches


@pytest.mark.parametrize("dry_run", [False, True])
async def test_the_batches_of_a_run_add_up_to_the_tenant(store, dry_run):
    assert await _to_the_end(store, _a_run(dry_run=dry_run)) == (WHOLE, 4)


@pytest.mark.parametrize("before", [0, 1, 2])
async def test_a_batch_that_is_done_again_after_its_worker_died_is_counted_once(store, before):
    run, unit, total = _a_run(), None, Counts()
    for _ in range(before):
        done = await _do(store, run, unit)
        unit, total = done.next, total.plus(done.counts)
    with pytest.raises(DiedError):
        await _do(dying(store, after=1), run, unit)
    rest, _ = await _to_the_end(store, run, unit)
    assert total.plus(rest) == WHOLE


async def test_a_batch_that_reported_and_is_done_again_says_the_same_of_the_whole(store):
    run = _a_run()
    total, _ = await _to_the_end(store, run)
    assert (await _do(store, run)).counts == total == WHOLE


async def test_a_run_that_a_newer_one_overtakes_keeps_what_it_had_done(store):
    older = _a_run()
    first = await _do(store, older)
    await _to_the_end(store, _a_run(NIGHT + DAY))
    rest, batches = await _to_the_end(store, older, first.next)
    assert (rest, batches) == (Counts(seen=0, updated=0, invalid=0, busy=0, reasons={"superseded": 1}), 1)
    assert first.counts.of("updated") == 2


@pytest.mark.parametrize("reason", ["paused", "cancelled", "disabled_by_config"])
async def test_a_batch_that_is_stopped_counts_what_a_lost_call_of_it_did(store, reason):
    run = _a_run()
    with pytest.raises(DiedError):
        await _do(dying(store, after=1), run)
    if reason == "paused":
        await pause(store, TENANT)
    if reason == "disabled_by_config":
        await override(store, TENANT, {"decay_enabled": False})
    if reason == "cancelled":
        stopped = await stopped_unit(Decay(Tools(store, Settings(_env_file=None))), TENANT, {}, run, reason)
    else:
        stopped = await _do(store, run)
    reasons = {reason: 1} if reason == "disabled_by_config" else {}
    assert stopped.counts == Counts(seen=3, updated=2, invalid=1, busy=0, reasons=reasons)
    assert (stopped.paused, stopped.next) == (reason == "paused", None)


@pytest.mark.parametrize("paused", [False, True])
async def test_time_while_decay_was_off_does_not_count_whether_the_tenant_was_paused_or_not(store, paused):
    await _to_the_end(store, _a_run())
    await override(store, TENANT, {"decay_enabled": False})
    if paused:
        await pause(store, TENANT)
    await _do(store, _a_run(NIGHT + DAY, dry_run=True))
    assert await fetch_value(store, OFF_SINCE) is None
    await _do(store, _a_run(NIGHT + DAY))
    assert await fetch_value(store, OFF_SINCE) == NIGHT + DAY
    await resume(store, TENANT)
    await override(store, TENANT, {"decay_enabled": None})
    before = await fetch_value(store, "SELECT sum(importance) FROM memories WHERE importance <> 'NaN'")
    await _to_the_end(store, _a_run(NIGHT + 90 * DAY))
    assert await fetch_value(store, "SELECT sum(importance) FROM memories WHERE importance <> 'NaN'") == before


async def test_two_runs_of_one_instant_share_the_work_and_no_row_is_counted_twice(store):
    one, other = _a_run(), _a_run()
    first = await _do(store, one)
    of_the_other, _ = await _to_the_end(store, other)
    rest, _ = await _to_the_end(store, one, first.next)
    of_the_one = first.counts.plus(rest)
    assert [(counts.of("seen"), counts.of("updated")) for counts in (of_the_one, of_the_other)] == [(10, 2), (10, 7)]

"""A dry batch counts what the real one then writes, page by page, and writes nothing itself."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.cycles.step import do_unit
from memory_maintenance.decay.task import Decay
from memory_maintenance.errors import AsOfInFutureError, TenantNotFoundError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, transaction
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override
from memory_maintenance.work import Counts, Done
from tests.everything import everything
from tests.steps import Batch, Decaying, a_run

DAY = timedelta(days=1)
NIGHT = datetime(2024, 6, 1, 2, tzinfo=UTC)
TENANT = str(UUID(int=1))
INSERT = "INSERT INTO memories (id, tenant_id, content, importance, created_at, tags) VALUES ($1, $2, 'x', $3, $4, $5)"
COUNTED = ("seen", "updated", "first_seen", "rebased", "invalid", "negligible", "protected", "invalid_ids")


def _settings(**chosen: Any) -> Settings:
    return Settings.model_validate({"memory_decay_page_size": 3, **chosen})


def _worker(pool: Pool, **chosen: Any) -> Decaying:
    return Decaying(pool, _settings(**chosen))


async def _insert(pool: Pool) -> None:
    cases = [
        *((0.3 + n / 100, n, []) for n in range(8)),
        (0.005, 9, []),
        (float("nan"), 9, []),
        (2.0, 9, []),
        (0.9, 9, ["pinned"]),
        (0.9, -9, []),  # not written yet, on that night
    ]
    rows = [(uuid4(), TENANT, importance, NIGHT - age * DAY, tags) for importance, age, tags in cases]
    await pool.executemany(INSERT, rows)


def _counts(batch: Batch) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in COUNTED}


@pytest.mark.parametrize(
    "before", ["never seen", "seen the night before", "then set by the agent", "then switched off"]
)
async def test_what_is_foreseen_is_what_is_written(any_pool, before):
    worker = _worker(any_pool)
    await _insert(any_pool)
    if before != "never seen":
        await worker.decay_batch(TENANT, NIGHT - DAY)
    if before == "then set by the agent":
        await execute(any_pool, "UPDATE memories SET importance = 0.8 WHERE importance BETWEEN 0.3 AND 0.34")
    if before == "then switched off":
        await _worker(any_pool, memory_importance_decay_enabled=False).run_decay_cycle(as_of=NIGHT - DAY / 2)
    untouched = await everything(any_pool)
    foreseen = await worker.foresee_batch(TENANT, NIGHT)
    assert await everything(any_pool) == untouched
    written = await worker.decay_batch(TENANT, NIGHT)
    assert (foreseen.status, foreseen.cursor, written.updated > 0) == ("done", None, True)
    assert _counts(foreseen) == _counts(written)


async def test_it_goes_page_by_page_behind_a_cursor(pool):
    await _insert(pool)
    whole = await _worker(pool).foresee_batch(TENANT, NIGHT)
    batches = [await _worker(pool).foresee_batch(TENANT, NIGHT, seconds=0)]
    while batches[-1].status == "more":
        batches.append(await _worker(pool).foresee_batch(TENANT, NIGHT, after=batches[-1].cursor, seconds=0))
    assert len(batches) == 5
    assert [sum(getattr(one, name) for one in batches) for name in COUNTED[:7]] == list(_counts(whole).values())[:7]


async def test_it_waits_for_no_lock_and_holds_none_that_others_wait_for(pool):
    await _insert(pool)
    async with transaction(pool) as holding:
        await execute(holding, "SELECT FROM memories FOR UPDATE")
        await execute(holding, "INSERT INTO maintenance.tenants (tenant_id) VALUES ($1)", TENANT)
        foreseen = await _worker(pool).foresee_batch(TENANT, NIGHT)
    assert (foreseen.status, foreseen.busy) == ("done", 0)
    assert (await _worker(pool).decay_batch(TENANT, NIGHT)).updated == foreseen.updated


async def test_who_is_left_out_of_a_run_is_left_out_here(pool):
    await _insert(pool)
    await _worker(pool).decay_batch(TENANT, NIGHT)
    assert (await _foreseen(pool, NIGHT - DAY)).counts == _NOTHING.plus(Counts(reasons={"superseded": 1}))
    await override(pool, TENANT, {"decay_enabled": False})
    assert (await _foreseen(pool, NIGHT)).counts == _NOTHING.plus(Counts(reasons={"disabled_by_config": 1}))
    await pause(pool, TENANT)
    assert await _foreseen(pool, NIGHT) == Done(counts=_NOTHING, paused=True)


_NOTHING = Counts(seen=0, updated=0, invalid=0, busy=0)


async def _foreseen(pool: Pool, as_of: datetime) -> Done:
    """Return what a dry run's step says; it writes nothing, whatever it says."""
    untouched = await everything(pool)
    done = await do_unit(Decay(Tools(pool, _settings())), TENANT, {}, await a_run(pool, as_of, dry_run=True))
    assert await everything(pool) == untouched
    return done


async def test_what_a_run_refuses_is_refused_here(pool):
    with pytest.raises(TenantNotFoundError):
        await run_maintenance(pool, _settings(), tenant_ids=[TENANT], as_of=NIGHT, dry_run=True)
    with pytest.raises(AsOfInFutureError):
        await run_maintenance(pool, _settings(), as_of=datetime.now(UTC) + DAY, dry_run=True)

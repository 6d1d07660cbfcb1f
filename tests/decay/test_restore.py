import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.decay.policy import DecayRule, decayed
from memory_maintenance.decay.restore import RestoreResult, Restoring, restore_memories, restore_tenant
from memory_maintenance.errors import AsOfInFutureError, MemoryNotFoundError, TenantNotFoundError
from memory_maintenance.store.pool import execute, fetch, fetch_value, transaction
from memory_maintenance.tenants.orders import latest_orders
from tests.decay.conftest import some
from tests.decay.ten_memories import DAY, INSERT, NIGHT, OTHER_TENANT, TENANT, decaying

NOW = NIGHT + 40 * DAY
RULE = DecayRule(rate=0.01)
ROWS = """
SELECT id, importance::float8, base_importance, base_importance_at, decayed_importance::float8, last_accessed_at
FROM memories WHERE tenant_id = $1 ORDER BY id
"""
VERSIONS = "SELECT id, xmin::text, ctid::text FROM memories ORDER BY id"
REST = """
SELECT md5(string_agg((to_jsonb(m) - '{importance,base_importance_at,decayed_importance}'::text[])::text, '' ORDER BY id))
FROM memories m
"""


async def _insert(pool, tenant=TENANT, rows=10):
    ids = sorted(uuid4() for _ in range(rows))
    values = [(key, tenant, (n % 10 + 5) / 20, NIGHT - n * 5 * DAY) for n, key in enumerate(ids)]
    await pool.executemany(INSERT, values)
    return ids


async def _decay(pool, as_of, tenant=TENANT, **changes):
    return await decaying(pool, **changes).decay_batch(tenant, as_of)


async def _restore(pool, tenant=TENANT, at=NOW, **others):
    return await restore_tenant(pool, tenant, at=at, page_size=3, **others)


@pytest.fixture
async def ids(any_pool):
    """Ten memories, decayed for forty days."""
    ids = await _insert(any_pool)
    for as_of in (NIGHT, NOW):
        await _decay(any_pool, as_of)
    return ids


async def _rows(pool, tenant=TENANT):
    return {row["id"]: row for row in await fetch(pool, ROWS, tenant)}


@pytest.mark.usefixtures("ids")
async def test_importance_is_back_at_its_base_which_holds_from_now(any_pool):
    assert await _restore(any_pool) == RestoreResult(NOW, restored=10)
    for n, (_, row) in enumerate(sorted((await _rows(any_pool)).items())):
        assert row["importance"] == row["decayed_importance"] == row["base_importance"] == (n + 5) / 20
        assert row["base_importance_at"] == NOW


@pytest.mark.usefixtures("ids")
async def test_twice_is_once(any_pool):
    await _restore(any_pool)
    before = await fetch(any_pool, VERSIONS)
    assert await _restore(any_pool) == RestoreResult(NOW, left=10)
    assert await fetch(any_pool, VERSIONS) == before


@pytest.mark.usefixtures("ids")
async def test_restoring_again_later_changes_no_importance(any_pool):
    await _restore(any_pool)
    before = await _rows(any_pool)
    assert await _restore(any_pool, at=NOW + DAY) == RestoreResult(NOW + DAY, renewed=10)
    after = await _rows(any_pool)
    assert [row["importance"] for row in after.values()] == [row["importance"] for row in before.values()]
    assert {row["base_importance_at"] for row in after.values()} == {NOW + DAY}


@pytest.mark.usefixtures("ids")
async def test_only_its_own_rows_and_columns_move(any_pool):
    await _insert(any_pool, OTHER_TENANT)
    await _decay(any_pool, NOW, OTHER_TENANT)
    others, rest = await _rows(any_pool, OTHER_TENANT), await fetch_value(any_pool, REST)
    await _restore(any_pool)
    assert await _rows(any_pool, OTHER_TENANT) == others
    assert await fetch_value(any_pool, REST) == rest


@pytest.mark.parametrize(
    "deed",
    [
        pytest.param("importance = 0.123", id="set by the agent"),
        pytest.param("importance = NULL", id="taken away"),
        pytest.param("importance = 'NaN'", id="broken"),
        pytest.param("base_importance = NULL", id="never decayed"),
        pytest.param("base_importance_at = NULL", id="a base without its time"),
        pytest.param("base_importance = 'NaN'", id="a broken base"),
        pytest.param("base_importance = 7", id="a base out of range"),
    ],
)
async def test_what_decay_did_not_write_last_is_left(any_pool, ids, deed):
    await execute(any_pool, f"UPDATE memories SET {deed} WHERE id = $1", ids[4])  # noqa: S608
    before = (await _rows(any_pool))[ids[4]]
    assert await _restore(any_pool) == RestoreResult(NOW, restored=9, left=1)
    assert repr((await _rows(any_pool))[ids[4]]) == repr(before)


async def test_a_dry_run_counts_the_same_and_writes_nothing(any_pool, ids):
    await execute(any_pool, "UPDATE memories SET importance = 0.9 WHERE id = $1", ids[0])
    before = await fetch(any_pool, VERSIONS)
    foreseen = [await _restore(any_pool, dry_run=True), await restore_memories(any_pool, ids, at=NOW, dry_run=True)]
    assert await fetch(any_pool, VERSIONS) == before
    assert foreseen == [await _restore(any_pool)] * 2


async def test_single_memories_are_restored_alone(any_pool, ids):
    before = await _rows(any_pool)
    assert await restore_memories(any_pool, [ids[2], ids[7], ids[2]], at=NOW) == RestoreResult(NOW, restored=2)
    after = await _rows(any_pool)
    assert {key for key in ids if after[key] != before[key]} == {ids[2], ids[7]}


async def test_a_memory_or_tenant_that_is_not_there_is_named_and_nothing_is_written(any_pool, ids):
    before, missing = await fetch(any_pool, VERSIONS), uuid4()
    with pytest.raises(MemoryNotFoundError, match=str(missing)):
        await restore_memories(any_pool, [ids[0], missing], at=NOW)
    with pytest.raises(TenantNotFoundError):
        await _restore(any_pool, str(uuid4()))
    with pytest.raises(AsOfInFutureError):
        await _restore(any_pool, at=datetime.now(UTC) + DAY)
    assert await fetch(any_pool, VERSIONS) == before


async def test_a_tolerance_that_kept_the_base_does_not_keep_its_age(any_pool):
    await _insert(any_pool)
    await _decay(any_pool, NIGHT, memory_decay_tolerance=0.4)
    for as_of in (NOW, NOW + DAY):
        await _decay(any_pool, as_of, memory_decay_tolerance=0.4)
    await _restore(any_pool, at=NOW + DAY)
    await _decay(any_pool, NOW + 2 * DAY)
    for row in (await _rows(any_pool)).values():
        exact = decayed(row["base_importance"], NOW + DAY, row["last_accessed_at"], NOW + 2 * DAY, RULE)
        assert row["importance"] == pytest.approx(exact, abs=1e-12)


async def test_digits_that_a_real_column_cannot_keep_are_no_move(pool):
    await execute(pool, "ALTER TABLE memories ALTER importance TYPE real, ALTER decayed_importance TYPE real")
    await _insert(pool)
    await _decay(pool, NOW)
    await _restore(pool)
    assert await _restore(pool, at=NOW + DAY) == RestoreResult(NOW + DAY, renewed=10)
    for row in (await _rows(pool)).values():
        assert row["importance"] == row["decayed_importance"] == pytest.approx(row["base_importance"], abs=6e-8)


async def test_a_row_that_a_writer_holds_is_not_waited_for(any_pool, ids):
    async with transaction(any_pool) as agent:
        await execute(agent, "UPDATE memories SET usage_count = 9 WHERE id = $1", ids[5])
        assert await _restore(any_pool) == RestoreResult(NOW, restored=9, busy=1)
    assert await _restore(any_pool) == RestoreResult(NOW, restored=1, left=9)
    assert await fetch_value(any_pool, "SELECT usage_count FROM memories WHERE id = $1", ids[5]) == 9


async def test_a_row_that_was_held_gets_a_second_look(any_pool, ids):
    work = Restoring(pool=any_pool, tenant_id=TENANT, at=NOW, write=True, by="ana")
    async with transaction(any_pool) as agent:
        await execute(agent, "UPDATE memories SET importance = 0.9 WHERE id = $1", ids[5])
        await execute(agent, "UPDATE memories SET usage_count = 9 WHERE id = $1", ids[6])
        await work.take(work.page_sql, UUID(int=0), 100)
        assert sorted(work.locked_ids) == [ids[5], ids[6]]
    await work.take_locked()
    assert work.result() == RestoreResult(NOW, restored=9, left=1)
    row = (await _rows(any_pool))[ids[5]]
    assert (row["importance"], row["base_importance"]) == (0.9, pytest.approx(0.5))


async def test_restoring_amid_runs_of_decay_mixes_nothing_up(any_pool):
    await _insert(any_pool, rows=60)
    await _decay(any_pool, NIGHT)
    results = await asyncio.gather(
        _decay(any_pool, NOW - DAY), _restore(any_pool), _decay(any_pool, NOW), _restore(any_pool)
    )
    await _decay(any_pool, NOW + 9 * DAY)
    rows = (await _rows(any_pool)).values()
    restored = sum(row["base_importance_at"] == NOW for row in rows)
    assert restored >= 60 - min(results[1].busy, results[3].busy)
    for row in rows:
        exact = decayed(row["base_importance"], row["base_importance_at"], row["last_accessed_at"], NOW + 9 * DAY, RULE)
        assert row["importance"] == pytest.approx(exact, abs=1e-12)


async def test_who_restored_what_is_kept_for_each_tenant_and_counts_every_page(any_pool, ids):
    other = await _insert(any_pool, OTHER_TENANT, rows=1)
    await _decay(any_pool, NIGHT)
    await restore_memories(any_pool, [ids[2], *other], at=NOW, by="ana", reason="wanted back")
    await _restore(any_pool, by="bo")
    [whole, named] = await latest_orders(any_pool, TENANT, 9)
    assert (whole.action, whole.ordered_by, whole.reason, whole.details) == ("restore", "bo", None, {"restored": 9})
    assert (named.ordered_by, named.reason, named.details["memories"]) == ("ana", "wanted back", [str(ids[2])])
    assert [order.details["memories"] for order in await latest_orders(any_pool, OTHER_TENANT, 9)] == [[str(other[0])]]


async def test_a_dry_run_and_a_restore_that_fails_are_no_orders(any_pool, ids):
    await _restore(any_pool, dry_run=True)
    with pytest.raises(MemoryNotFoundError):
        await restore_memories(any_pool, [ids[0], uuid4()], at=NOW)
    assert await latest_orders(any_pool, TENANT, 9) == []


async def test_progress_is_reported_page_by_page(pool):
    await _insert(pool)
    told: list[int] = []
    await _restore(pool, progress=told.append)
    assert told == [3, 6, 9, 10]


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab("small")


@given(
    memories=st.lists(
        st.tuples(st.floats(0.011, 1), st.integers(0, 400), st.none() | st.integers(0, 400)), min_size=1, max_size=8
    ),
    nights=st.lists(st.integers(-39, 0), max_size=3).map(sorted),
    later=st.integers(0, 300),
)
@some(25)
def test_decay_after_restoring_is_decay_of_a_base_set_then(lab, memories, nights, later):
    lab.run(_check_decay_after_restoring(lab.pool, memories, nights, later * DAY))


async def _check_decay_after_restoring(pool, memories, nights, later):
    await execute(pool, "TRUNCATE memories, maintenance.tenants CASCADE")
    await execute(pool, "UPDATE maintenance.store SET adopted_at = NULL")
    for importance, age, access in memories:
        await execute(pool, INSERT, uuid4(), TENANT, importance, NIGHT - age * DAY)
        last = None if access is None else NOW - access * DAY
        await execute(pool, "UPDATE memories SET last_accessed_at = $1 WHERE importance = $2", last, importance)
    for night in [-40, *nights]:
        await _decay(pool, NOW + night * DAY)
    await _restore(pool)
    await _decay(pool, NOW + later)
    for row in (await _rows(pool)).values():
        created_at = await fetch_value(pool, "SELECT created_at FROM memories WHERE id = $1", row["id"])
        access = row["last_accessed_at"] or created_at
        assert row["importance"] == pytest.approx(
            decayed(row["base_importance"], NOW, access, NOW + later, RULE), abs=1e-12
        )
        assert row["base_importance"] in [importance for importance, _, _ in memories]

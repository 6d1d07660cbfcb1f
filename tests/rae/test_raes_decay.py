"""What RAE's own tests expect of decay, on its table and through its pool."""

from datetime import UTC, datetime
from uuid import uuid4

from structlog.testing import capture_logs

from memory_maintenance import DecayWorker
from memory_maintenance.store.pool import Pool
from tests.rae.raes_tests import like
from tests.rae.rows import events, flags, importance_of, remember, theirs

__all__ = ["theirs"]

DECAY = "test_decay_worker.py::"


def worker(pool: Pool) -> DecayWorker:
    return DecayWorker(pool, flags())


@like(DECAY + "basic_cycle")
async def test_a_cycle_lowers_the_importance_of_every_memory_and_counts_them(theirs, tenant):
    ids = await remember(theirs, tenant, events(5), importance=0.9, days_ago=10)
    stats = await worker(theirs).run_decay_cycle(tenant_ids=[tenant], decay_rate=0.05, consider_access_stats=False)
    assert stats == {"total_tenants": 1, "total_updated": 5}
    assert all([0 < await importance_of(theirs, memory) < 0.9 for memory in ids])


@like(DECAY + "with_access_stats")
async def test_a_memory_that_was_read_lately_loses_less_than_a_stale_one(theirs, tenant):
    [recent] = await remember(theirs, tenant, ["read lately"], days_ago=30, accessed_days_ago=0.1)
    [stale] = await remember(theirs, tenant, ["not read"], days_ago=60, accessed_days_ago=60)
    await worker(theirs).run_decay_cycle(tenant_ids=[tenant], decay_rate=0.02, consider_access_stats=True)
    assert 0.01 <= await importance_of(theirs, stale) < await importance_of(theirs, recent) < 0.8


@like(DECAY + "multiple_tenants", "test_workers.py::decay_worker_run_decay_cycle")
async def test_the_tenants_asked_for_are_counted_and_so_are_their_memories(theirs):
    tenants = [str(uuid4()) for _ in range(3)]
    for one in tenants:
        await remember(theirs, one, events(3), days_ago=5)
    stats = await worker(theirs).run_decay_cycle(tenant_ids=tenants, decay_rate=0.03)
    assert stats == {"total_tenants": 3, "total_updated": 9}


@like(DECAY + "importance_floor")
async def test_importance_never_falls_below_the_floor(theirs, tenant):
    [memory] = await remember(theirs, tenant, ["of little importance"], importance=0.02, days_ago=30)
    for _ in range(5):
        await worker(theirs).run_decay_cycle(tenant_ids=[tenant], decay_rate=0.05)
    assert await importance_of(theirs, memory) >= 0.01


@like(DECAY + "error_handling", "test_workers.py::decay_worker_run_decay_cycle_error")
async def test_a_tenant_that_fails_counts_as_one_and_stops_no_other(theirs, tenant):
    await remember(theirs, tenant, events(1))
    with capture_logs() as logs:
        stats = await worker(theirs).run_decay_cycle(tenant_ids=[tenant, "invalid-uuid-format"], decay_rate=0.02)
    assert stats == {"total_tenants": 2, "total_updated": 1}
    [failed] = [log for log in logs if log["event"] == "tenant_decay_failed"]
    assert (failed["tenant_id"], failed["error_type"]) == ("invalid-uuid-format", "TenantNotFoundError")


@like(DECAY + "get_all_tenants", "test_background_tasks.py::decay_task_all_tenants")
async def test_without_a_list_every_tenant_with_memories_is_decayed(theirs):
    tenants = [str(uuid4()) for _ in range(3)]
    ids = [(await remember(theirs, one, events(1), importance=0.7))[0] for one in tenants]
    stats = await worker(theirs).run_decay_cycle(decay_rate=0.02)
    assert stats == {"total_tenants": 3, "total_updated": 3}
    assert all([await importance_of(theirs, memory) < 0.7 for memory in ids])


@like(DECAY + "empty_database")
async def test_no_tenant_is_no_error(theirs):
    assert await worker(theirs).run_decay_cycle(tenant_ids=[], decay_rate=0.02) == {
        "total_tenants": 0,
        "total_updated": 0,
    }


@like(DECAY + "preserves_metadata")
async def test_nothing_but_the_importance_of_a_memory_changes(theirs, tenant):
    [memory] = await remember(theirs, tenant, ["Tagged"], importance=0.9, session="s1", tags=["important", "test"])
    kept = "SELECT content, tags, metadata, session_id, created_at, last_accessed_at FROM memories WHERE id = $1"
    before = await theirs.fetchrow(kept, memory)
    await worker(theirs).run_decay_cycle(tenant_ids=[tenant], decay_rate=0.05)
    assert await importance_of(theirs, memory) < 0.9
    assert await theirs.fetchrow(kept, memory) == before


@like("test_importance_scoring_coverage.py::decay_importance")
async def test_the_number_of_memories_that_were_lowered_is_returned(theirs, tenant):
    await remember(theirs, tenant, events(10), days_ago=1)
    now = datetime.now(UTC)
    found = [await worker(theirs).run_decay_cycle([tenant], 0.05, True, as_of=now) for _ in range(2)]
    assert [stats["total_updated"] for stats in found] == [10, 0]

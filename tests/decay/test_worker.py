"""RAE's worker: cycles over tenants, its arguments, pools of the caller's, metrics."""

from functools import partial
from uuid import UUID, uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.observability.metrics import OTHER, tenant_label
from memory_maintenance.store.pool import Pool, execute
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override
from tests.decay.ten_memories import NIGHT, OTHER_TENANT, TENANT, decay_state, decaying, insert
from tests.pools import DiedError, dying, watched


async def test_a_cycle_decays_every_tenant_and_says_so(any_pool):
    for tenant in (TENANT, OTHER_TENANT):
        await insert(any_pool, tenant)
    await pause(any_pool, str(UUID(int=3)))
    with capture_logs() as logs:
        stats = await decaying(any_pool).run_decay_cycle()
    assert stats == {"total_tenants": 3, "total_updated": 20}
    events = [log["event"] for log in logs]
    assert events.count("tenant_decay_completed") == 2
    assert logs[-1]["event"] == "decay_cycle_completed"
    assert (logs[-1]["stats"], logs[-1]["total_duration_seconds"] > 0) == (stats, True)


async def test_a_failing_tenant_is_not_the_others_failure(any_pool):
    await insert(any_pool)
    await execute(
        any_pool, """INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ($1, '{"x": 1}')""", OTHER_TENANT
    )
    with capture_logs() as logs:
        stats = await decaying(any_pool).run_decay_cycle([OTHER_TENANT, uuid4(), TENANT, TENANT])
    assert stats == {"total_tenants": 3, "total_updated": 10}
    failed = [log["error_type"] for log in logs if log["event"] == "tenant_decay_failed"]
    assert failed == ["InvalidRequestError", "TenantNotFoundError"]


async def test_decay_that_is_off_is_skipped_with_its_reason(pool):
    await insert(pool)
    with capture_logs() as logs:
        stats = await decaying(pool, memory_importance_decay_enabled=False).run_decay_cycle()
    assert stats == {"total_tenants": 1, "total_updated": 0}
    assert [(log["event"], log["reason"]) for log in logs] == [("decay_cycle_skipped", "disabled_by_config")]


@pytest.mark.parametrize(
    "arguments",
    [
        *({"decay_rate": rate} for rate in (1.0, -0.1, float("nan"), "0.1", True)),
        {"consider_access_stats": 1},
        {"tenant_ids": "acme"},
    ],
)
async def test_an_argument_out_of_its_range_is_refused_before_the_database_is_asked(arguments):
    nowhere = asyncpg.create_pool("postgresql://nobody@nowhere.invalid/x")  # connects when it is first used
    with pytest.raises(InvalidRequestError, match=next(iter(arguments))):
        await decaying(nowhere).run_decay_cycle(**arguments)


async def test_a_tenant_that_is_paused_on_the_way_is_not_done_and_what_was_written_counts(pool):
    await insert(pool)
    paused_on_the_way = watched(pool, partial(pause, pool, TENANT))
    stats = await decaying(paused_on_the_way).run_decay_cycle(as_of=NIGHT)
    assert stats == {"total_tenants": 1, "total_updated": 3}


async def test_where_decay_is_off_a_tenant_with_an_override_decays_all_the_same(pool):
    for tenant in (TENANT, OTHER_TENANT):
        await insert(pool, tenant)
    await override(pool, TENANT, {"decay_enabled": True})
    with capture_logs() as logs:
        stats = await decaying(pool, memory_importance_decay_enabled=False).run_decay_cycle(as_of=NIGHT)
    assert stats == {"total_tenants": 2, "total_updated": 10}
    assert [log["event"] for log in logs] == ["decay_cycle_skipped", "tenant_decay_completed", "decay_cycle_completed"]


@pytest.mark.parametrize("paused", [False, True])
async def test_a_tenant_that_is_left_out_is_said_to_be_with_the_reason(pool, paused):
    await insert(pool)
    await (pause(pool, TENANT) if paused else override(pool, TENANT, {"decay_enabled": False}))
    with capture_logs() as logs:
        assert await decaying(pool).run_decay_cycle(as_of=NIGHT) == {"total_tenants": 1, "total_updated": 0}
    skipped = [log["reason"] for log in logs if log["event"] == "tenant_decay_skipped"]
    assert skipped == ["paused" if paused else "disabled_by_config"]


async def test_explicit_arguments_hold_for_one_call_and_are_logged_as_differing(pool):
    await insert(pool)
    worker = decaying(pool)
    await worker.run_decay_cycle(as_of=NIGHT)
    table = await decay_state(pool)
    with capture_logs() as logs:
        await worker.run_decay_cycle(decay_rate=0.2, consider_access_stats=False, as_of=NIGHT)
    assert (await decay_state(pool))[0][1] == pytest.approx(0.5 * (0.7 + 0.3 * 0.8))
    differing = [log for log in logs if log["event"] == "decay_arguments_differ_from_rule"]
    assert [(log["decay_rate"], log["rule_decay_rate"]) for log in differing] == [(0.2, 0.01)]
    await worker.run_decay_cycle(as_of=NIGHT)
    assert await decay_state(pool) == table


async def test_a_pool_that_the_caller_opened_will_do(store_url):
    async with asyncpg.create_pool(store_url, min_size=1, max_size=2) as plain:
        await insert(plain)
        await override_as_text(plain)
        assert await decaying(plain).run_decay_cycle(as_of=NIGHT) == {"total_tenants": 1, "total_updated": 10}


@pytest.mark.parametrize("pages", [1, 3])
async def test_a_pool_that_the_caller_opened_goes_on_after_a_crash(store_url, pages):
    run_id = uuid4()
    async with asyncpg.create_pool(store_url, min_size=1, max_size=2) as plain:
        await insert(plain)
        with pytest.raises(DiedError):
            await decaying(dying(plain, after=pages)).decay_batch(TENANT, NIGHT, run_id=run_id)
        batch = await decaying(plain).decay_batch(TENANT, NIGHT, run_id=run_id)
    assert (batch.status, batch.seen, batch.updated) == ("done", 10, 10)


async def override_as_text(pool: Pool) -> None:
    sql = """INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ($1, '{"decay_rate": 0.002}')"""
    await execute(pool, sql, TENANT)


async def test_updates_and_seconds_are_counted_by_tenant(pool):
    await insert(pool)
    labels = {"tenant_id": TENANT}
    before = REGISTRY.get_sample_value("rae_reflective_decay_updated_total", labels) or 0
    await decaying(pool, metrics_max_tenants=1000).decay_batch(TENANT, NIGHT)
    assert REGISTRY.get_sample_value("rae_reflective_decay_updated_total", labels) == before + 10
    assert REGISTRY.get_sample_value("rae_reflective_decay_duration_seconds_count", labels)


def test_tenants_beyond_the_bound_share_a_label():
    assert tenant_label("the first", 1000) == "the first"
    assert tenant_label("one too many", 0) == OTHER
    assert tenant_label("the first", 0) == "the first"

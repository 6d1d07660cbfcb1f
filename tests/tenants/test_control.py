from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from memory_maintenance.errors import InvalidRequestError, TenantNotFoundError
from memory_maintenance.store.pool import execute, transaction
from memory_maintenance.tenants.control import TenantControl, all_tenants, control_of, pause, resume
from memory_maintenance.tenants.known import ensure_known
from memory_maintenance.tenants.orders import latest_orders
from memory_maintenance.tenants.overrides import override

INSERT = "INSERT INTO memories (tenant_id, content) VALUES ($1, 'x')"


async def test_a_tenant_without_orders_is_active(pool):
    assert await control_of(pool, "acme") == TenantControl("acme")


async def test_pausing_twice_is_pausing_once_and_keeps_since_when(pool):
    await pause(pool, "acme", by="ana", reason="restore")
    first = await control_of(pool, "acme")
    await pause(pool, "acme", by="bo")
    second = await control_of(pool, "acme")
    assert second.paused
    assert (second.paused_by, second.paused_since) == ("bo", first.paused_since)
    assert [await resume(pool, "acme"), await resume(pool, "acme")] == [True, False]


async def test_a_pause_ends_at_its_time(pool):
    await pause(pool, "acme", until=datetime.now(UTC) - timedelta(seconds=1))
    assert not (await control_of(pool, "acme")).paused


async def test_every_pause_and_resume_is_kept_and_the_same_one_twice_is_one(pool):
    until = datetime.now(UTC) + timedelta(days=1)
    for reason in ("backup", "backup", "move"):
        await pause(pool, "acme", by="ana", reason=reason, until=until)
    await resume(pool, "acme", by="bo", reason="done")
    await resume(pool, "acme", by="bo")
    orders = await latest_orders(pool, "acme", 9)
    assert [(order.action, order.ordered_by, order.reason) for order in orders] == [
        ("resume", "bo", "done"), ("pause", "ana", "move"), ("pause", "ana", "backup"),
    ]  # fmt: skip
    assert datetime.fromisoformat(orders[1].details["until"]) == until


async def test_an_order_is_kept_with_its_change_or_not_at_all(pool):
    with pytest.raises(InvalidRequestError):
        await _paused_and_undone(pool)
    assert await latest_orders(pool, "acme", 9) == []
    assert not (await control_of(pool, "acme")).paused


async def _paused_and_undone(pool):
    async with transaction(pool) as db:
        await pause(db, "acme", by="ana")
        assert len(await latest_orders(db, "acme", 9)) == 1
        raise InvalidRequestError("the agent changed its mind")


async def test_an_override_is_set_kept_and_taken_back(pool):
    await override(pool, "acme", {"decay_rate": 0.002})
    await override(pool, "acme", {"dreaming_enabled": False})
    assert (await control_of(pool, "acme")).overrides.decay_rate == 0.002
    await override(pool, "acme", {"decay_rate": None})
    assert (await control_of(pool, "acme")).overrides.model_dump(exclude_none=True) == {"dreaming_enabled": False}


@pytest.mark.parametrize("changes", [{"decay_rate": 1.0}, {"decay_rate": -0.1}, {"colour": "red"}])
async def test_an_override_out_of_range_is_refused(pool, changes):
    with pytest.raises(InvalidRequestError):
        await override(pool, "acme", changes)


@pytest.mark.parametrize("tenant", ["acme", "7d9a1c52-0000-4000-8000-000000000000"])
async def test_an_unknown_tenant_is_named(any_pool, tenant):
    with pytest.raises(TenantNotFoundError, match="tenants list"):
        await ensure_known(any_pool, tenant)


async def test_tenants_with_memories_or_orders_are_listed_once(any_pool):
    tenants = sorted(str(uuid4()) for _ in range(3))
    for tenant in tenants[:2] * 2:
        await execute(any_pool, INSERT, tenant)
    await pause(any_pool, tenants[1])
    await pause(any_pool, tenants[2])
    assert [(t.tenant_id, t.paused) for t in await all_tenants(any_pool)] == list(
        zip(tenants, [False, True, True], strict=True)
    )

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from memory_maintenance.database.pool import execute
from memory_maintenance.errors import InvalidRequestError, TenantNotFoundError
from memory_maintenance.operations.tenants import (
    TenantControl,
    all_tenants,
    control_of,
    ensure_known,
    override,
    pause,
    resume,
)

INSERT = "INSERT INTO memories (tenant_id, content) VALUES ($1, 'x')"


async def test_a_tenant_nobody_spoke_of_is_active(pool):
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

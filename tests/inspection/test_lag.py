from datetime import UTC, datetime, timedelta

from memory_maintenance.inspection.lag import Lag, current_lag
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.store.pool import execute
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override
from tests.agents import talk, write
from tests.settings import settings

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


async def test_an_empty_store_has_nothing_undone(pool):
    assert await current_lag(pool, settings()) == Lag(None, None, 0, 0, None)


async def test_the_oldest_decay_and_the_oldest_due_session_are_reported(pool):
    for tenant, hours in (("acme", 30), ("bolt", 3)):
        await write(pool, tenant, talk(12), session="s", start=NOW - (hours + 20) * HOUR)
        await DecayWorker(pool, settings()).run_decay_cycle([tenant], as_of=NOW - hours * HOUR)
    await write(pool, "cold", talk(3), session="short", start=NOW - 5 * HOUR)
    found = await current_lag(pool, settings())
    assert (found.decayed_longest_ago_tenant, found.never_decayed, found.due_sessions) == ("acme", 1, 2)
    assert found.decayed_longest_ago is not None
    assert found.oldest_due_session is not None
    assert round(found.decayed_longest_ago / HOUR) == 30
    assert round(found.oldest_due_session / HOUR) == 50


async def test_what_operators_stopped_does_not_wait(pool):
    await write(pool, "acme", talk(12), session="s", start=NOW - 9 * HOUR)
    await write(pool, "bolt", talk(3), start=NOW - 9 * HOUR)
    await pause(pool, "acme")
    await override(pool, "bolt", {"decay_enabled": False})
    assert await current_lag(pool, settings()) == Lag(None, None, 0, 0, None)


async def test_unreadable_overrides_hide_no_other_tenant(pool):
    await write(pool, "acme", talk(3), start=NOW - 9 * HOUR)
    await execute(pool, "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ('bolt', '{\"x\": 1}')")
    assert (await current_lag(pool, settings())).never_decayed == 2

"""Columns and triggers that round importance: decay goes on from its base, and is not taken for the agent."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from memory_maintenance.decay.policy import DecayRule, decayed
from memory_maintenance.decay.restore import restore_tenant
from memory_maintenance.inspection.decay import explain_decay
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.settings import Settings
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value, open_pool
from tests.conftest import _run_on_server
from tests.steps import Decaying

DAY = timedelta(days=1)
NIGHT = datetime(2026, 1, 1, 2, tzinfo=UTC)
TABLE = """
SELECT content, importance::float8, base_importance, base_importance_at, decayed_importance::float8, created_at,
       xmin::text AS version
FROM memories ORDER BY content
"""
INSERT = (
    "INSERT INTO memories (tenant_id, content, importance, created_at, last_accessed_at) VALUES ('t', $1, $2, $3, $3)"
)
TRIGGER = """
CREATE FUNCTION rounded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.importance := round(NEW.importance::numeric, 2); RETURN NEW; END $$;
CREATE TRIGGER rounded BEFORE INSERT OR UPDATE ON memories FOR EACH ROW EXECUTE FUNCTION rounded();
"""
OLD_STORE = "ALTER TABLE memories ALTER importance TYPE numeric(3,2), ALTER decayed_importance TYPE numeric"
STORES = {
    "numeric(3,2)": "ALTER TABLE memories ALTER importance TYPE numeric(3,2), ALTER decayed_importance TYPE numeric(3,2)",
    "numeric(3,2), of an older migrate": OLD_STORE,
    "numeric(3,2), changed since": "ALTER TABLE memories ALTER importance TYPE numeric(3,2)",
    "numeric": "ALTER TABLE memories ALTER importance TYPE numeric, ALTER decayed_importance TYPE numeric",
    "a domain": "CREATE DOMAIN share AS numeric(3,2); ALTER TABLE memories ALTER importance TYPE share",
    "real": "ALTER TABLE memories ALTER importance TYPE real, ALTER decayed_importance TYPE real",
    "real, changed since": "ALTER TABLE memories ALTER importance TYPE real",
    "a trigger": TRIGGER,
}
DIGITS = {"numeric": 1e-14, "real": 6e-8, "real, changed since": 6e-8}
"""How far a stored importance may be from the exact one; where nothing is said, half a hundredth."""


@pytest.fixture(params=STORES)
async def rounding(request: pytest.FixtureRequest, store_url: str) -> AsyncIterator[tuple[str, Pool]]:
    await _run_on_server(store_url, STORES[request.param])
    own = await open_pool(store_url, size=2, timeout_seconds=30)
    rows = [(f"{n:02}", round(0.3 + n / 50, 2), NIGHT - (n + 1) * DAY) for n in range(30)]
    await own.executemany(INSERT, rows)
    yield request.param, own
    await own.close()


async def _night(pool: Pool, night: datetime, **chosen: Any) -> Any:
    return await Decaying(pool, Settings(_env_file=None, **chosen)).decay_batch("t", night)


async def test_every_night_decays_from_the_base_that_the_agent_set(rounding):
    kind, pool = rounding
    rule, digits = DecayRule(rate=0.01), DIGITS.get(kind, 0.005 + 1e-9)
    for nights in (0, 1, 40):
        night = NIGHT + nights * DAY
        batch = await _night(pool, night, memory_base_decay_rate=0.01)
        assert (batch.seen, batch.rebased, batch.invalid) == (30, 0, 0)
        for row in await fetch(pool, TABLE):
            assert row["base_importance"] == pytest.approx(
                0.3 + int(row["content"]) / 50, abs=max(digits, 1e-7) if "real" in kind else 1e-9
            )
            exact = decayed(row["base_importance"], row["base_importance_at"], row["created_at"], night, rule)
            assert row["importance"] == row["decayed_importance"] == pytest.approx(exact, abs=digits)


async def test_a_second_run_of_the_night_writes_nothing_but_what_a_trigger_hides(rounding):
    kind, pool = rounding
    tolerance = 0.01 if kind == "a trigger" else 0.0
    await _night(pool, NIGHT, memory_decay_tolerance=tolerance)
    before = await fetch(pool, TABLE)
    again = await _night(pool, NIGHT, memory_decay_tolerance=tolerance)
    assert (again.updated, again.rebased) == (0, 0)
    assert await fetch(pool, TABLE) == before


async def test_only_rows_that_the_column_can_tell_apart_are_written(rounding):
    kind, pool = rounding
    await _night(pool, NIGHT)
    before = {row["content"]: row["importance"] for row in await fetch(pool, TABLE)}
    batch = await _night(pool, NIGHT + DAY)
    moved = sum(row["importance"] != before[row["content"]] for row in await fetch(pool, TABLE))
    # What a trigger will do to a value, nothing knows before.
    assert batch.updated == (30 if kind == "a trigger" else moved)


async def test_what_an_agent_sets_is_a_new_base_all_the_same(rounding):
    _, pool = rounding
    await _night(pool, NIGHT)
    await execute(pool, "UPDATE memories SET importance = 0.77 WHERE content = '07'")
    assert (await _night(pool, NIGHT + DAY)).rebased == 1
    assert await fetch_value(pool, "SELECT base_importance FROM memories WHERE content = '07'") == pytest.approx(
        0.77, abs=1e-7
    )


async def test_restoring_puts_back_what_the_agent_set(rounding):
    _, pool = rounding
    set_by_agent = [row["importance"] for row in await fetch(pool, TABLE)]
    for nights in (0, 50):
        await _night(pool, NIGHT + nights * DAY)
    restored = await restore_tenant(pool, "t", at=NIGHT + 51 * DAY)
    assert (restored.restored + restored.renewed, restored.left, restored.busy) == (30, 0, 0)
    assert [row["importance"] for row in await fetch(pool, TABLE)] == set_by_agent
    assert (await restore_tenant(pool, "t", at=NIGHT + 51 * DAY)).restored == 0
    assert (await _night(pool, NIGHT + 52 * DAY)).rebased == 0


async def test_explain_agrees_to_the_digits_that_the_column_keeps(rounding):
    kind, pool = rounding
    await _night(pool, NIGHT)
    ids = [row["id"] for row in await fetch(pool, "SELECT id FROM memories")]
    explained = await explain_decay(pool, Settings(_env_file=None), ids, as_of=NIGHT)
    if kind != "a trigger":
        assert [(why.agrees, why.is_due) for why in explained] == [(True, False)] * 30


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        ("numeric(3,2)", "numeric(3,2)"),
        ("real", "real"),
        ("numeric(4,3)", "numeric(4,3)"),
        ("double precision", "double precision"),
    ],
)
async def test_migrate_keeps_the_exact_type_of_the_column(store_url, pool, kind, declared):
    await execute(pool, "ALTER TABLE memories DROP COLUMN decayed_importance")
    await execute(pool, f"ALTER TABLE memories ALTER importance TYPE {kind}")
    await migrate(store_url)
    column = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'memories'::regclass AND attname = $1"
    assert await fetch_value(pool, column, "decayed_importance") == declared


async def test_a_trigger_that_keeps_the_old_importance_leaves_the_base_alone(pool, store_url):
    await _run_on_server(
        store_url,
        TRIGGER.replace("round(NEW.importance::numeric, 2)", "coalesce(OLD.importance, NEW.importance)").replace(
            "INSERT OR ", ""
        ),
    )
    await pool.execute(INSERT, "stubborn", 0.8, NIGHT - 9 * DAY)
    for nights in (0, 1):
        batch = await _night(pool, NIGHT + nights * DAY)
        assert (batch.updated, batch.rebased) == (1, 0)
    assert await fetch_value(pool, "SELECT (importance, base_importance)::text FROM memories") == "(0.8,0.8)"


async def test_a_run_counts_what_a_trigger_altered(pool, store_url):
    await _run_on_server(store_url, TRIGGER)
    await pool.execute(INSERT, "x", 0.8, NIGHT - 9 * DAY)
    await DecayWorker(pool, Settings(_env_file=None)).run_decay_cycle(as_of=NIGHT)
    assert await fetch_value(pool, "SELECT decay_counts->>'altered' FROM maintenance.tenants") == "1"


async def test_a_plain_pool_serves_such_a_store(store_url, pool):
    await _run_on_server(store_url, STORES["numeric(3,2)"])
    await pool.execute(INSERT, "x", 0.8, NIGHT - 9 * DAY)
    plain = await asyncpg.create_pool(store_url, min_size=1, max_size=2)
    stats = await DecayWorker(plain, Settings(_env_file=None)).run_decay_cycle(as_of=NIGHT)
    assert stats == {"total_tenants": 1, "total_updated": 1}
    await plain.close()

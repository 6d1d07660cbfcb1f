"""The store's checks on a real Postgres: what is well, and each thing that is not."""

from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from memory_maintenance.inspection.health import Check, has_failed
from memory_maintenance.inspection.store_health import store_checks
from memory_maintenance.store.pool import Pool, execute, fetch_value, open_pool
from tests.agents import write
from tests.nights import DAY, NIGHT, OUTCOMES, night
from tests.settings import settings

CHURN = "UPDATE memories SET importance = importance + $1 / 1e6"


async def _checks(pool: Pool) -> dict[str, Check]:
    return {check.name: check for check in await store_checks(pool, settings())}


async def test_a_fresh_store_is_well(any_pool):
    await execute(any_pool, "INSERT INTO memories (tenant_id, content) VALUES ($1, 'x')", str(uuid4()))
    assert {name: check.level for name, check in (await _checks(any_pool)).items()} == dict.fromkeys(
        (
            "version", "rights", "migration", "tables", "columns", "indexes", "row security", "updates", "clock", "overrides",
            "accesses", "values", "derived", "last cycle", "decay", "duplicates", "classes", "vectors", "standby", "clock drift", "clock behind", "timeouts",
            "memories elsewhere", "memories missing", "policies", "null tenants", "empty store", "table shape", "rounding",
            "saved back", "webhooks",
        ),
        "ok",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "embedded", "level", "found", "advice"),
    [
        pytest.param("memory_embeddings", True, "note", "not search there but in Qdrant", "export-derived", id="RAE's table"),
        pytest.param("memory_embeddings", False, "warning", "1 of 1 summaries", "export-derived", id="RAE's table, empty"),
        pytest.param("memories", True, "ok", "have a vector in memories", "", id="the column"),
        pytest.param("memories", False, "warning", "1 of 1 summaries", "EMBEDDING_MODEL", id="the column, empty"),
    ],
)  # fmt: skip
async def test_vectors_in_the_store_are_not_taken_for_what_raes_engine_searches(
    rae_pool, table, embedded, level, found, advice
):
    tenant = "11111111-1111-4111-8111-111111111111"
    [one] = await write(rae_pool, tenant, ["A summary."], source="summarization_worker")
    if table == "memories":
        await execute(rae_pool, "DROP TABLE memory_embeddings")
    if embedded and table == "memories":
        await execute(rae_pool, "UPDATE memories SET embedding = '{1,2}'::real[] WHERE id = $1", one)
    elif embedded:
        await execute(
            rae_pool,
            "INSERT INTO memory_embeddings (memory_id, model_name, embedding) VALUES ($1, 'x', '{1,2}'::real[])",
            one,
        )
    check = (await _checks(rae_pool))["vectors"]
    assert (check.level, found in check.found, advice in (check.advice or "")) == (level, True, True)


async def test_excluded_classes_in_a_store_without_the_column_are_a_warning(any_pool):
    for chosen, on_small in (({}, "ok"), ({"model_excluded_classes": "confidential,restricted"}, "warning")):
        checks = {check.name: check for check in await store_checks(any_pool, settings(**chosen))}
        has_column = await fetch_value(any_pool, "SELECT to_regclass('memory_embeddings') IS NOT NULL")
        assert checks["classes"].level == ("ok" if has_column else on_small)


async def test_what_the_last_daily_cycle_left_undone_is_reported_with_its_reasons(pool):
    await night(pool)
    check = (await _checks(pool))["last cycle"]
    assert (check.level, check.advice) == ("warning", "starter.py cycles show")
    assert check.found == "the last daily cycle left undone: 2 tenant; 2 session (budget_exhausted 2)"
    await night(pool, at=NIGHT + DAY, outcomes=OUTCOMES[:1])
    assert (await _checks(pool))["last cycle"].level == "ok"


@pytest.mark.parametrize(
    ("deed", "name", "found", "advice"),
    [
        ("DROP INDEX memories_maintenance_tenant_idx", "indexes", "missing: memories_maintenance_tenant_idx", "starter.py migrate"),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'memories_maintenance_event_idx'::regclass",
            "indexes", "not valid", "starter.py migrate",
        ),
        ("ALTER TABLE memories DROP COLUMN base_importance", "columns", "memories lacks base_importance", "starter.py migrate"),
        ("ALTER TABLE memories ALTER decayed_importance TYPE real", "columns", "keeps other digits than importance", "ALTER TABLE"),
        ("ALTER TABLE memories ALTER importance TYPE text", "columns", "importance is text, not float4 or float8 or numeric", "ALTER TABLE"),
        ("DELETE FROM maintenance.migrations WHERE name > '0002'", "migration", "at revision 0001", "starter.py migrate"),
        ("DROP FUNCTION maintenance.is_paused", "tables", "missing: function maintenance.is_paused", "starter.py migrate"),
        ("INSERT INTO maintenance.migrations VALUES ('9999_later')", "migration", "at revision 9999", "deploy a newer version"),
        (
            "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ('acme', '{\"decay_rate\": \"soon\"}')",
            "overrides", "acme", "tenants unset acme --all",
        ),
    ],
)  # fmt: skip
async def test_what_is_broken_is_a_failure_with_what_to_do(pool, deed, name, found, advice):
    await execute(pool, deed)
    check = (await _checks(pool))[name]
    assert (check.level, found in check.found, advice in (check.advice or "")) == ("failure", True, True)


async def test_a_store_that_was_never_migrated_says_so(postgres_url):
    pool = await open_pool(postgres_url, size=2, timeout_seconds=30)
    checks = await _checks(pool)
    await pool.close()
    assert has_failed(list(checks.values()))
    assert "starter.py migrate" in checks["migration"].found


@pytest.fixture
async def guest(pool, store_url):
    """A pool of a role that is neither owner nor superuser, with every right it needs."""
    await execute(pool, "DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    for statement in (
        "GRANT SELECT, INSERT, UPDATE, DELETE ON memories TO guest",
        "GRANT USAGE ON SCHEMA maintenance TO guest",
        "GRANT ALL ON ALL TABLES IN SCHEMA maintenance TO guest",
    ):
        await execute(pool, statement)
    parts = urlsplit(store_url)
    host = parts.netloc.rpartition("@")[2]
    guest = await open_pool(urlunsplit(parts._replace(netloc=f"guest@{host}")), size=2, timeout_seconds=30)
    yield guest
    await guest.close()


async def test_a_guest_that_may_not_create_is_warned(guest):
    check = (await _checks(guest))["rights"]
    assert (check.level, "may not create" in check.found) == ("warning", True)


@pytest.mark.parametrize(
    ("deed", "lacks"),
    [
        ("REVOKE UPDATE ON memories FROM guest", "guest lacks UPDATE on memories"),
        ("REVOKE DELETE ON memories FROM guest", "guest lacks DELETE on memories: removing stale texts, expiry"),
        (
            "CREATE TABLE memory_embeddings (memory_id uuid); GRANT SELECT, INSERT ON memory_embeddings TO guest",
            "guest lacks UPDATE on memory_embeddings, DELETE on memory_embeddings",
        ),
        ("REVOKE INSERT ON maintenance.cycles FROM guest", "cycles INSERT"),
    ],
)
async def test_a_right_that_is_missing_is_named(pool, guest, deed, lacks):
    await execute(pool, deed)
    check = (await _checks(guest))["rights"]
    assert (check.level, lacks in check.found) == ("failure", True)


async def test_row_security_that_hides_rows_is_a_failure(pool, guest):
    await execute(pool, "ALTER TABLE memories ENABLE ROW LEVEL SECURITY")
    assert (await _checks(pool))["row security"].level == "ok"
    check = (await _checks(guest))["row security"]
    assert (check.level, "hide rows from guest" in check.found) == ("failure", True)


async def test_updates_that_leave_their_page_are_reported_with_the_cause(pool):
    await write(pool, "acme", [str(n) for n in range(600)])
    await execute(pool, "CREATE INDEX by_importance ON memories (importance)")
    async with pool.acquire() as connection:
        for n in range(2):
            await connection.execute(CHURN, float(n + 1))
        await connection.execute("SELECT pg_stat_force_next_flush()")
    check = (await _checks(pool))["updates"]
    assert (check.level, "0% of 1,200 updates" in check.found) == ("warning", True)
    assert "by_importance" in (check.advice or "")

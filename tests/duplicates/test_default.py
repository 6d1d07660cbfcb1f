"""Whether exact duplicates are folded where no setting says so: decided for a store when it is migrated."""

from datetime import timedelta
from typing import Any

import pytest

from memory_maintenance.inspection.store_health import store_checks
from memory_maintenance.inspection.tenant import tenant_report
from memory_maintenance.rae.scheduler import MaintenanceScheduler
from memory_maintenance.settings import Settings
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import Pool, execute, fetch_value
from memory_maintenance.tenants.overrides import override
from tests.agents import AS_OF, write
from tests.conftest import NIGHTS_OF_THE_PAST

TEXTS = ["The lamp in the hall is red.", "The lamp in the hall is red."]
DEFAULT = "SELECT duplicates FROM maintenance.store"
AS_BEFORE = """
ALTER TABLE maintenance.store DROP COLUMN duplicates;
DELETE FROM maintenance.migrations WHERE name = '0024_duplicates_default'
"""


def settings(**chosen: Any) -> Settings:
    return Settings(_env_file=None, rae_llm_backend="extractive", **chosen)


async def night(pool: Pool, **chosen: Any) -> dict[str, Any]:
    return dict(await MaintenanceScheduler(pool, settings(**chosen)).run_daily_maintenance(as_of=AS_OF))


async def demoted(pool: Pool) -> int:
    return int(await fetch_value(pool, "SELECT count(*) FROM memories WHERE metadata ? 'duplicate_of'"))


@pytest.mark.parametrize(
    ("default", "deployment", "own", "effective", "origin"),
    [
        pytest.param("apply", {}, {}, "apply", "store", id="a new store"),
        pytest.param("off", {}, {}, "off", "store", id="a store that exists"),
        pytest.param("apply", {"memory_duplicates": "off"}, {}, "off", "MEMORY_DUPLICATES", id="off by a setting"),
        pytest.param("off", {"memory_duplicates": "apply"}, {}, "apply", "MEMORY_DUPLICATES", id="on by a setting"),
        pytest.param("apply", {}, {"duplicates": "off"}, "off", "override", id="a tenant is left out"),
        pytest.param("off", {}, {"duplicates": "apply"}, "apply", "override", id="a tenant is let in"),
    ],
)
async def test_a_setting_or_an_override_wins_over_the_default_of_the_store(
    any_pool, default, deployment, own, effective, origin
):
    tenant = "0a000000-0000-4000-8000-00000000000a"
    await execute(any_pool, "UPDATE maintenance.store SET duplicates = $1", default)
    await write(any_pool, tenant, TEXTS, start=AS_OF - timedelta(days=1))
    await override(any_pool, tenant, own)
    found = (await tenant_report(any_pool, settings(**deployment), tenant)).duplicates
    assert (found.exact, found.origin) == (effective, origin)
    stats = await night(any_pool, **deployment)
    assert await demoted(any_pool) == (effective == "apply")
    of_deployment = deployment.get("memory_duplicates", default)
    recorded = await fetch_value(any_pool, "SELECT config #>> '{duplicates,exact}' FROM maintenance.cycles")
    assert (recorded, stats["config"]["duplicates"]["exact"]) == (of_deployment, of_deployment)
    checks = {check.name: check.found for check in await store_checks(any_pool, settings(**deployment))}
    assert checks["duplicates"].startswith(f"memories with the same text: {of_deployment} (")


@pytest.mark.parametrize(
    ("before", "default"),
    [
        pytest.param("SELECT 1", "apply", id="it is empty"),
        pytest.param("INSERT INTO memories (tenant_id, content) VALUES ('acme', 'x')", "off", id="agents have written"),
        pytest.param(
            "INSERT INTO maintenance.tenants (tenant_id) VALUES ('acme')", "off", id="an operator gave an order"
        ),
    ],
)
async def test_only_a_store_that_begins_empty_folds_by_default(pool, store_url, before, default):
    await execute(pool, before)
    await pool.execute(AS_BEFORE)
    await migrate(store_url)
    assert await fetch_value(pool, DEFAULT) == default
    await execute(pool, "INSERT INTO memories (tenant_id, content) VALUES ('acme', 'y')")
    await migrate(store_url)
    assert await fetch_value(pool, DEFAULT) == default


async def test_a_store_that_is_migrated_for_the_first_time_with_memories_in_it_folds_nothing(pool, store_url):
    await write(pool, "acme", TEXTS, start=AS_OF - timedelta(days=1))
    await execute(pool, "DROP SCHEMA maintenance CASCADE")
    await migrate(store_url)
    assert await fetch_value(pool, DEFAULT) == "off"
    await execute(pool, NIGHTS_OF_THE_PAST)
    await night(pool)
    assert await demoted(pool) == 0

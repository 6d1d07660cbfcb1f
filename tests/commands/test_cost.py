"""``cost``: what a run that is due takes of Temporal Cloud."""

import json

from tests.large_fleet import a_fleet


async def test_cost_counts_small_tenants_in_bulk_unless_each_has_a_child(cli, pool):
    await a_fleet(pool, 250)
    found = json.loads((await cli("cost", "--json")).stdout)
    assert (found["tenants_in_bulk"], found["tenants_with_workflow"]) == (250, 0)
    assert found["actions"] == 7 + 1 + 2 * 4 + 10
    assert found["money"]["actions"] == found["actions"] * 50 / 1e6
    each = json.loads((await cli("cost", "--json", MAINTENANCE_CHILD_FOR_EVERY_TENANT="true")).stdout)
    assert (each["tenants_in_bulk"], each["tenants_with_workflow"]) == (0, 250)
    assert each["actions"] == 7 + 1 + 2 * 4 + 250 * 4


async def test_cost_says_what_is_not_counted_and_writes_nothing(cli, pool):
    await a_fleet(pool, 3)
    shown = (await cli("cost", "hourly")).stdout
    assert "An hourly run of what is due now, on Temporal Cloud" in shown
    assert "not counted: retries, queries" in shown
    assert await pool.fetchval("SELECT count(*) FROM maintenance.cycles") == 0
    assert await pool.fetchval("SELECT adopted_at FROM maintenance.store") is None

"""Summaries and dreams each have their model, the deployment's or a tenant's: asked, priced and broken by its name."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.inspection.model import model_status
from memory_maintenance.settings import Settings, TenantOverrides
from memory_maintenance.store.pool import Pool, execute, fetch
from memory_maintenance.summarization.estimate import estimate_summaries
from memory_maintenance.summarization.takeover import failed_night
from memory_maintenance.tenants.overrides import override, own_models
from memory_maintenance.writers.model.set_aside import Unit, count_failure, is_set_aside
from scripted_endpoint.replies import Reply, status, wrong_schema
from tests.agents import derived, write
from tests.model_path import honest, is_dream, settings, told

__all__ = ["settings"]

PRICES = {"cheap": (Decimal(1), Decimal(2)), "wise": (Decimal(10), Decimal(20)), "own": (Decimal(100), Decimal(200))}

CALLED = """
SELECT tenant_id, purpose, model, sum(input_tokens) AS read, sum(output_tokens) AS written, sum(cost) AS cost
FROM maintenance.model_calls WHERE state = 'accepted' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


@pytest.fixture
def chosen(settings: Settings) -> Settings:
    """A cheap model for summaries, a wise one for dreams; the tenant globex names its own for summaries."""
    named = {"summarization_model": "cheap", "dreaming_model": "wise", "model_prices": PRICES}
    return settings.model_copy(update=named)


@pytest.fixture
async def two_tenants(pool: Pool) -> Pool:
    for tenant in ("acme", "globex"):
        start = datetime.now(UTC) - timedelta(hours=5)
        await write(pool, tenant, told(12), session="s", start=start, importance=0.8)
    await override(pool, "globex", {"summarization_model": "own"})
    return pool


async def test_each_task_asks_its_model_at_its_price(two_tenants, chosen, endpoint):
    endpoint.otherwise = honest
    await run_maintenance(two_tenants, chosen)
    asked = {(is_dream(request), request["model"]) for request in endpoint.requests}
    assert asked == {(False, "cheap"), (False, "own"), (True, "wise")}
    rows = await fetch(two_tenants, CALLED)
    assert [tuple(row)[:3] for row in rows] == [
        ("acme", "reflection", "wise"),
        ("acme", "summary", "cheap"),
        ("globex", "reflection", "wise"),
        ("globex", "summary", "own"),
    ]
    for row in rows:
        read, written = PRICES[row["model"]]
        assert row["cost"] == (row["read"] * read + row["written"] * written) / 1_000_000
    assert [(await derived(two_tenants, tenant))[0]["metadata"]["model"] for tenant in ("acme", "globex")] == [
        "cheap",
        "own",
    ]


async def test_one_models_breaker_leaves_the_others_closed(two_tenants, chosen, endpoint):
    def reply(request: dict[str, Any]) -> Reply:
        return status(404) if request["model"] == "own" else honest(request)

    endpoint.otherwise = reply
    stats = await run_maintenance(two_tenants, chosen)
    assert (stats["summarization"]["stored"], stats["summarization"]["failed"]) == (1, 1)
    assert stats["dreaming"]["reflections_generated"] == 2
    broken = (await model_status(two_tenants, chosen)).breakers
    assert [one.endpoint.rpartition(" ")[2] for one in broken] == ["own"]


async def test_without_a_setting_all_is_as_it_was(pool, settings, endpoint):
    endpoint.otherwise = honest
    await write(pool, "acme", told(12), session="s", start=datetime.now(UTC) - timedelta(hours=5), importance=0.8)
    await run_maintenance(pool, settings)
    assert {request["model"] for request in endpoint.requests} == {"gpt-4o-mini"}
    assert "summarization_model" not in settings.snapshot()


async def test_a_forecast_prices_each_tenant_by_its_model(two_tenants, chosen):
    each = [
        await estimate_summaries(two_tenants, [tenant], as_of=datetime.now(UTC), settings=chosen)
        for tenant in ("acme", "globex")
    ]
    assert each[0].tokens == each[1].tokens
    assert each[1].cost == 100 * each[0].cost
    forecast = (await run_maintenance(two_tenants, chosen, dry_run=True))["estimate"]
    await override(two_tenants, "globex", {"summarization_model": None})
    cheaper = (await run_maintenance(two_tenants, chosen, dry_run=True))["estimate"]
    assert forecast["cost"] - cheaper["cost"] == pytest.approx(float(each[1].cost - each[0].cost))


async def test_a_failure_counts_against_a_session_only_where_the_same_model_has_answered(two_tenants, chosen, endpoint):
    endpoint.otherwise = honest
    await run_maintenance(two_tenants, chosen, tenant_ids=["acme"])
    unit = Unit("session", "globex", "shop", "summary-1", "s")
    for cycle in "abc":
        await count_failure(two_tenants, unit, cycle=cycle, reason="repeats", after_cycles=3, model="own")
    assert not await is_set_aside(two_tenants, unit)
    for cycle in "abc":
        await count_failure(two_tenants, unit, cycle=cycle, reason="repeats", after_cycles=3, model="cheap")
    assert await is_set_aside(two_tenants, unit)


async def test_a_night_has_failed_for_the_model_that_failed(two_tenants, chosen, endpoint):
    def reply(request: dict[str, Any]) -> Reply:
        return wrong_schema() if request["model"] == "own" else honest(request)

    endpoint.otherwise = reply
    await run_maintenance(two_tenants, chosen)
    assert await failed_night(two_tenants, chosen) is None
    assert await failed_night(two_tenants, chosen.for_tenant(TenantOverrides(summarization_model="own"))) is not None


async def test_the_models_that_tenants_name_are_found_beside_rows_that_cannot_be_read(two_tenants):
    await override(two_tenants, "acme", {"dreaming_model": "wise", "summarization_model": "own"})
    for garbage in ([1], 7, {"dreaming_model": None}):
        row = "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ($1, $2)"
        await execute(two_tenants, row, str(uuid4()), garbage)
    assert await own_models(two_tenants) == ["own", "wise"]

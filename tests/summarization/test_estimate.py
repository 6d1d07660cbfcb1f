"""What a back-fill is said to take, and what it takes."""

from datetime import timedelta
from decimal import Decimal

import pytest

from memory_maintenance.cycles.planner import estimate_run
from memory_maintenance.errors import TenantNotFoundError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute
from memory_maintenance.summarization.estimate import SummaryEstimate, session_estimate
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override
from memory_maintenance.writers.model.budget import used
from tests.agents import AS_OF, talk, write
from tests.model_path import honest, model, settings, told
from tests.steps import Summarizing, a_run

__all__ = ["model", "settings"]

DAY = timedelta(days=1)


async def estimate(pool, settings, **asked):
    run = await a_run(pool, AS_OF, backfill_days=asked.pop("backfill_days", None))
    return await estimate_run(pool, settings, run, **asked)


@pytest.mark.parametrize("events", [12, 300, 1500])
async def test_a_session_takes_no_more_than_the_estimate_and_not_much_less(pool, settings, model, endpoint, events):
    endpoint.otherwise = honest
    await write(pool, "acme", told(events), session="s")
    guess = await estimate(pool, settings)
    await Summarizing(pool, settings, model).summarize(SessionKey("acme", "shop", "s"), as_of=AS_OF)
    assert (guess.sessions, guess.events) == (1, events)
    assert guess.calls / 2 <= len(endpoint.requests) <= guess.calls
    sent = sum(len(str(request["messages"])) for request in endpoint.requests)
    assert sent / 4 < guess.input_tokens < sent
    assert await used(pool, "") < (guess.tokens, guess.cost)


async def test_sessions_back_to_so_many_days_before_adoption_are_counted(any_pool, settings):
    tenants = ["6b1b7f0e-0000-0000-0000-000000000001", "6b1b7f0e-0000-0000-0000-000000000002"]
    for tenant in tenants:
        for age in (1, 30, 90):
            await write(any_pool, tenant, talk(12), session=f"{age} days", start=AS_OF - age * DAY)
    found = [(await estimate(any_pool, settings, backfill_days=days)).sessions for days in (None, 31, 91)]
    assert found == [2, 4, 6]
    assert (await estimate(any_pool, settings, backfill_days=91, tenant_ids=tenants[:1])).sessions == 3
    await pause(any_pool, tenants[0])
    assert (await estimate(any_pool, settings, backfill_days=91)).sessions == 3


async def test_what_no_model_is_asked_about_costs_nothing(pool, settings):
    for tenant in ("acme", "bolt"):
        await write(pool, tenant, talk(12), session="s")
    whole = await estimate(pool, settings)
    await override(pool, "bolt", {"daily_tokens": 0})
    half = await estimate(pool, settings)
    assert (half.sessions, half.calls, half.cost) == (2, 1, whole.cost / 2)
    free = await estimate(pool, Settings.model_validate({"rae_llm_backend": "extractive"}))
    assert free == SummaryEstimate(sessions=2, events=24)


async def test_an_empty_store_takes_nothing(pool, settings):
    await execute(pool, "DELETE FROM memories")
    assert await estimate(pool, settings) == SummaryEstimate()


async def test_an_unknown_tenant_is_named(pool, settings):
    with pytest.raises(TenantNotFoundError):
        await estimate(pool, settings, tenant_ids=["nobody"])


def test_the_cost_is_that_of_the_models_own_price(settings):
    own = settings.model_copy(update={"model_prices": {"gpt-4o-mini": (Decimal(3), Decimal(6))}})
    asked = session_estimate([100] * 30, own, "gpt-4o-mini")
    assert asked.cost == (asked.input_tokens * 3 + asked.output_tokens * 6) / Decimal(1_000_000)

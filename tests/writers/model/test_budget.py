"""Budgets: reserved before, settled after, never exceeded."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from memory_maintenance.errors import BudgetExhaustedError, InvalidRequestError, SettingsError
from memory_maintenance.settings import load_settings
from memory_maintenance.store.pool import execute, fetch_value, transaction
from memory_maintenance.tenants.overrides import override
from memory_maintenance.writers.model.budget import (
    DailyLimits,
    Estimate,
    Prices,
    estimate,
    prices,
    reserve,
    tenant_scope,
    used,
)
from scripted_endpoint.replies import answer
from tests.writers.model.conftest import budgets_agree_with_the_ledger, question

PLENTY = DailyLimits(tenant_tokens=10**9, tenant_cost=Decimal(10**6), tokens=10**9, cost=Decimal(10**6))


async def granted(pool, limits, count, wanted, tenants=1):
    async def one(number):
        async with transaction(pool) as db:
            await reserve(db, f"tenant-{number % tenants}", wanted, limits)

    results = await asyncio.gather(*(one(number) for number in range(count)), return_exceptions=True)
    refused = [result for result in results if result is not None]
    assert all(isinstance(result, BudgetExhaustedError) for result in refused)
    return count - len(refused)


@pytest.mark.parametrize(
    ("limits", "tenants", "fit"),
    [
        pytest.param({"tokens": 1050}, 7, 10, id="tokens of the deployment"),
        pytest.param({"tenant_tokens": 250}, 4, 8, id="tokens of each tenant"),
        pytest.param({"cost": Decimal("0.35")}, 5, 3, id="money of the deployment"),
        pytest.param({"tenant_cost": Decimal("0.1")}, 3, 3, id="money of each tenant"),
    ],
)
async def test_fifty_reservations_at_once_never_exceed_a_budget(pool, limits, tenants, fit):
    wanted = Estimate(input_tokens=80, output_tokens=20, cost=Decimal("0.1"))
    bounds = DailyLimits(**{name: limits.get(name, getattr(PLENTY, name)) for name in DailyLimits.__slots__})
    assert await granted(pool, bounds, 50, wanted, tenants) == fit
    assert await used(pool, "") == (fit * 100, fit * Decimal("0.1"))
    each = [await used(pool, tenant_scope(f"tenant-{number}")) for number in range(tenants)]
    assert sum(tokens for tokens, _ in each) == fit * 100


@pytest.mark.parametrize(
    ("own", "fit"),
    [
        ({"daily_tokens": 250}, 2),
        ({"daily_tokens": 0}, 0),
        ({"daily_cost": "0.3"}, 3),
        ({"daily_cost": 0}, 0),
        ({"daily_tokens": 10**6, "daily_cost": 10**6}, 17),
    ],
    ids=str,
)
async def test_a_tenants_own_budget_takes_the_place_of_the_deployments_default(pool, own, fit):
    wanted = Estimate(input_tokens=80, output_tokens=20, cost=Decimal("0.1"))
    await override(pool, "tenant-0", own)
    limits = DailyLimits(tenant_tokens=500, tenant_cost=Decimal("0.5"), tokens=10**9, cost=Decimal("1.7"))
    assert await granted(pool, limits, 20, wanted, tenants=1) == fit
    assert (await used(pool, tenant_scope("tenant-0")))[0] == fit * 100
    await override(pool, "tenant-0", dict.fromkeys(own))
    assert await granted(pool, limits, 20, wanted, tenants=1) == max(0, 5 - fit)


@pytest.mark.parametrize(
    "own", [{"daily_tokens": -1}, {"daily_tokens": 1.5}, {"daily_cost": -1}, {"daily_cost": "NaN"}]
)
async def test_an_invalid_budget_is_refused(pool, own):
    with pytest.raises(InvalidRequestError):
        await override(pool, "acme", own)


@pytest.mark.parametrize(
    ("said", "model", "price"),
    [
        ("", "gpt-4o-mini", (Decimal("0.15"), Decimal("0.60"))),
        ("gpt-4o-mini=1/2,local=0/0", "gpt-4o-mini", (Decimal(1), Decimal(2))),
        ("gpt-4o-mini=1/2, local = 0 / 0 ,", "other", (Decimal("0.15"), Decimal("0.60"))),
        ("local=0/0", "local", (Decimal(0), Decimal(0))),
        ("ns/model:7b=q4=0.5/1.5", "ns/model:7b=q4", (Decimal("0.5"), Decimal("1.5"))),
    ],
)
def test_every_model_has_its_price(monkeypatch, said, model, price):
    monkeypatch.setenv("MODEL_PRICES", said)
    assert prices(load_settings(), model) == Prices(*price)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("0.15/0.60", "is not MODEL=INPUT/OUTPUT"),
        ("=0.15/0.60", "is not MODEL=INPUT/OUTPUT"),
        ("m=0.15", "the price in entry 1 is not INPUT/OUTPUT"),
        ("m=a/b", "the price in entry 1 is not INPUT/OUTPUT"),
        ("m=-1/2", "the price in entry 1"),
        ("m=nan/1", "the price in entry 1"),
        ("m=1/2/3", "the price in entry 1"),
        ("m=1/2,m=1/2", "entry 2 names a model that an earlier entry names"),
    ],
)
def test_a_price_that_cannot_be_read_is_one_clear_line(monkeypatch, said, complaint):
    monkeypatch.setenv("MODEL_PRICES", said)
    with pytest.raises(SettingsError, match="MODEL_PRICES") as caught:
        load_settings()
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_fifty_workers_never_spend_more_than_the_budget(pool, make_model, endpoint):
    endpoint.otherwise = answer(usage=(90, 10))
    model = make_model(model_daily_tokens=3000)
    asked = (model.ask(question(prompt=f"{number:>40}", tenant_id=f"t{number % 5}")) for number in range(50))
    results = await asyncio.gather(*asked, return_exceptions=True)
    refused = sum(isinstance(result, BudgetExhaustedError) for result in results)
    assert 0 < refused < 50
    assert len(endpoint.requests) == 50 - refused
    assert await used(pool, "") == (
        100 * (50 - refused),
        Prices(Decimal("0.15"), Decimal("0.6")).cost(90, 10) * (50 - refused),
    )
    assert await budgets_agree_with_the_ledger(pool)


async def test_a_tenant_without_a_name_has_a_budget_of_its_own(pool):
    assert await granted(pool, PLENTY, 1, Estimate(1, 1, Decimal(0))) == 1
    async with transaction(pool) as db:
        await reserve(db, "", Estimate(1, 1, Decimal(0)), PLENTY)
    assert await used(pool, "") == (4, Decimal(0))
    assert await used(pool, tenant_scope("")) == (2, Decimal(0))


async def test_a_call_over_midnight_is_settled_on_its_day(pool, make_model, endpoint):
    class AcrossMidnight:
        def __init__(self, client):
            self.client, self.model, self.endpoint = client, client.model, client.endpoint

        async def complete(self, request):
            await execute(pool, "UPDATE maintenance.model_calls SET reserved_on = reserved_on - 1")
            await execute(pool, "UPDATE maintenance.model_budgets SET day = day - 1")
            return await self.client.complete(request)

    endpoint.script(answer(usage=(90, 10)))
    model = make_model()
    await replace(model, client=AcrossMidnight(model.client)).ask(question())
    yesterday = await fetch_value(pool, "SELECT (now() AT TIME ZONE 'UTC')::date - 1")
    assert (await used(pool, "", yesterday))[0] == 100
    assert await used(pool, "", yesterday + timedelta(days=1)) == (0, Decimal(0))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("a" * 300, 100), ("日本語" * 100, 300), ("\ud800", 1)],
    ids=["English", "Japanese", "surrogate"],
)
def test_the_estimate_is_rather_too_high(text, tokens):
    guess = estimate(text, answer_tokens=50, at=Prices(Decimal(3), Decimal(6)))
    assert tokens <= guess.input_tokens <= tokens + 64
    assert guess.tokens == guess.input_tokens + 50
    assert guess.cost == (guess.input_tokens * 3 + Decimal(300)) / 1_000_000

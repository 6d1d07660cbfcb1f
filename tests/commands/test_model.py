"""``model status`` and ``model reset-breaker``."""

import asyncio
import json
from datetime import timedelta

import pytest

from memory_maintenance.errors import LanguageModelError
from memory_maintenance.store.pool import execute, fetch_value
from memory_maintenance.tenants.overrides import override
from memory_maintenance.writers.model.breaker import Breaker
from scripted_endpoint.replies import answer, hang, wrong_schema
from tests.writers.model.conftest import make_model, model, question, settings

__all__ = ["make_model", "model", "settings"]

OPENAI = {"RAE_LLM_BACKEND": "openai", "OPENAI_API_KEY": "sk-secret-123"}


async def status(cli, **changes):
    ended = await cli("model", "status", "--json", **{**OPENAI, **changes})
    assert ended.exit_code == 0, ended.output
    assert "sk-secret" not in ended.output
    return json.loads(ended.stdout)


async def test_an_empty_store_has_a_closed_breaker_and_nothing_used(cli):
    told = await status(cli)
    assert (told["breakers"], told["calls"], told["claims_lost"]) == ([], [], 0)
    assert [(use["tenant_id"], use["tokens"], use["token_limit"]) for use in told["budgets"]] == [(None, 0, 50_000_000)]
    shown = await cli("model", "status", **OPENAI)
    assert "breaker: closed" in shown.stdout
    assert "no calls in the last 24 hours" in shown.stdout


async def test_what_was_used_stands_against_its_limit_the_most_first(pool, cli, model, endpoint):
    endpoint.otherwise = answer(usage=(900, 100))
    await override(pool, "bolt", {"daily_tokens": 7000})
    for tenant, times in (("acme", 1), ("bolt", 2)):
        for number in range(times):
            await model.ask(question(tenant_id=tenant, prompt=f"{number}"))
    told = await status(cli, MODEL_DAILY_TOKENS_PER_TENANT="5000", MODEL_DAILY_TOKENS="9000")
    used = [(use["tenant_id"], use["tokens"], use["token_limit"]) for use in told["budgets"]]
    assert used == [(None, 3000, 9000), ("bolt", 2000, 7000), ("acme", 1000, 5000)]
    shown = await cli("model", "status", **OPENAI)
    assert "tenant bolt" in shown.stdout


async def test_calls_of_a_day_are_counted_by_how_they_ended(pool, cli, model, endpoint):
    endpoint.script(wrong_schema(), answer())
    with pytest.raises(LanguageModelError):
        await model.ask(question())
    await model.ask(question())
    endpoint.script(hang())
    asking = asyncio.create_task(model.ask(question(prompt="another")))
    await endpoint.arrived(3)
    asking.cancel()
    await asyncio.wait({asking})
    told = await status(cli)
    counted = {(call["state"], call["reason"]): call["calls"] for call in told["calls"]}
    assert counted == {("refused", "off_schema"): 1, ("accepted", None): 1, ("lost", "claim_lost"): 1}
    assert told["claims_lost"] == 1
    await execute(pool, "UPDATE maintenance.model_calls SET claimed_at = now() - interval '25 hours'")
    assert (await status(cli))["calls"] == []


async def test_an_open_breaker_is_shown_with_its_reason_and_closed_by_command(pool, cli):
    await Breaker(pool, "host/v1 m", timedelta(minutes=15)).open("quota")
    await Breaker(pool, "other/v1 m", timedelta(minutes=-1)).open("timeout")
    told = {one["endpoint"]: (one["reason"], one["open"]) for one in (await status(cli))["breakers"]}
    assert told == {"host/v1 m": ("quota", True), "other/v1 m": ("timeout", False)}
    shown = (await cli("model", "status", **OPENAI)).stdout
    assert "breaker of host/v1 m: open since" in shown
    assert "breaker of other/v1 m: the next call tries" in shown
    ended = await cli("model", "reset-breaker", "--endpoint", "host/v1 m", "--by", "ana", **OPENAI)
    assert ended.stdout == "closed the breaker of host/v1 m\n"
    assert "model_breaker_reset" in ended.stderr
    assert "ana" in ended.stderr
    assert (await cli("model", "reset-breaker", **OPENAI)).stdout == "closed the breaker of other/v1 m\n"
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.model_breaker") == 0
    assert (await cli("model", "reset-breaker", **OPENAI)).stdout == "no breaker was open\n"


async def test_without_a_model_that_is_what_it_says(cli):
    told = await status(cli, RAE_LLM_BACKEND="extractive")
    assert (told["backend"], told["model"]) == ("extractive", None)


async def test_a_model_whose_answers_are_refused_is_reported_with_what_to_change(cli, model, endpoint):
    endpoint.otherwise = wrong_schema()
    for prompt in ("one", "another"):
        for _ in range(3):
            with pytest.raises(LanguageModelError):
                await model.ask(question(prompt=prompt))
    told = "100% of 6 calls in the last 24 hours gave no usable answer: off_schema 6 → use a model or a server"
    for command in (("model", "status"), ("status",), ("doctor",)):
        shown = await cli(
            *command, **{**OPENAI, "TEMPORAL_ADDRESS": "127.0.0.1:1", "OPENAI_BASE_URL": endpoint.base_url}
        )
        assert told in shown.stdout, command
    data = await status(cli)
    assert (data["answers"], data["fallback_takeover_since"]) == ({"calls": 6, "unusable": {"off_schema": 6}}, None)

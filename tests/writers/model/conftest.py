"""A ledgered model on a real store, in front of a scripted endpoint."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch
from memory_maintenance.summarization.prompt import SessionSummaryResponse
from memory_maintenance.writers.model.accounted_model import AccountedModel
from memory_maintenance.writers.model.asking import accounted_model
from memory_maintenance.writers.model.question import Question
from scripted_endpoint.replies import FACTS
from scripted_endpoint.server import ScriptedEndpoint

TIMEOUT = 10.0
"""Seconds: for what answers, however busy this machine is."""

SHORT_TIMEOUT = 0.3
"""Seconds: for what will not answer."""

SHIFT_CALLS = """
UPDATE maintenance.model_calls SET claimed_at = claimed_at - $1::interval, lease_until = lease_until - $1::interval,
    waiting_since = waiting_since - $1::interval, answered_at = answered_at - $1::interval
"""
SHIFT_BREAKERS = """
UPDATE maintenance.model_breaker SET opened_at = opened_at - $1::interval, opened_until = opened_until - $1::interval
"""


async def pass_time(pool: Pool, span: timedelta) -> None:
    """Let *span* pass: the ledger reckons by the database's clock, so its times move back."""
    await execute(pool, SHIFT_CALLS, span)
    await execute(pool, SHIFT_BREAKERS, span)


async def rows(pool: Pool, *columns: str) -> list[tuple[Any, ...]]:
    """Return these columns of every attempt, in order (state and reason)."""
    names = columns or ("state", "reason")
    found = await fetch(pool, "SELECT * FROM maintenance.model_calls ORDER BY question, attempt")
    return [tuple(row[name] for name in names) for row in found]


async def budgets_agree_with_the_ledger(pool: Pool) -> bool:
    """Return whether for each scope the budgets of all days are what its rows reserved, forfeited and used."""
    used = """
        SELECT s.scope, sum(reserved_tokens + forfeited_tokens + coalesce(input_tokens + output_tokens, 0)) AS tokens,
               sum(reserved_cost + forfeited_cost + coalesce(cost, 0)) AS cost
        FROM maintenance.model_calls, LATERAL (VALUES ('tenant/' || tenant_id), ('')) AS s (scope) GROUP BY 1 ORDER BY 1
    """
    booked = (
        "SELECT scope, sum(tokens) AS tokens, sum(cost) AS cost FROM maintenance.model_budgets GROUP BY 1 ORDER BY 1"
    )
    return [tuple(row) for row in await fetch(pool, used)] == [tuple(row) for row in await fetch(pool, booked)]


@pytest.fixture
def settings(endpoint: ScriptedEndpoint) -> Settings:
    """The settings that name the scripted endpoint."""
    return Settings(
        _env_file=None,
        openai_base_url=endpoint.base_url,
        rae_llm_model_default="scripted",
        model_timeout_seconds=TIMEOUT,
        model_answer_attempts=3,
        model_answer_tokens=200,
        model_price_input=Decimal("0.15"),
        model_price_output=Decimal("0.60"),
    )


@pytest.fixture
async def make_model(settings: Settings, pool: Pool) -> AsyncIterator[Callable[..., AccountedModel]]:
    """Opens models, as as many processes would; settings may differ by keyword."""
    opened: list[AccountedModel] = []

    def make(**changes: Any) -> AccountedModel:
        chosen = settings.model_copy(update=changes)
        model = accounted_model(chosen, pool, chosen.rae_llm_model_default)
        opened.append(model)
        return model

    yield make
    for model in opened:
        await model.close()


@pytest.fixture
def model(make_model: Callable[..., AccountedModel]) -> AccountedModel:
    """One model."""
    return make_model()


def question(**changes: Any) -> Question[SessionSummaryResponse]:
    """Return a question that ``replies.GOOD`` answers."""
    asked = Question(
        purpose="summary",
        tenant_id="acme",
        prompt_version="test/1",
        system="You summarize sessions.",
        prompt="\n".join(FACTS),
        answer_type=SessionSummaryResponse,
        sources=FACTS,
        attempt_group="cycle-1",
    )
    return replace(asked, **changes)

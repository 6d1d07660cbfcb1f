"""The whole path with a real model: HTTP, tokens, schema, judgement, ledger, budget. Not its prose."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated

import pytest
from pydantic import Field

from memory_maintenance.errors import AnswersExhaustedError, ContextTooLongError
from memory_maintenance.settings import Settings
from memory_maintenance.summarization.prompt import SessionSummaryResponse, session_question
from memory_maintenance.writers.model.asking import PatientModel, open_model
from memory_maintenance.writers.model.budget import used
from memory_maintenance.writers.model.completion import read_completion
from memory_maintenance.writers.model.judging import judge, read_answer
from tests.small_model import small_model_url
from tests.writers.model.conftest import budgets_agree_with_the_ledger, rows

__all__ = ["small_model_url"]

pytestmark = pytest.mark.model

ATTEMPTS, ANSWER_TOKENS = 2, 160

SESSION = [
    "2026-03-02 The customer Ana reported that the invoice export fails with an error.",
    "2026-03-02 Bo found that the export fails when an invoice has no address.",
    "2026-03-02 Bo fixed the export and added a test for invoices without an address.",
    "2026-03-02 Ana confirmed that the export works and asked for a release on Thursday.",
]


class ShortSummary(SessionSummaryResponse):
    """So short that the grammar ends the answer before the bound of tokens cuts it."""

    summary: str = Field(min_length=1, max_length=160)
    key_topics: tuple[Annotated[str, Field(max_length=20)], ...] = Field(max_length=3)


async def _not_sleeping(_: float) -> None:
    """Refused answers are asked again at once."""


@pytest.fixture
async def small_model(small_model_url, pool):
    settings = Settings(
        _env_file=None,
        openai_base_url=small_model_url,
        rae_llm_model_default="local",
        model_answer_tokens=ANSWER_TOKENS,
        model_answer_attempts=ATTEMPTS,
        model_timeout_seconds=60,
    )
    model = open_model(settings, pool)
    assert model
    yield model
    await model.close()


async def _outcome(model, question):
    try:
        return await PatientModel(model, sleep=_not_sleeping).ask(question)
    except AnswersExhaustedError:
        return None


@pytest.mark.parametrize("answer_type", [SessionSummaryResponse, ShortSummary])
async def test_a_real_answer_is_judged_by_the_same_measures_and_paid_once(pool, small_model, answer_type):
    question = replace(session_question("acme", SESSION, asked_in="cycle-1"), answer_type=answer_type)
    answer = await _outcome(small_model, question)
    calls = await rows(pool, "state", "response", "input_tokens", "output_tokens", "latency_seconds")
    assert 1 <= len(calls) <= ATTEMPTS
    for state, response, read, written, seconds in calls:
        completion = read_completion(response)
        assert state == ("refused" if judge(completion, question).reason else "accepted")
        assert (read, written) == completion.usage
        assert read > 50
        assert 0 < written <= ANSWER_TOKENS
        assert seconds > 0
    assert (answer is not None) == (calls[-1][0] == "accepted")
    assert await budgets_agree_with_the_ledger(pool)
    assert await used(pool, "") == (sum(row[2] + row[3] for row in calls), _price(calls))
    await _outcome(small_model, question)
    assert len(await rows(pool)) == len(calls)


async def test_a_real_endpoint_enforces_the_schema(pool, small_model):
    question = replace(session_question("acme", SESSION, asked_in="cycle-1"), answer_type=ShortSummary)
    await _outcome(small_model, question)
    for (response,) in await rows(pool, "response"):
        completion = read_completion(response)
        assert completion.finish_reason == "stop"
        assert read_answer(completion.content, ShortSummary) is not None


async def test_a_prompt_longer_than_the_real_context_is_named(pool, small_model):
    with pytest.raises(ContextTooLongError):
        await small_model.ask(session_question("acme", SESSION * 40, asked_in="cycle-1"))
    assert await rows(pool) == [("failed", "context_length")]
    assert await used(pool, "") == (0, Decimal(0))


def _price(calls) -> Decimal:
    return sum((row[2] * Decimal("0.15") + row[3] * Decimal("0.60") for row in calls), Decimal(0)) / 1_000_000

"""Opening a model, and patience where nothing else waits."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from memory_maintenance.errors import (
    AnswersExhaustedError,
    BudgetExhaustedError,
    ModelForbiddenError,
    ModelUnavailableError,
    QuestionClaimedError,
)
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.writers.model.asking import PatientModel, open_model
from memory_maintenance.writers.model.question import LanguageModel
from scripted_endpoint import replies as scripted
from scripted_endpoint.replies import GOOD, answer, status
from tests.writers.model.conftest import pass_time, question


@dataclass
class Clock:
    """Passes the store's time instead of ours."""

    pool: Pool
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds):
        self.slept.append(seconds)
        await pass_time(self.pool, timedelta(seconds=seconds))


async def test_patience_waits_as_asked_until_there_is_an_answer(pool, model, endpoint):
    endpoint.script(status(429, retry_after=30), status(500), scripted.wrong_schema(), status(503), answer())
    clock = Clock(pool)
    patient: LanguageModel = PatientModel(model, sleep=clock.sleep)
    assert (await patient.ask(question())).value.summary == GOOD["summary"]
    assert clock.slept == [30, 2, 0, 1]


@pytest.mark.parametrize(
    ("reply", "error", "requests"),
    [
        pytest.param(scripted.wrong_schema(), AnswersExhaustedError, 3, id="bad answers are counted"),
        pytest.param(status(503), ModelUnavailableError, 16, id="a busy endpoint opens the breaker"),
        pytest.param(status(429, retry_after=120), ModelUnavailableError, 6, id="so does a limit that does not end"),
        pytest.param(scripted.insufficient_quota(), ModelForbiddenError, 1, id="quota is final"),
    ],
)
async def test_patience_ends(pool, model, endpoint, reply, error, requests):
    endpoint.otherwise = reply
    with pytest.raises(error):
        await PatientModel(model, sleep=Clock(pool).sleep).ask(question())
    assert len(endpoint.requests) == requests


async def test_patience_waits_for_another_callers_answer(pool, make_model, endpoint):
    endpoint.script(answer())
    asked = []

    class Claimed:
        async def ask(self, question):
            asked.append(question)
            if len(asked) < 3:
                raise QuestionClaimedError(timedelta(seconds=2))
            return await make_model().ask(question)

    clock = Clock(pool)
    await PatientModel(Claimed(), sleep=clock.sleep).ask(question())
    assert clock.slept == [2, 2]


async def test_a_spent_budget_is_not_waited_for(pool, make_model):
    clock = Clock(pool)
    with pytest.raises(BudgetExhaustedError):
        await PatientModel(make_model(model_daily_tokens=1), sleep=clock.sleep).ask(question())
    assert clock.slept == []


@pytest.mark.parametrize(
    ("settings", "writes"),
    [
        pytest.param({}, False, id="nothing configured"),
        pytest.param({"openai_api_key": "sk-x"}, True, id="a key"),
        pytest.param({"openai_base_url": "http://host/v1"}, True, id="an address"),
        pytest.param({"rae_llm_backend": "ollama"}, True, id="ollama"),
        pytest.param({"rae_llm_backend": "extractive", "openai_api_key": "sk-x"}, False, id="extractive"),
        pytest.param({"rae_llm_backend": "none", "openai_api_key": "sk-x"}, False, id="none"),
    ],
)
async def test_a_model_is_opened_where_one_is_configured(pool, settings, writes):
    model = open_model(Settings(_env_file=None, **settings), pool)
    assert (model is not None) == writes
    if model:
        await model.close()

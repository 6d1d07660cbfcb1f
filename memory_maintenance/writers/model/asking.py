"""The door to the language model: what the settings name, and patience where nothing else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar

from memory_maintenance.errors import LanguageModelError
from memory_maintenance.observability.logs import quiet_third_party_loggers
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.writers.model.accounted_model import AccountedModel
from memory_maintenance.writers.model.breaker import Breaker
from memory_maintenance.writers.model.budget import daily_limits, prices
from memory_maintenance.writers.model.ledger import Ledger
from memory_maintenance.writers.model.openai_client import Completer, OpenAIClient
from memory_maintenance.writers.model.quality import thresholds
from memory_maintenance.writers.model.question import Answer, AnswerT, LanguageModel, Question

ResultT = TypeVar("ResultT")

_UNSAID_WAIT: Final = timedelta(seconds=1)
_AFTER_THE_CALL: Final = timedelta(seconds=60)
"""How much longer than a call a claim lives: time to keep the response, even while Postgres restarts."""


@dataclass(frozen=True, slots=True)
class EndpointModels:
    """The models of the configured endpoint: each with prices and a breaker of its own, all with one ledger."""

    settings: Settings
    pool: Pool
    _opened: dict[str, AccountedModel] = field(default_factory=dict)

    async def ask(self, question: Question[AnswerT]) -> Answer[AnswerT]:
        """Ask the model that *question* names, once; see ``AccountedModel.ask``."""
        name = question.model or self.settings.rae_llm_model_default
        if name not in self._opened:
            self._opened[name] = accounted_model(self.settings, self.pool, name)
        return await self._opened[name].ask(question)

    async def close(self) -> None:
        """Close the connections to the endpoint."""
        for model in self._opened.values():
            await model.close()


def open_model(settings: Settings, pool: Pool) -> EndpointModels | None:
    """Return the models behind the configured endpoint, None where texts are written without one.

    Nothing is sent yet. Close it with ``await model.close()``.
    """
    return EndpointModels(settings, pool) if settings.llm_backend == "openai" else None


def accounted_model(settings: Settings, pool: Pool, name: str) -> AccountedModel:
    """Return the model *name* of the configured endpoint. Nothing is sent yet; close it."""
    quiet_third_party_loggers()
    client = OpenAIClient(
        base_url=settings.llm_base_url,
        api_key=settings.openai_api_key,
        model=name,
        answer_tokens=settings.model_answer_tokens,
        timeout=settings.model_timeout,
        proxy=settings.model_proxy,
    )
    own = {"answer_tokens": settings.model_answer_tokens, "thresholds": thresholds(settings)}
    return accounted(client, settings, pool, **own)


def accounted(client: Completer, settings: Settings, pool: Pool, **own: Any) -> AccountedModel:
    """Return the model behind *client* with ledger, breaker and prices; *own*: what else it is made of."""
    return AccountedModel(
        client=client,
        ledger=Ledger(pool, daily_limits(settings), lease=settings.model_timeout + _AFTER_THE_CALL),
        breaker=Breaker(pool, client.endpoint, timedelta(seconds=settings.model_breaker_seconds)),
        prices=prices(settings, client.model),
        answer_attempts=settings.model_answer_attempts,
        patience=timedelta(seconds=settings.model_patience_seconds),
        **own,
    )


@dataclass(frozen=True, slots=True)
class PatientModel:
    """A language model that waits as the endpoint asks and tries again, until there is an answer or a final error.

    It ends: bad answers are counted, busy endpoints open the breaker, and claims have a lease.
    """

    model: LanguageModel
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def ask(self, question: Question[AnswerT]) -> Answer[AnswerT]:
        """Return an answer fit to be stored.

        Raises:
            LanguageModelError: one that no waiting will help; never a retryable one.
        """
        return await patiently(lambda: self.model.ask(question), self.sleep)


def patient_model(settings: Settings, pool: Pool) -> PatientModel | None:
    """Return the configured model for a caller without Temporal: it waits as the endpoint asks. None: no model."""
    model = open_model(settings, pool)
    return None if model is None else PatientModel(model)


async def patiently(
    step: Callable[[], Awaitable[ResultT]], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> ResultT:
    """Take *step*, as often as the model's errors say that a retry helps, after the waits they ask for."""
    while True:
        try:
            return await step()
        except LanguageModelError as error:
            if not error.retryable:
                raise
            pause = _UNSAID_WAIT if error.retry_after is None else error.retry_after
        await sleep(pause.total_seconds())

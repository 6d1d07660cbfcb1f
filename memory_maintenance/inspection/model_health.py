"""Whether the language model can be used: reachable, its breaker, its prices, and one tiny question if asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final, Literal

from memory_maintenance.errors import LanguageModelError
from memory_maintenance.inspection.health import Check, has_failed
from memory_maintenance.inspection.model import model_status
from memory_maintenance.observability.logs import quiet_third_party_loggers
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.writers.model.budget import Prices, prices
from memory_maintenance.writers.model.completion import Completion, read_completion
from memory_maintenance.writers.model.judging import read_answer
from memory_maintenance.writers.model.openai_client import OPENAI_URL, ChatRequest, OpenAIClient, connection
from memory_maintenance.writers.model.openai_errors import model_errors
from memory_maintenance.writers.model.question import ModelAnswer

PATIENCE: Final = timedelta(seconds=10)
"""Longest wait for an answer; a run waits for MODEL_TIMEOUT_SECONDS."""

LONGEST_LIST: Final = 8_000_000
"""Bytes of an endpoint's list of models; gateways have thousands of them."""

QUESTION_TOKENS: Final = 64
"""The longest answer to the tiny question."""

_model = partial(Check, "model")


class Colour(ModelAnswer):
    """The answer to the tiny question: its shape is what is tested."""

    colour: Literal["red", "green", "blue"]

    def prose(self) -> None:
        """Return nothing: there is no sentence in it."""

    def labels(self) -> Sequence[str]:
        """Return the colour."""
        return (self.colour,)


async def model_checks(settings: Settings, *, ask: bool, own_models: Sequence[str] = ()) -> AsyncIterator[Check]:
    """Yield the verdicts on the configured endpoint and the models that write.

    Args:
        settings: of the deployment.
        ask: pay for one tiny question to each model, outside of every budget.
        own_models: those that tenants name for themselves.
    """
    if settings.llm_backend != "openai":
        yield _model("writer", "ok", f"no model is asked: texts are written by `{settings.llm_backend}`")
        return
    quiet_third_party_loggers()
    models = tuple(dict.fromkeys((*settings.writing_models, *own_models)))
    reachable = await _unless_it_fails("reachable", _listed(settings, models), settings)
    for check in [*reachable, *(price_check(settings, model) for model in models)]:
        yield check
    if has_failed(reachable):
        return
    if not ask:
        yield _model("answer", "note", "it was not asked anything", "doctor --ask-model asks one tiny question")
        return
    for model in models:
        for check in await _unless_it_fails("answer", _asked(settings, model), settings):
            yield replace(check, found=f"{model}: {check.found}") if len(models) > 1 else check


async def _unless_it_fails(name: str, checks: Awaitable[list[Check]], settings: Settings) -> list[Check]:
    try:
        return await checks
    except LanguageModelError as error:
        advice = "decay goes on; texts are fallbacks, or stay due"
        return [_model(name, "failure", _why(error, settings), advice)]


def _why(error: LanguageModelError, settings: Settings) -> str:
    match error.reason:
        case "unreachable":
            return f"nothing answers at {_named_by(settings)}"
        case "timeout":
            return f"the endpoint did not answer within {PATIENCE.total_seconds():g} s"
        case _:
            return str(error)


def _named_by(settings: Settings) -> str:
    """Return what says where the endpoint is."""
    if settings.openai_base_url:
        return "OPENAI_BASE_URL"
    if settings.rae_llm_backend == "ollama":
        return "OLLAMA_API_URL"
    return "OpenAI's own address: OPENAI_BASE_URL is unset, OPENAI_API_KEY is set"


async def breaker_check(pool: Pool, settings: Settings) -> Check:
    """Return the verdict on the breakers in the store."""
    broken = [breaker for breaker in (await model_status(pool, settings)).breakers if breaker.open]
    if not broken:
        return _model("breaker", "ok", "closed")
    said = ", ".join(f"{one.endpoint} until {one.opened_until:%H:%M} UTC ({one.reason})" for one in broken)
    advice = "put it right, then: starter.py model reset-breaker"
    return _model("breaker", "warning", f"open, so that every call fails at once: {said}", advice)


async def _listed(settings: Settings, models: Sequence[str]) -> list[Check]:
    url = settings.llm_base_url or OPENAI_URL
    client = connection(url, settings.openai_api_key, PATIENCE, proxy=settings.model_proxy, most_bytes=LONGEST_LIST)
    try:
        with model_errors():
            async with asyncio.timeout(PATIENCE.total_seconds()):
                known = [model.id async for model in client.models.list()]
    except LanguageModelError as error:
        if error.reason != "unknown_model":
            raise
        return [_model("reachable", "ok", "the endpoint answers; it keeps no list of its models")]
    finally:
        await client.close()
    few = ", ".join(sorted(known)[:5])
    missing = [
        _model(
            "reachable", "warning", f"the endpoint does not list {name}", f"{_setting_of(settings, name)}: it has {few}"
        )
        for name in models
        if known and name not in known
    ]
    return missing or [_model("reachable", "ok", f"the endpoint answers and has {', '.join(models)}")]


def _setting_of(settings: Settings, model: str) -> str:
    """Return what names *model*."""
    for setting in ("rae_llm_model_default", "summarization_model", "dreaming_model"):
        if getattr(settings, setting) == model:
            return setting.upper()
    return "summarization_model or dreaming_model of a tenant (starter.py tenants list)"


def price_check(settings: Settings, name: str) -> Check:
    """Return the verdict on the prices that budgets reckon with for the model *name*."""
    price = prices(settings, name)
    said = f"{price.input}/{price.output} for a million tokens of {name}"
    set_by_hand = {"model_price_input", "model_price_output"} & settings.model_fields_set
    if (
        name in settings.model_prices
        or set_by_hand
        or name == type(settings).model_fields["rae_llm_model_default"].default
    ):
        return _model("prices", "ok", said)
    return _model("prices", "warning", f"{said}, the price of another model", f"MODEL_PRICES={name}=INPUT/OUTPUT")


async def _asked(settings: Settings, model: str) -> list[Check]:
    client = OpenAIClient(
        base_url=settings.llm_base_url,
        api_key=settings.openai_api_key,
        model=model,
        answer_tokens=QUESTION_TOKENS,
        timeout=PATIENCE,
        proxy=settings.model_proxy,
    )
    try:
        response = await client.complete(
            ChatRequest("Answer with one JSON object.", 'Which colour is grass? Answer {"colour": "green"}.', Colour)
        )
        completion = read_completion(response)
    finally:
        await client.close()
    return [_structured(completion), _counted(completion, prices(settings, model))]


def _structured(completion: Completion) -> Check:
    if completion.finish_reason == "length":
        found = f"its answer was cut off after {QUESTION_TOKENS} tokens: a model that thinks first needs more room"
        return _model("answer", "warning", found, "MODEL_ANSWER_TOKENS: leave room for its thoughts and its answer")
    if read_answer(completion.content, Colour) is None:
        found = "its answer is not the JSON object that was asked for: it will be refused, and fallbacks written"
        return _model("answer", "failure", found, "use a model or a server that keeps to response_format=json_schema")
    return _model("answer", "ok", "it answers in the shape that is asked for")


def _counted(completion: Completion, price: Prices) -> Check:
    if completion.usage is None:
        return _model("usage", "note", "the endpoint does not count tokens: budgets go by estimates from above")
    read, written = completion.usage
    cost = price.cost(read, written)
    said = f"the question took {read} + {written} tokens, {cost:.6f} at the configured prices"
    return _model("usage", "ok", said, "compare it with the provider's bill")

import json
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from werkzeug import Response

from memory_maintenance.inspection import model_health
from memory_maintenance.inspection.model_health import breaker_check, model_checks, price_check
from memory_maintenance.store.pool import execute
from tests.settings import settings

MODELS = {"object": "list", "data": [{"id": "tiny", "object": "model", "created": 0, "owned_by": "us"}]}


def _answer(content, usage=(20, 6)):
    message = {"role": "assistant", "content": content}
    body = {"id": "c", "object": "chat.completion", "created": 0, "model": "tiny"}
    body["choices"] = [{"index": 0, "finish_reason": "stop", "message": message}]
    return body | (
        {"usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": 26}} if usage else {}
    )


@pytest.fixture
def endpoint(httpserver):
    httpserver.expect_request("/v1/models").respond_with_json(MODELS)
    return httpserver


async def _levels(endpoint, *, ask=True, **chosen):
    named = {"openai_base_url": endpoint.url_for("/v1"), "rae_llm_model_default": "tiny", **chosen}
    checks = model_checks(settings(**{"model_prices": {"tiny": (Decimal(0), Decimal(0))}, **named}), ask=ask)
    return {check.name: check.level async for check in checks}


async def test_a_model_that_works_is_asked_one_tiny_question(endpoint):
    endpoint.expect_request("/v1/chat/completions").respond_with_json(_answer('{"colour": "green"}'))
    assert await _levels(endpoint) == {"reachable": "ok", "prices": "ok", "answer": "ok", "usage": "ok"}
    [sent] = [json.loads(request.data) for request, _ in endpoint.log if request.path.endswith("completions")]
    assert (sent["max_tokens"], sent["response_format"]["type"]) == (64, "json_schema")


async def test_without_the_option_nothing_is_asked(endpoint):
    assert (await _levels(endpoint, ask=False))["answer"] == "note"
    assert [request.path for request, _ in endpoint.log] == ["/v1/models"]


@pytest.mark.parametrize(
    ("content", "usage", "levels"),
    [
        ("It is green.", (20, 6), ("failure", "ok")),
        ('{"colour": "purple"}', (20, 6), ("failure", "ok")),
        ('{"colour": "green"}', None, ("ok", "note")),
    ],
)
async def test_an_answer_out_of_shape_or_uncounted_is_reported(endpoint, content, usage, levels):
    endpoint.expect_request("/v1/chat/completions").respond_with_json(_answer(content, usage))
    found = await _levels(endpoint)
    assert (found["answer"], found["usage"]) == levels


async def test_a_model_that_the_endpoint_does_not_have_is_a_warning(endpoint):
    assert (await _levels(endpoint, ask=False, rae_llm_model_default="huge"))["reachable"] == "warning"


@pytest.mark.parametrize(("status", "level"), [(404, "ok"), (401, "failure"), (503, "failure")])
async def test_an_endpoint_that_refuses_is_reported(httpserver, status, level):
    httpserver.expect_request("/v1/models").respond_with_json({}, status=status)
    assert (await _levels(httpserver, ask=False))["reachable"] == level


async def test_no_answer_at_the_address_is_a_failure_and_prices_are_shown_all_the_same():
    chosen = settings(openai_base_url="http://127.0.0.1:1/v1", rae_llm_model_default="tiny")
    assert [(check.name, check.level) async for check in model_checks(chosen, ask=True)] == [
        ("reachable", "failure"),
        ("prices", "warning"),
    ]


async def test_without_a_model_there_is_nothing_to_check():
    [check] = [check async for check in model_checks(settings(rae_llm_backend="extractive"), ask=True)]
    assert (check.level, "extractive" in check.found) == ("ok", True)


@pytest.mark.parametrize(
    ("chosen", "level"),
    [
        ({}, "ok"),
        ({"rae_llm_model_default": "tiny"}, "warning"),
        ({"rae_llm_model_default": "tiny", "model_price_input": Decimal(1)}, "ok"),
        ({"rae_llm_model_default": "tiny", "model_prices": {"tiny": (Decimal(1), Decimal(2))}}, "ok"),
    ],
)
def test_the_price_of_another_model_is_a_warning(chosen, level):
    given = settings(**chosen)
    assert price_check(given, given.model_of_summaries).level == level


async def test_an_open_breaker_is_a_warning(pool):
    assert (await breaker_check(pool, settings())).level == "ok"
    await execute(
        pool, "INSERT INTO maintenance.model_breaker VALUES ('host tiny', now(), now() + interval '1 hour', 'quota')"
    )
    check = await breaker_check(pool, settings())
    assert (check.level, "host tiny" in check.found) == ("warning", True)


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"openai_base_url": "http://127.0.0.1:1/v1"}, "nothing answers at OPENAI_BASE_URL"),
        (
            {"rae_llm_backend": "ollama", "ollama_api_url": "http://127.0.0.1:1"},
            "nothing answers at OLLAMA_API_URL",
        ),
        ({"openai_api_key": "k"}, "nothing answers at OpenAI's own address: OPENAI_BASE_URL is unset"),
    ],
)
async def test_the_setting_that_names_the_address_is_named(monkeypatch, chosen, says):
    monkeypatch.setattr(model_health, "OPENAI_URL", "http://127.0.0.1:1/v1")
    found = [check.found async for check in model_checks(settings(**chosen), ask=True)]
    assert found[0].startswith(says)


async def test_an_endpoint_that_hangs_is_left_after_the_patience_and_what_is_known_is_shown_before(
    endpoint, monkeypatch
):
    given_up = threading.Event()

    def hang(_):
        given_up.wait(20)
        return Response("{}")

    endpoint.expect_request("/v1/chat/completions").respond_with_handler(hang)
    monkeypatch.setattr(model_health, "PATIENCE", timedelta(seconds=0.5))
    chosen = settings(openai_base_url=endpoint.url_for("/v1"), rae_llm_model_default="tiny")
    told: list[tuple[str, int]] = []
    try:
        async for check in model_checks(chosen, ask=True):
            told.append((check.name, len(endpoint.log)))
    finally:
        given_up.set()
    assert told[:2] == [("reachable", 1), ("prices", 1)]
    assert (check.name, check.found) == ("answer", "the endpoint did not answer within 0.5 s")


async def test_every_model_that_a_task_or_a_tenant_names_is_checked(endpoint):
    endpoint.expect_request("/v1/chat/completions").respond_with_json(_answer('{"colour": "green"}'))
    chosen = settings(
        openai_base_url=endpoint.url_for("/v1"),
        rae_llm_model_default="tiny",
        summarization_model="cheap",
        model_prices={"tiny": (Decimal(1), Decimal(1))},
    )
    checks = [check async for check in model_checks(chosen, ask=True, own_models=["own", "tiny"])]
    told = [(check.name, check.level, check.found.partition(":")[0]) for check in checks]
    assert told[:2] == [
        ("reachable", "warning", "the endpoint does not list cheap"),
        ("reachable", "warning", "the endpoint does not list own"),
    ]
    assert [check.advice for check in checks[:2]] == [
        "SUMMARIZATION_MODEL: it has tiny",
        "summarization_model or dreaming_model of a tenant (starter.py tenants list): it has tiny",
    ]
    assert [level for name, level, _ in told if name == "prices"] == ["warning", "ok", "warning"]
    assert [found for name, _, found in told if name == "answer"] == ["cheap", "tiny", "own"]

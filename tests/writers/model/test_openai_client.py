"""What is sent, and how little of it an endpoint has to understand."""

import asyncio
from dataclasses import replace

import pytest
from pydantic import Field

from memory_maintenance.errors import LanguageModelError
from memory_maintenance.writers.model.openai_client import OpenAIClient, endpoint_name, response_format
from memory_maintenance.writers.model.question import ModelAnswer
from scripted_endpoint.replies import answer, status
from tests.writers.model.conftest import question, rows


async def test_a_request_holds_the_prompt_the_schema_and_its_bounds(model, endpoint):
    endpoint.script(answer())
    await model.ask(question())
    (request,) = endpoint.requests
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert request["messages"][1]["content"] == question().prompt
    assert (request["model"], request["temperature"]) == ("scripted", 0)
    assert request["max_completion_tokens"] == request["max_tokens"] == 200
    assert request["response_format"]["json_schema"]["strict"] is True
    assert "stream" not in request


@pytest.mark.parametrize("name", ["temperature", "max_tokens", "max_completion_tokens"])
async def test_a_parameter_that_the_model_does_not_take_is_left_out_from_then_on(pool, model, endpoint, name):
    endpoint.script(status(400, param=name, error_code="unsupported_value"), answer(), answer())
    await model.ask(question())
    await model.ask(question(prompt="another question"))
    assert [name in request for request in endpoint.requests] == [True, False, False]
    assert [state for state, _ in await rows(pool)] == ["accepted", "accepted"]


async def test_callers_at_once_find_out_together(model, endpoint):
    endpoint.script(*[replace(status(400, param="temperature"), way="hang")] * 3)
    endpoint.otherwise = answer()
    asked = asyncio.gather(*(model.ask(question(prompt=prompt)) for prompt in ("one", "two", "three")))
    await endpoint.arrived(3)
    endpoint.let_go()
    await asked
    assert ["temperature" in request for request in endpoint.requests] == [True] * 3 + [False] * 3


async def test_the_last_bound_of_an_answer_is_never_left_out(model, endpoint):
    endpoint.script(status(400, param="max_tokens"), status(400, param="max_completion_tokens"))
    with pytest.raises(LanguageModelError):
        await model.ask(question())
    assert len(endpoint.requests) == 2


async def test_a_request_refused_for_something_we_need_is_not_repeated(model, endpoint):
    endpoint.script(status(400, param="response_format"))
    with pytest.raises(LanguageModelError):
        await model.ask(question())
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    ("url", "bounds"),
    [
        pytest.param(None, {"max_completion_tokens"}, id="OpenAI refuses both names together"),
        pytest.param("https://me.openai.azure.com/openai/v1", {"max_completion_tokens"}, id="so does Azure"),
        pytest.param(
            "http://localhost:11434/v1", {"max_completion_tokens", "max_tokens"}, id="Ollama knows the old one"
        ),
    ],
)
async def test_the_bound_of_the_answer_has_the_names_an_endpoint_knows(url, bounds, settings):
    client = OpenAIClient(base_url=url, api_key=None, model="m", answer_tokens=9, timeout=settings.model_timeout)
    assert client._parameters.keys() - {"temperature"} == bounds
    await client.close()


class Wide(ModelAnswer):
    default: str = "x"
    count: int = Field(default=3, ge=1, le=10)
    tags: list[str] = Field(default_factory=list, max_length=4)


def test_the_schema_is_strict_and_has_no_defaults():
    schema = response_format(Wide)["json_schema"]["schema"]
    assert schema["required"] == ["default", "count", "tags"]
    assert schema["additionalProperties"] is False
    assert schema["properties"] == {
        "default": {"title": "Default", "type": "string"},
        "count": {"title": "Count", "type": "integer", "minimum": 1, "maximum": 10},
        "tags": {"title": "Tags", "type": "array", "items": {"type": "string"}, "maxItems": 4},
    }


def test_an_endpoint_is_named_without_credentials():
    assert endpoint_name("https://a:b@host:8/v1/?key=c", "m") == "host:8/v1 m"


async def test_a_body_without_end_is_no_answer(pool, model, endpoint):
    endpoint.script(answer("x" * 1_100_000))
    with pytest.raises(LanguageModelError) as caught:
        await model.ask(question())
    assert caught.value.reason == "not_json"
    assert await rows(pool, "response") == [(None,)]

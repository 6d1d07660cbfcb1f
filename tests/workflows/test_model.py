"""A whole cycle at a model endpoint that misbehaves: the run ends, decay is done, nothing is paid twice."""

import json
from typing import Any

import pytest
from temporalio.client import Client

from memory_maintenance.store.pool import Pool, execute, fetch_value
from scripted_endpoint import replies
from scripted_endpoint.replies import Reply, answer, status
from scripted_endpoint.server import ScriptedEndpoint
from tests.workflows.conftest import TALK, Working, remember_session
from workflows.options import TASK_QUEUE

FALLBACKS = "SELECT count(*) FROM memories WHERE metadata->>'fallback' = 'true'"
SUMMARIES = "SELECT count(*) FROM memories WHERE source = 'summarization_worker'"
QUICK = {
    "rae_llm_backend": "openai",
    "openai_api_key": "none",
    "model_patience_seconds": 0.5,
    "model_breaker_seconds": 0.5,
    "model_timeout_seconds": 0.5,
    "model_answer_attempts": 2,
    "model_requests_per_second": 100,
}


def good(request: dict[str, Any]) -> Reply:
    """What a model that works writes of ``TALK``."""
    if "evidence" in json.dumps(request["response_format"]):
        text = f"{TALK[0].format(n=10)}, and {TALK[2].format(n=12)}."
        return answer(
            {
                "reflection": text,
                "strategy": None,
                "importance": 7,
                "confidence": 8,
                "tags": ["blue tent", "refund"],
                "evidence": [1, 2, 3],
            }
        )
    text = "Ana prefers a replacement tent because the blue tent leaks at the seam; Marek approved a refund."
    return answer({"summary": text, "key_topics": ["blue tent", "refund"], "sentiment": "negative"})


async def _cycle(client: Client, name: str) -> dict[str, Any]:
    stats: dict[str, Any] = await client.execute_workflow("MaintenanceWorkflow", id=name, task_queue=TASK_QUEUE)
    return stats


async def test_a_model_that_works_writes_everything_and_is_asked_once_each(temporal, pool, working, endpoint):
    endpoint.otherwise = good
    await remember_session(pool, "acme", events=12)
    async with working(**QUICK, openai_base_url=endpoint.base_url):
        stats = await _cycle(temporal, "1")
    assert (stats["summarization"]["stored"], stats["dreaming"]["reflections_generated"]) == (1, 1)
    assert stats["summarization"]["input_tokens"] == 100
    assert endpoint.answers == endpoint.distinct_prompts == 2


async def test_an_endpoint_that_fails_for_ever_ends_in_fallbacks_and_the_next_night_replaces_them(
    temporal: Client, pool: Pool, working: Working, endpoint: ScriptedEndpoint
):
    endpoint.otherwise = status(500)
    await remember_session(pool, "acme", events=12)
    async with working(**QUICK, openai_base_url=endpoint.base_url):
        night = await _cycle(temporal, "1")
        assert night["decay"]["total_updated"] == 12
        assert night["summarization"]["fallbacks"] == 1
        assert night["dreaming"]["failed"] == 1
        assert night["dreaming"]["reasons"] == {"server_error": 1}
        assert await fetch_value(pool, FALLBACKS) == 1
        endpoint.otherwise = good
        await execute(pool, "DELETE FROM maintenance.model_breaker")  # its quarter of an hour is over
        next_night = await _cycle(temporal, "2")
    assert (next_night["summarization"]["updated"], next_night["dreaming"]["reflections_generated"]) == (1, 1)
    assert (await fetch_value(pool, FALLBACKS), await fetch_value(pool, SUMMARIES)) == (0, 1)


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        pytest.param(status(429, retry_after="1"), "fallbacks", id="429"),
        pytest.param(status(503), "fallbacks", id="503"),
        pytest.param(replies.hang(), "fallbacks", id="hang"),
        pytest.param(replies.reset(), "fallbacks", id="reset"),
        pytest.param(replies.drip(), "fallbacks", id="drip"),
        pytest.param(replies.truncated_json(), "fallbacks", id="truncated JSON"),
        pytest.param(replies.html(), "fallbacks", id="200 with HTML"),
        pytest.param(replies.wrong_schema(), "fallbacks", id="wrong schema"),
        pytest.param(replies.refusal(), "fallbacks", id="refusal"),
        pytest.param(replies.content_filter(), "fallbacks", id="content filter"),
        pytest.param(replies.empty_choices(), "fallbacks", id="empty choices"),
        pytest.param(replies.truncated_answer(), "fallbacks", id="truncated answer"),
        pytest.param(replies.context_length(), "fallbacks", id="context length"),
        pytest.param(replies.insufficient_quota(), "failed", id="quota"),
        pytest.param(replies.unauthorized(), "failed", id="401"),
    ],
)
async def test_every_fault_ends_the_run_with_decay_done_and_a_reason(temporal, pool, working, endpoint, reply, left):
    endpoint.otherwise = reply
    await remember_session(pool, "acme", events=12)
    async with working(**QUICK, openai_base_url=endpoint.base_url):
        stats = await _cycle(temporal, "1")
    assert stats["decay"]["total_updated"] == 12
    assert stats["summarization"][left] == 1
    assert stats["summarization"]["reasons"]
    assert await fetch_value(pool, FALLBACKS) == int(left == "fallbacks")
    assert stats["dreaming"]["failed"] == 1

"""Summaries and dreams through the real client, the real ledger and a scripted endpoint."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from memory_maintenance.database.pool import Pool, fetch_value
from memory_maintenance.dreaming.worker import DreamingWorker
from memory_maintenance.language_model.asking import PatientModel, open_model
from memory_maintenance.settings import Settings
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.summarization.worker import SummarizationWorker
from tests.agents import AS_OF, derived, write
from tests.endpoint import Reply, ScriptedEndpoint, answer, endpoint, status
from tests.language_model.test_untrusted import INJECTIONS

__all__ = ["endpoint"]

PEOPLE = ["Mara", "Bo", "Ana", "Li", "Joost", "Emma", "Noor", "Sven", "Ines", "Otto", "Pia", "Rik", "Tess"]
GOODS = [
    "kettle",
    "lamp",
    "bicycle",
    "desk",
    "mirror",
    "carpet",
    "clock",
    "drill",
    "tent",
    "piano",
    "violin",
    "oven",
    "sofa",
]


def told(count: int) -> list[str]:
    """Return events that differ in their words, as people's do."""
    return [f"{PEOPLE[n % 13]} ordered the {GOODS[n * 5 % 13]} number {n} for Gent." for n in range(count)]


def summary_of_request(request: dict[str, Any]) -> Reply:
    """Answer with the first words of the first and the last line of the record: honest, short, in its own order."""
    prompt = request["messages"][-1]["content"]
    record = prompt.rpartition("<record>\n")[2].partition("\n</record>")[0].splitlines()
    words = [re.findall(r"[A-Za-z]+", line) for line in (record[-1], record[0])]
    said = "; ".join(f"{' '.join(one[3:5])} for {one[0]}" for one in words if len(one) > 4)
    text = f"The orders were {said} and others in Gent."
    return answer({"summary": text, "key_topics": ["orders", "Gent"], "sentiment": "neutral"})


@pytest.fixture
def settings(endpoint: ScriptedEndpoint) -> Settings:
    return Settings.model_validate(
        {
            "rae_llm_backend": "openai",
            "openai_base_url": endpoint.base_url,
            "model_answer_attempts": 2,
            "model_patience_seconds": 1,
            "model_context_tokens": 4096,
            "model_answer_tokens": 500,
        }
    )


@pytest.fixture
async def model(settings: Settings, pool: Pool) -> AsyncIterator[PatientModel]:
    opened = open_model(settings, pool)
    assert opened

    async def at_once(_: float) -> None:
        return None

    yield PatientModel(opened, at_once)
    await opened.close()


async def calls(pool: Pool) -> int:
    count: int = await fetch_value(pool, "SELECT count(*) FROM maintenance.model_calls")
    return count


async def test_a_long_session_costs_a_call_a_chunk_and_its_growth_one(pool, settings, model, endpoint):
    endpoint.otherwise = summary_of_request
    await write(pool, "acme", told(1000), session="s")
    worker = SummarizationWorker(pool, settings, model)
    key = SessionKey("acme", "shop", "s")
    first = await worker.summarize(key, as_of=AS_OF)
    assert (first.status, first.events, first.reason) == ("stored", 1000, None)
    before = len(endpoint.requests)
    assert before == await calls(pool) > 5
    reached = "\n".join(request["messages"][-1]["content"] for request in endpoint.requests)
    assert all(f" number {n} for Gent." in reached for n in range(1000))
    await write(pool, "acme", told(20), session="s")
    assert (await worker.summarize(key, as_of=AS_OF)).status == "updated"
    assert len(endpoint.requests) == before + 1


async def test_a_crash_in_mid_session_stores_nothing_and_finished_chunks_are_not_paid_again(
    pool, settings, model, endpoint
):
    await write(pool, "acme", told(600), session="s")
    answered: list[int] = []

    def dies_at_the_third(request: dict[str, Any]) -> Reply:
        answered.append(1)
        return status(401) if len(answered) == 3 else summary_of_request(request)

    endpoint.otherwise = dies_at_the_third
    key = SessionKey("acme", "shop", "s")
    worker = SummarizationWorker(pool, settings, model)
    assert (await worker.summarize(key, as_of=AS_OF)).status == "failed"
    assert await derived(pool, "acme") == []
    await pool.execute("DELETE FROM maintenance.model_breaker")
    assert (await worker.summarize(key, as_of=AS_OF)).status == "stored"
    prompts = [request["messages"][-1]["content"] for request in endpoint.requests]
    assert [prompts.count(prompt) for prompt in dict.fromkeys(prompts)][:4] == [1, 1, 2, 1]


async def test_answers_that_hold_what_no_event_says_lead_to_the_fallback(pool, settings, model, endpoint):
    made_up = "The board approved a merger with Contoso for 900 million dollars in Singapore."
    endpoint.otherwise = answer({"summary": made_up, "key_topics": ["merger", "board"], "sentiment": "positive"})
    await write(pool, "acme", told(12), session="s")
    outcome = await SummarizationWorker(pool, settings, model).summarize(SessionKey("acme", "shop", "s"), as_of=AS_OF)
    assert (outcome.status, outcome.reason) == ("fallback", "unsupported_numbers")
    assert len(endpoint.requests) == 2
    assert "merger" not in (await derived(pool, "acme"))[0]["content"]


async def test_injected_text_reaches_the_model_inside_its_block_and_the_store_not_at_all(
    pool, settings, model, endpoint
):
    storable = [text for text in INJECTIONS if "\x00" not in text]
    endpoint.otherwise = summary_of_request
    await write(pool, "acme", [*told(6), *storable, *told(6)], session="s")
    await SummarizationWorker(pool, settings, model).summarize(SessionKey("acme", "shop", "s"), as_of=AS_OF)
    for request in endpoint.requests:
        system, user = (message["content"] for message in request["messages"])
        assert "Ignore all previous" not in system
        assert (user.count("<record>"), user.count("</record>")) == (1, 1)
        assert user.splitlines()[-2:] == ["</record>", "Summarize it."]
        inside = user.partition("<record>\n")[2].partition("\n</record>")[0].splitlines()
        assert all(re.match(r"2026-03-09 ", line) for line in inside)
        assert "<|im" not in user


async def test_a_reflection_without_evidence_in_the_sample_is_asked_anew_and_then_refused(
    pool, settings, model, endpoint
):
    reflection = {
        "reflection": "Mara ordered the kettle and Bo the carpet; all of them were ordered for Gent.",
        "strategy": None,
        "importance": 7,
        "confidence": 6,
        "tags": ["orders", "Gent"],
        "evidence": [7],
    }
    memories = await write(pool, "acme", told(6), importance=0.9)
    endpoint.script(answer(reflection), answer(reflection))
    worker = DreamingWorker(pool, settings, model)
    outcome = await worker.dream("acme", "shop", as_of=AS_OF)
    assert (outcome.status, outcome.reason) == ("failed", "off_schema")
    assert await derived(pool, "acme", "reflection_engine_v2") == []
    endpoint.script(answer({**reflection, "evidence": [6, 5, 99]}))
    outcome = await worker.dream("acme", "shop", as_of=AS_OF, round=str(uuid4()))
    assert (outcome.status, outcome.sources, outcome.input_tokens) == ("stored", 2, 100)
    (row,) = await derived(pool, "acme", "reflection_engine_v2")
    assert row["metadata"]["source_ids"] == [str(memories[0]), str(memories[1])]

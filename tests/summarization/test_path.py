"""Summaries and dreams through the real client, the real ledger and a scripted endpoint."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from memory_maintenance.store.pool import Pool, fetch_value
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.writers.model.asking import accounted_model
from scripted_endpoint.replies import Reply, answer, status
from tests.agents import AS_OF, derived, sources_of, write
from tests.model_path import honest, model, settings, told
from tests.steps import Dreamer, Summarizing
from tests.writers.model.conftest import budgets_agree_with_the_ledger, pass_time, rows
from tests.writers.model.test_kills import Killed, dying

__all__ = ["model", "settings"]


async def calls(pool: Pool) -> int:
    count: int = await fetch_value(pool, "SELECT count(*) FROM maintenance.model_calls")
    return count


async def test_a_long_session_costs_a_call_a_chunk_and_its_growth_one(pool, settings, model, endpoint):
    endpoint.otherwise = honest
    await write(pool, "acme", told(2000), session="s")
    worker = Summarizing(pool, settings, model)
    key = SessionKey("acme", "shop", "s")
    first = await worker.summarize(key, as_of=AS_OF)
    assert (first.status, first.events, first.reason) == ("stored", 2000, None)
    before = len(endpoint.requests)
    assert before == await calls(pool) > 12
    reached = "\n".join(request["messages"][-1]["content"] for request in endpoint.requests)
    assert all(f" number {n} for Gent." in reached for n in range(2000))
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
        return status(401) if len(answered) == 3 else honest(request)

    endpoint.otherwise = dies_at_the_third
    key = SessionKey("acme", "shop", "s")
    worker = Summarizing(pool, settings, model)
    assert (await worker.summarize(key, as_of=AS_OF)).status == "failed"
    assert await derived(pool, "acme") == []
    await pool.execute("DELETE FROM maintenance.model_breaker")
    assert (await worker.summarize(key, as_of=AS_OF)).status == "stored"
    prompts = [request["messages"][-1]["content"] for request in endpoint.requests]
    assert [prompts.count(prompt) for prompt in dict.fromkeys(prompts)][:4] == [1, 1, 2, 1]


@pytest.mark.parametrize(
    ("step", "paid", "lost"),
    [
        pytest.param("claim", 1, 1, id="after the claim"),
        pytest.param("before the request", 1, 1, id="with the request"),
        pytest.param("after the response", 2, 1, id="between response and INSERT"),
        pytest.param("record", 1, 0, id="after the ledger"),
        pytest.param("settle", 1, 0, id="after the judgement"),
        pytest.param("after the store", 1, 0, id="after the store"),
    ],
)
async def test_a_kill_at_any_step_leaves_one_summary_and_pays_no_more_than_it_loses(
    pool, settings, model, endpoint, step, paid, lost
):
    endpoint.otherwise = honest
    await write(pool, "acme", told(12), session="s")
    key, cycle = SessionKey("acme", "shop", "s"), uuid4()
    how: dict[str, Any] = {"as_of": AS_OF, "cycle_id": cycle}
    if step == "after the store":
        await Summarizing(pool, settings, model).summarize(key, **how)  # whoever waited for it is dead
    else:
        with pytest.raises(Killed):
            await Summarizing(
                pool, settings, dying(accounted_model(settings, pool, settings.model_of_summaries), step)
            ).summarize(key, **how)
        assert await derived(pool, "acme") == []
        await pass_time(pool, timedelta(minutes=5))
    assert (await Summarizing(pool, settings, model).summarize(key, **how)).status == "stored"
    assert len(await derived(pool, "acme")) == 1
    assert await rows(pool, "state") == [("lost",)] * lost + [("accepted",)]
    assert endpoint.answers == paid
    assert endpoint.answers - endpoint.distinct_prompts <= lost
    assert await budgets_agree_with_the_ledger(pool)


async def test_answers_that_hold_what_no_event_says_lead_to_the_fallback(pool, settings, model, endpoint):
    made_up = "The board approved a merger with Contoso for 900 million dollars in Singapore."
    endpoint.otherwise = answer({"summary": made_up, "key_topics": ["merger", "board"], "sentiment": "positive"})
    await write(pool, "acme", told(12), session="s")
    outcome = await Summarizing(pool, settings, model).summarize(SessionKey("acme", "shop", "s"), as_of=AS_OF)
    assert (outcome.status, outcome.reason) == ("fallback", "unsupported_numbers")
    assert len(endpoint.requests) == 2
    assert "merger" not in (await derived(pool, "acme"))[0]["content"]


async def test_a_reflection_without_evidence_in_the_sample_is_asked_again_and_then_refused(
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
    worker = Dreamer(pool, settings, model)
    outcome = await worker.dream("acme", "shop", as_of=AS_OF)
    assert (outcome.status, outcome.reason) == ("failed", "off_schema")
    assert await derived(pool, "acme", "reflection_engine_v2") == []
    endpoint.script(answer({**reflection, "evidence": [6, 5, 99]}))
    outcome = await worker.dream("acme", "shop", as_of=AS_OF)
    assert (outcome.status, outcome.sources, outcome.input_tokens) == ("stored", 2, 100)
    (row,) = await derived(pool, "acme", "reflection_engine_v2")
    assert await sources_of(pool, row["id"]) == set(memories[:2])

"""One night after memories were deleted by SQL, no answer of a model repeats them; what the answers cost stays."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch
from scripted_endpoint.replies import Reply
from tests.agents import derived, write
from tests.model_path import record_of, told_answer
from tests.summarization.test_stale import ANNA, NEXT, NIGHT, OTHERS, found_anywhere

MIXED = [text for pair in zip(ANNA, OTHERS, strict=False) for text in pair] + OTHERS[len(ANNA) :]
ACCOUNT = """
SELECT purpose, question, attempt, round, state, reason, input_tokens, output_tokens, cost, forfeited_tokens
FROM maintenance.model_calls
"""


def quoting(request: dict[str, Any]) -> Reply:
    """Tell in other words who has which address, number and order, of those that the record names."""
    record = str(record_of(request))
    told = ["Bergstrom of Lindenallee 47 has the number 0331 8829174"] if "Bergstrom" in record else []
    told += ["Vermeer of Gent wants violin strings", "Claes brought a broken viola case back"]
    return told_answer(request, f"Orders of the day: {'; '.join(told)}.", ["orders", "Gent"])


def copying(request: dict[str, Any]) -> Reply:
    """Repeat the record word by word, which no answer may: it is refused, and its text stays in the ledger."""
    return told_answer(request, " ".join(record_of(request)), ["orders", "Gent"])


@pytest.fixture
def asks(endpoint):
    values = {"openai_base_url": endpoint.base_url, "openai_api_key": "test", "rae_llm_backend": "openai"}
    return Settings.model_validate({**values, "model_prices": "*=1/2", "model_answer_attempts": 1})


async def text_after_a_night(pool, endpoint, settings, reply):
    """Delete somebody's memories after a night with a model that says *reply*; return where another one leaves text."""
    endpoint.otherwise = reply
    tenant = str(uuid4())
    dreams = settings.model_copy(update={"dreaming_enabled": True, "dreaming_min_importance": 0.4})
    ids = await write(pool, tenant, MIXED, session="s", importance=0.8)
    await run_maintenance(pool, dreams, as_of=NIGHT)
    account = {tuple(row) for row in await fetch(pool, ACCOUNT)}
    assert "maintenance.model_calls" in await found_anywhere(pool)
    assert {row[0] for row in account} == {"summary", "reflection"}
    gone = [one for one, text in zip(ids, MIXED, strict=True) if text in ANNA]
    await execute(pool, "DELETE FROM memories WHERE id = ANY ($1)", gone)
    await run_maintenance(pool, dreams, as_of=NEXT)
    assert {tuple(row) for row in await fetch(pool, ACCOUNT)} >= account
    assert "Vermeer" in str(await derived(pool, tenant))
    return await found_anywhere(pool)


async def test_one_night_after_a_deletion_by_sql_no_column_holds_what_a_model_said(any_pool, endpoint, asks):
    assert await text_after_a_night(any_pool, endpoint, asks, quoting) == set()


async def test_the_same_where_the_answers_were_refused(pool, endpoint, asks):
    assert await text_after_a_night(pool, endpoint, asks, copying) == set()


async def test_answers_about_what_was_edited_or_has_expired_go_and_others_stay_and_are_not_paid_again(
    pool, endpoint, asks
):
    endpoint.otherwise = quoting
    tenant = str(uuid4())
    edited = await write(pool, tenant, ANNA + OTHERS * 2, session="edited")
    expired = await write(pool, tenant, ANNA + OTHERS, session="expired")
    await write(pool, tenant, OTHERS * 2, session="kept")
    await run_maintenance(pool, asks, as_of=NIGHT)
    await execute(pool, "UPDATE memories SET content = 'Anna paid.' WHERE id = $1", edited[0])
    await execute(pool, "UPDATE memories SET expires_at = created_at + interval '1 minute' WHERE id = $1", expired[0])
    await run_maintenance(pool, asks, as_of=NEXT)
    calls = "SELECT count(*), count(response) AS texts, count(memory_ids) AS ids FROM maintenance.model_calls"
    assert tuple(*await fetch(pool, calls)) == (5, 3, 3)  # two were written again
    await run_maintenance(pool, asks, as_of=NEXT + timedelta(days=1))
    assert tuple(*await fetch(pool, calls)) == (5, 3, 3)

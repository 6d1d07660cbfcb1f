"""What the ledger says of a model's answers, and what to change."""

from typing import Final
from uuid import uuid4

import pytest

from memory_maintenance.inspection.model_answers import MOST_CALLS, answers_check, newest_answers
from memory_maintenance.store.pool import execute
from memory_maintenance.writers.model.advice import _REASONS as REFUSALS
from memory_maintenance.writers.model.next_steps import NEXT_STEPS
from memory_maintenance.writers.model.openai_errors import BILLED_REASONS, FORBIDDEN_REASONS
from tests.settings import settings
from tests.writers.model.test_faults import FAULTS

OPENAI = settings(openai_api_key="k")

CALL: Final = """
INSERT INTO maintenance.model_calls
    (question, attempt, round, purpose, tenant_id, model, prompt_version, state, reason, caller, claimed_at, lease_until,
     reserved_on)
SELECT $1 || n, 1, 'night', $2, 'acme', 'm', 'v', $3, $4, gen_random_uuid(), now() - $5::interval, now(), current_date
FROM generate_series(1, $6) AS n
"""


async def calls(pool, count, state, reason=None, *, purpose="summary", age="1 hour"):
    """Record so many calls that ended this way."""
    await pool.execute("SET intervalstyle = postgres")
    statement = CALL.replace("$5::interval", f"interval '{age}'").replace("$6", "$5")
    await execute(pool, statement, str(uuid4()), purpose, state, reason, count)


VERDICTS = [
    pytest.param([(4, "accepted", None), (96, "refused", "unsupported_words")], "warning", "96% of 100", "stronger model", id="words that no memory has"),
    pytest.param([(1, "accepted", None), (9, "refused", "truncated")], "warning", "90% of 10", "MODEL_ANSWER_TOKENS", id="cut off"),
    pytest.param([(3, "refused", "copied"), (5, "waiting", "rate_limited")], "warning", "100% of 8", "MODEL_REQUESTS_PER_SECOND", id="the most frequent reason counts"),
    pytest.param([(6, "accepted", None), (5, "refused", "repeats")], "ok", "45% of 11", None, id="below half"),
    pytest.param([(3, "refused", "repeats")], "ok", "100% of 3", None, id="too few to tell"),
    pytest.param([(9, "claimed", None)], "ok", "no call", None, id="under way"),
    pytest.param([], "ok", "no call", None, id="none"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "level", "found", "advice"), VERDICTS)
async def test_the_verdict_names_the_share_the_reasons_and_the_next_step(pool, made, level, found, advice):
    for count, state, reason in made:
        await calls(pool, count, state, reason)
    check = await answers_check(pool, OPENAI)
    assert (check.level, found in check.found) == (level, True), check.found
    assert (check.advice is None) == (advice is None)
    assert (advice or "") in (check.advice or "")


async def test_vectors_and_calls_of_an_earlier_day_do_not_count(pool):
    await calls(pool, 50, "refused", "repeats", age="25 hours")
    await calls(pool, 50, "waiting", "timeout", purpose="embedding")
    await calls(pool, 5, "accepted")
    assert (await newest_answers(pool)).unusable == {}


async def test_of_very_many_calls_the_newest_count(pool):
    await calls(pool, MOST_CALLS, "refused", "repeats", age="2 hours")
    await calls(pool, MOST_CALLS, "accepted", age="1 hour")
    found = await newest_answers(pool)
    assert (found.calls, found.worrying) == (MOST_CALLS, False)


async def test_without_a_model_there_is_no_verdict(pool):
    await calls(pool, 50, "refused", "repeats")
    assert (await answers_check(pool, settings())).found == "no model is asked"


def test_every_reason_that_a_call_can_have_has_a_next_step():
    tried = {fault.values[2] for fault in FAULTS}
    assert tried | set(REFUSALS) | BILLED_REASONS | FORBIDDEN_REASONS | {"claim_lost", "unreachable"} == set(NEXT_STEPS)


async def test_a_failing_model_is_seen_beside_one_that_answers(pool):
    await calls(pool, 50, "accepted")
    await calls(pool, 8, "refused", "repeats")
    await execute(pool, "UPDATE maintenance.model_calls SET model = 'cheap' WHERE state = 'refused'")
    check = await answers_check(pool, OPENAI)
    assert (check.level, check.found) == (
        "warning",
        "cheap: 100% of 8 calls in the last 24 hours gave no usable answer: repeats 8",
    )

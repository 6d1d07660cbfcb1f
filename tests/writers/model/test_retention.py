"""What a run's end does with the ledger: abandoned claims are lost, stay charged, and are counted."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from memory_maintenance.errors import ModelBusyError, QuestionClaimedError
from memory_maintenance.inspection.model import model_status
from memory_maintenance.observability.model_metrics import CALLS
from memory_maintenance.rae.scheduler import MaintenanceScheduler
from memory_maintenance.store.memory import Source
from memory_maintenance.store.pool import execute
from memory_maintenance.writers.model.ledger import ABANDONED_AFTER
from memory_maintenance.writers.model.retention import tidy_ledger
from scripted_endpoint.replies import answer, hang, status
from tests.writers.model.conftest import budgets_agree_with_the_ledger, pass_time, question, rows

RETENTION = timedelta(days=30)
LEASE = timedelta(seconds=60 + 60)
"""Of a model that waits a minute for an answer."""


@pytest.fixture
async def dead(make_model, endpoint):
    """A caller that never hears of its question again."""
    endpoint.script(hang())
    caller = asyncio.create_task(make_model(model_timeout_seconds=60).ask(question()))
    await endpoint.arrived()
    yield caller
    caller.cancel()
    await asyncio.wait([caller])


def lost() -> float:
    return float(CALLS.labels(purpose="summary", outcome="lost")._value.get())


async def test_an_abandoned_claim_is_lost_charged_and_counted_once(pool, dead, endpoint):
    reserved, counted = await rows(pool, "reserved_tokens", "reserved_cost"), lost()
    await pass_time(pool, LEASE + ABANDONED_AFTER)
    await tidy_ledger(pool, RETENTION)
    await tidy_ledger(pool, RETENTION)
    assert await rows(pool, "state", "reason", "reserved_tokens") == [("lost", "claim_lost", 0)]
    assert await rows(pool, "forfeited_tokens", "forfeited_cost") == reserved
    assert await budgets_agree_with_the_ledger(pool)
    assert lost() == counted + 1
    endpoint.let_go()  # the caller was only slow: its answer comes too late
    with pytest.raises(QuestionClaimedError):
        await dead


@pytest.mark.usefixtures("dead")
@pytest.mark.parametrize("age", [timedelta(0), LEASE, LEASE + ABANDONED_AFTER - timedelta(seconds=30)])
async def test_a_claim_whose_answer_may_be_on_its_way_is_left_alone(pool, age):
    await pass_time(pool, age)
    await tidy_ledger(pool, RETENTION)
    assert await rows(pool, "state") == [("claimed",)]


async def test_attempts_that_ended_otherwise_are_left_alone(pool, model, endpoint):
    endpoint.script(answer(), status(503))
    await model.ask(question())
    with pytest.raises(ModelBusyError):
        await model.ask(question(prompt="another"))
    before = sorted(await rows(pool))
    await pass_time(pool, timedelta(days=2))
    await tidy_ledger(pool, RETENTION)
    assert sorted(await rows(pool)) == before


@pytest.mark.usefixtures("dead")
async def test_the_next_run_counts_it_whatever_it_asks_itself(pool, settings):
    await pass_time(pool, LEASE + ABANDONED_AFTER)
    await MaintenanceScheduler(pool, settings).run_hourly_maintenance()
    assert (await model_status(pool, settings)).lost == 1


async def test_an_answer_about_what_is_gone_that_somebody_may_yet_judge_is_left_until_its_lease_is_over(
    pool, model, endpoint
):
    endpoint.script(answer())
    await model.ask(question(memories=(Source(uuid4(), b"as read"),)))
    await execute(pool, "UPDATE maintenance.model_calls SET state = 'answered'")
    before = await rows(pool)
    await tidy_ledger(pool, RETENTION, daily=True)
    assert await rows(pool) == before == [("answered", None)]
    await pass_time(pool, LEASE)
    await tidy_ledger(pool, RETENTION, daily=True)
    await tidy_ledger(pool, RETENTION, daily=True)
    assert await rows(pool, "state", "reason", "response", "memory_ids") == [("lost", "claim_lost", None, None)]
    assert await budgets_agree_with_the_ledger(pool)

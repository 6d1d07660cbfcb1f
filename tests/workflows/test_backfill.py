"""A back-fill through the workflows, and what a cycle does at its end."""

from datetime import UTC, datetime, timedelta

from memory_maintenance.rae.scheduler import MaintenanceScheduler
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch_value
from tests.agents import talk, write
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE

OLD_ANSWER = """
INSERT INTO maintenance.model_calls
    (question, attempt, round, purpose, tenant_id, model, prompt_version, state, caller, claimed_at, lease_until,
     reserved_on, response, answered_at, input_tokens, output_tokens, cost)
VALUES ('q', 1, 'r', 'summary', 'acme', 'm', 'v', 'accepted', gen_random_uuid(), now(), now(), now(), 'text',
        now() - interval '31 days', 10, 2, 0.1)
"""
KEPT = "SELECT input_tokens FROM maintenance.model_calls WHERE response IS NULL"


async def _cycle(client, request):
    return await client.execute_workflow(
        "MaintenanceWorkflow", request, id=f"run {request.backfill_days}", task_queue=TASK_QUEUE, result_type=dict
    )


async def test_sessions_of_long_ago_are_summarized_when_somebody_asks_for_it(temporal, pool, working):
    await write(pool, "acme", talk(12), session="old", start=datetime.now(UTC) - timedelta(days=40))
    async with working():
        plain = await _cycle(temporal, MaintenanceRequest())
        asked = await _cycle(temporal, MaintenanceRequest(backfill_days=45))
    assert [stats["summarization"]["stored"] for stats in (plain, asked)] == [0, 1]


async def test_a_cycle_takes_away_the_text_of_old_answers(temporal, pool, working):
    await execute(pool, OLD_ANSWER)
    async with working():
        await _cycle(temporal, MaintenanceRequest())
    assert await fetch_value(pool, KEPT) == 10


async def test_so_does_a_maintenance_without_temporal(pool):
    await execute(pool, OLD_ANSWER)
    await MaintenanceScheduler(pool, Settings(_env_file=None, rae_llm_backend="extractive")).run_daily_maintenance()
    assert await fetch_value(pool, KEPT) == 10

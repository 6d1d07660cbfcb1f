"""A whole cycle with EMBEDDING_MODEL: what it writes, vector search finds at its end."""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client

from commands.run import show_stats
from memory_maintenance.inspection.figures import store_figures
from memory_maintenance.inspection.store_health import store_checks
from memory_maintenance.rae.scheduler import MaintenanceScheduler
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch_value
from runtime.runs import start_run
from runtime.workers import polling
from scripted_endpoint.replies import Reply, embeddings, status, unauthorized
from scripted_endpoint.server import ScriptedEndpoint
from tests.visible import listed
from tests.workflows.conftest import remember_session
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE

DERIVED = "SELECT count(*) FROM memories WHERE source IN ('summarization_worker', 'reflection_engine_v2')"
FOUND = "SELECT count(*) FROM memory_embeddings"
BACKLOG = """
INSERT INTO memories (tenant_id, content, source, layer)
SELECT $1, 'Summary ' || n, 'summarization_worker', 'episodic' FROM generate_series(1, $2::integer) n
"""


@pytest.fixture
def settings(endpoint: ScriptedEndpoint) -> Settings:
    """Texts are written without a model and embedded by one."""
    endpoint.otherwise = embeddings
    return Settings(
        _env_file=None,
        rae_llm_backend="extractive",
        openai_base_url=endpoint.base_url,
        embedding_model="small-embedder",
        model_patience_seconds=0.5,
        model_timeout_seconds=5,
        model_requests_per_second=100,
    )


async def _cycle(client: Client, **asked: Any) -> dict[str, Any]:
    stats: dict[str, Any] = await client.execute_workflow(
        "MaintenanceWorkflow", MaintenanceRequest(**asked), id=f"run-{uuid4()}", task_queue=TASK_QUEUE
    )
    return stats


async def test_what_a_cycle_writes_is_embedded_at_its_end_and_once(temporal, rae_pool, tenant, settings, endpoint):
    await remember_session(rae_pool, tenant, events=12)
    async with polling(temporal, settings, rae_pool):
        first = await _cycle(temporal)
        again = await _cycle(temporal)
    written = await fetch_value(rae_pool, DERIVED)
    assert first["embedding"] == {
        "embedded": written, "skipped": 0, "failed": 0, "reasons": {}, "input_tokens": 10 * written
    }  # fmt: skip
    assert written == await fetch_value(rae_pool, FOUND) >= 2
    assert (again["embedding"]["embedded"], len(endpoint.requests)) == (0, 1)


async def test_what_a_failed_night_leaves_the_next_one_embeds(temporal, rae_pool, tenant, settings, endpoint):
    endpoint.otherwise = unauthorized()
    await remember_session(rae_pool, tenant, events=12)
    async with polling(temporal, settings, rae_pool):
        night = await _cycle(temporal)
        assert (night["summarization"]["stored"], night["failed_tenants"]) == (1, [])
        written = await fetch_value(rae_pool, DERIVED)
        assert (night["embedding"]["failed"], night["embedding"]["reasons"]) == (written, {"credentials": written})
        endpoint.otherwise = embeddings
        await execute(rae_pool, "DELETE FROM maintenance.model_breaker")  # its quarter of an hour is over
        next_night = await _cycle(temporal, as_of=night["as_of"])
    assert next_night["tenants"]["with_work"] == 1
    assert next_night["embedding"]["embedded"] == written == await fetch_value(rae_pool, FOUND)


async def test_a_backlog_is_embedded_batch_by_batch(temporal, rae_pool, tenant, settings, endpoint):
    await execute(rae_pool, BACKLOG, tenant, 150)
    async with polling(temporal, settings, rae_pool):
        stats = await _cycle(temporal)
    assert stats["embedding"]["embedded"] == await fetch_value(rae_pool, FOUND) == 150
    assert list(map(len, endpoint.embedded)) == [64, 64, 22]


async def test_an_hourly_run_embeds_only_where_it_writes(temporal, rae_pool, tenant, settings):
    quiet = str(uuid4())
    await remember_session(rae_pool, tenant, events=12)
    await execute(
        rae_pool,
        "INSERT INTO memories (tenant_id, content, source) VALUES ($1, 'left', 'summarization_worker')",
        quiet,
    )
    async with polling(temporal, settings, rae_pool):
        hourly = await _cycle(temporal, kind="hourly")
        assert (hourly["embedding"]["embedded"], hourly["tenants"]["with_work"]) == (1, 1)
        daily = await _cycle(temporal)
    assert daily["embedding"]["embedded"] == await fetch_value(rae_pool, FOUND) - 1


async def test_a_session_summarized_by_command_is_embedded(temporal, rae_pool, tenant, settings):
    await remember_session(rae_pool, tenant, events=12)
    asked = {"tasks": ["summarization"], "tenants": [tenant], "project": "shop", "session": "s1"}
    async with polling(temporal, settings, rae_pool):
        stats = await _cycle(temporal, **asked)
    assert (stats["summarization"]["stored"], stats["embedding"]["embedded"]) == (1, 1)


@pytest.mark.parametrize(
    "changes",
    [pytest.param({"embedding_model": None}, id="no model"), pytest.param({"openai_base_url": None}, id="no endpoint")],
)
async def test_without_a_model_nothing_is_embedded(temporal, rae_pool, tenant, settings, endpoint, changes):
    await remember_session(rae_pool, tenant, events=12)
    async with polling(temporal, settings.model_copy(update=changes), rae_pool):
        stats = await _cycle(temporal)
    assert (stats["summarization"]["stored"], stats["embedding"]["embedded"], endpoint.requests) == (1, 0, [])


async def test_plain_cron_embeds_the_same_and_waits_for_a_busy_endpoint(rae_pool, tenant, settings, endpoint):
    endpoint.script(status(429, retry_after=1))
    await remember_session(rae_pool, tenant, events=12)
    stats = await MaintenanceScheduler(rae_pool, settings).run_daily_maintenance()
    written = await fetch_value(rae_pool, DERIVED)
    assert stats["embedding"]["embedded"] == written == await fetch_value(rae_pool, FOUND)
    again = await MaintenanceScheduler(rae_pool, settings).run_daily_maintenance()
    assert (again["embedding"]["embedded"], len(endpoint.requests)) == (0, 2)


async def test_plain_cron_ends_where_the_endpoint_takes_nothing(rae_pool: Pool, tenant, settings, endpoint):
    endpoint.otherwise = Reply(status=404, body=b"{}")
    await remember_session(rae_pool, tenant, events=12)
    stats = await MaintenanceScheduler(rae_pool, settings).run_daily_maintenance()
    assert stats["embedding"]["reasons"] == {"unknown_model": await fetch_value(rae_pool, DERIVED)}
    assert len(endpoint.requests) == 1


async def test_a_backlog_longer_than_a_history_goes_on_in_the_next_one(
    hasty_temporal, rae_pool, tenant, settings, endpoint
):
    await execute(rae_pool, BACKLOG, tenant, 400)
    async with polling(hasty_temporal, settings, rae_pool):
        stats = await _cycle(hasty_temporal)
    await listed(hasty_temporal, f"WorkflowId = 'tenant-maintenance/{tenant}'", until=lambda runs: len(runs) > 1)
    assert stats["embedding"]["embedded"] == await fetch_value(rae_pool, FOUND) == 400
    assert len(endpoint.requests) == 7


async def details_of(client: Client, workflow_id: str) -> str:
    """Return what the Web UI shows as the current details of a workflow."""
    metadata = await client.get_workflow_handle(workflow_id).query("__temporal_workflow_metadata")
    return str(metadata.current_details)


async def test_vectors_that_fail_are_seen_on_every_surface(temporal, rae_pool, tenant, settings, endpoint, capsys):
    endpoint.otherwise = partial(embeddings, dimension=3)
    await remember_session(rae_pool, tenant, events=12)
    await execute(rae_pool, "ALTER TABLE memory_embeddings ALTER embedding TYPE vector(2) USING NULL::vector(2)")
    async with polling(temporal, settings, rae_pool):
        run = await start_run(temporal, MaintenanceRequest())
        stats = await run.result()
        details = await details_of(temporal, run.id)
    failed = stats["embedding"]["failed"]
    assert (failed >= 2, stats["embedding"]["reasons"]) == (True, {"wrong_dimension": failed})
    show_stats(stats)
    assert f"{failed} failed (wrong_dimension {failed})" in " ".join(capsys.readouterr().out.split())
    assert f"memories embedded: 0 (vectors: {failed} failed)" in details
    figures = await store_figures(rae_pool, settings)
    assert figures.left_undone["vector"] == failed
    checks = {check.name: check for check in await store_checks(rae_pool, settings)}
    assert f"{failed} vector (wrong_dimension {failed})" in checks["last cycle"].found
    assert (checks["vectors"].level, "EMBEDDING_MODEL" in str(checks["vectors"].advice)) == ("warning", True)

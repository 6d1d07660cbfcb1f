"""A dry run on the real servers: it writes nothing, asks no model, and the run right after it does what it said."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client

from memory_maintenance.cycles.planner import estimate_run
from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.decay.task import DecayUnit
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch_value
from memory_maintenance.tenants.control import control_of, pause
from memory_maintenance.tenants.overrides import override
from runtime.search_attributes import register_search_attributes
from runtime.workers import polling
from scripted_endpoint.replies import embeddings
from scripted_endpoint.server import ScriptedEndpoint
from tests.everything import everything
from tests.histories.slow import EmptyFleet, slow_tenant, working_on
from tests.steps import a_run
from tests.visible import listed
from tests.workflows.conftest import remember_session
from tests.workflows.test_model import QUICK, good
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE
from workflows.page import tenant_workflow_id

TENANTS = {name: f"00000000-0000-0000-0000-00000000000{n}" for n, name in enumerate(("busy", "few", "away", "off"))}
LEASES_ARE_OVER = "UPDATE maintenance.model_calls SET lease_until = claimed_at"
"""As 20 minutes later. Until then a question that is asked again waits for whoever has just taken its answer."""
SAME = ("decay", "summarization", "dreaming", "tenants", "failed_tenants")


async def _run(client: Client, **asked: Any) -> dict[str, Any]:
    stats: dict[str, Any] = await client.execute_workflow(
        "MaintenanceWorkflow", MaintenanceRequest(**asked), id=f"run-{uuid4()}", task_queue=TASK_QUEUE
    )
    return stats


async def _remember(pool: Pool) -> None:
    """Write sessions of four tenants, of whom one is paused and one has no decay."""
    for session in ("s1", "s2"):
        await remember_session(pool, TENANTS["busy"], events=12, session=session)
    for name in ("few", "away", "off"):
        await remember_session(pool, TENANTS[name], events=3, project=name)
    await pause(pool, TENANTS["away"])
    await override(pool, TENANTS["off"], {"decay_enabled": False})


@pytest.fixture
def settings(endpoint: ScriptedEndpoint) -> Settings:
    endpoint.otherwise = embeddings
    chosen = {"rae_llm_backend": "extractive", "openai_base_url": endpoint.base_url, "embedding_model": "small"}
    return Settings.model_validate({**chosen, "memory_decay_page_size": 5})


def _compared(stats: dict[str, Any]) -> dict[str, Any]:
    return {name: stats[name] for name in SAME}


async def test_the_run_after_it_does_what_it_said(temporal, rae_pool, settings, endpoint):
    await _remember(rae_pool)
    untouched = await everything(rae_pool)
    async with polling(temporal, settings, rae_pool):
        foreseen = await _run(temporal, dry_run=True)
        assert (await everything(rae_pool), endpoint.requests) == (untouched, [])
        done = await _run(temporal, as_of=foreseen["as_of"])
    assert _compared(foreseen) == _compared(done)
    assert done["decay"]["total_updated"] == 27
    assert (done["summarization"]["stored"], done["dreaming"]["reflections_generated"]) == (2, 5)
    assert foreseen["embedding"]["embedded"] == done["embedding"]["embedded"] == 7
    assert (foreseen["dry_run"], "dry_run" in done) == (True, False)
    assert done["tenants"] == {"looked_at": 4, "left_paused": 1, "with_work": 3, "completed": 3}


async def test_the_second_night_is_foreseen_too(temporal, rae_pool, settings):
    await _remember(rae_pool)
    async with polling(temporal, settings, rae_pool):
        await _run(temporal, as_of=datetime.now(UTC) - timedelta(minutes=20))
        await execute(rae_pool, LEASES_ARE_OVER)
        await remember_session(rae_pool, TENANTS["busy"], events=11, session="s1")
        await execute(rae_pool, "UPDATE memories SET importance = 0.9 WHERE project = 'few'")
        untouched = await everything(rae_pool)
        foreseen = await _run(temporal, dry_run=True)
        assert await everything(rae_pool) == untouched
        done = await _run(temporal, as_of=foreseen["as_of"])
    assert _compared(foreseen) == _compared(done)
    assert done["summarization"]["updated"] == 1


async def test_without_temporal_it_says_and_leaves_the_same(temporal, rae_pool, settings, endpoint):
    await _remember(rae_pool)
    untouched = await everything(rae_pool)
    foreseen = await run_maintenance(rae_pool, settings, dry_run=True)
    hourly = await run_maintenance(rae_pool, settings, kind="hourly", dry_run=True)
    async with polling(temporal, settings, rae_pool):
        by_temporal = await _run(temporal, dry_run=True, as_of=foreseen["as_of"])
    assert (await everything(rae_pool), endpoint.requests) == (untouched, [])
    shape = [*SAME, "embedding", "estimate", "largest_tenants", "dry_run"]
    assert {name: foreseen[name] for name in shape} == {name: by_temporal[name] for name in shape}
    assert (hourly["summarization"]["stored"], hourly["decay"]["seen"]) == (2, 0)
    done = await run_maintenance(rae_pool, settings, as_of=datetime.fromisoformat(foreseen["as_of"]))
    assert _compared(foreseen) == _compared(done)


async def test_a_model_is_not_asked_and_takes_no_more_than_it_said(temporal, pool, working, endpoint):
    endpoint.otherwise = good
    await remember_session(pool, "acme", events=12)
    chosen = QUICK | {"model_daily_tokens": 10_000, "model_daily_tokens_per_tenant": 3_000}
    async with working(**chosen, openai_base_url=endpoint.base_url):
        foreseen = await _run(temporal, dry_run=True)
        assert endpoint.requests == []
        done = await _run(temporal, as_of=foreseen["as_of"])
    told, sent = foreseen["estimate"], sum(len(str(request["messages"])) for request in endpoint.requests)
    assert [(one["summarization"]["stored"], one["dreaming"]["reflections_generated"]) for one in (foreseen, done)] == [
        (1, 1),
        (1, 1),
    ]
    assert sent / 4 < told["input_tokens"] < sent
    assert told["output_tokens"] == 2 * Settings().model_answer_tokens
    assert (told["cost"] > 0, told["tokens_left"], told["within_budget"]) == (True, 10_000, True)
    assert told["tenants_over_budget"] == ["acme"]
    [acme] = foreseen["largest_tenants"]
    assert (acme["tenant_id"], acme["decay"]["updated"]) == ("acme", 12)


async def test_its_estimate_of_summaries_is_that_of_a_back_fill(temporal, pool, working, endpoint):
    await remember_session(pool, "acme", events=12)
    chosen = QUICK | {"openai_base_url": endpoint.base_url}
    async with working(**chosen):
        foreseen = await _run(temporal, dry_run=True, tasks=("summarization",))
    estimated = await estimate_run(pool, Settings.model_validate(chosen), await a_run(pool))
    summaries = foreseen["summarization"]
    assert (summaries["input_tokens"], summaries["output_tokens"]) == (estimated.input_tokens, estimated.output_tokens)
    assert foreseen["estimate"]["cost"] == float(estimated.cost)


async def test_the_named_session_and_project_are_foreseen_due_or_not(temporal, pool, working):
    await remember_session(pool, "acme", events=3)
    untouched = await everything(pool)
    named = {"tenants": ("acme",), "project": "shop", "dry_run": True}
    async with working():
        session = await _run(temporal, tasks=("summarization",), session="s1", min_events=1, **named)
        project = await _run(temporal, tasks=("dreaming",), **named)
    assert (session["summarization"]["stored"], project["dreaming"]["reflections_generated"]) == (1, 1)
    assert await everything(pool) == untouched


async def test_it_needs_no_worker_that_may_ask_a_model(temporal, pool, endpoint):
    await remember_session(pool, "acme", events=12)
    settings = Settings.model_validate(QUICK | {"openai_base_url": endpoint.base_url})
    async with polling(temporal, settings, pool, role="workflows"):
        assert (await _run(temporal, dry_run=True))["summarization"]["stored"] == 1


async def test_a_run_that_goes_on_meanwhile_keeps_its_tenant_and_gets_no_signal(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    real = await temporal.start_workflow(  # no worker polls there: it goes on until the end of the test
        "TenantMaintenanceWorkflow", id=tenant_workflow_id("acme"), task_queue="nobody"
    )
    async with working():
        run = await temporal.start_workflow(
            "MaintenanceWorkflow",
            MaintenanceRequest(dry_run=True),
            id="dry",
            task_queue=TASK_QUEUE,
            start_signal="resume_tenant",
            start_signal_args=["acme"],
        )
        assert (await run.result())["tenants"]["completed"] == 1
        assert (await _run(temporal, kind="hourly"))["tenants"]["already_running"] == 1
    assert len((await real.fetch_history()).events) == 2  # started, and waiting for a worker


@pytest.mark.parametrize("signal", ["pause_tenant", "resume_tenant", "cancel_tenant"])
async def test_orders_to_it_are_written_nowhere_and_count_nothing_twice(temporal, pool, working, signal):
    await remember_session(pool, "acme", events=12)
    await remember_session(pool, "globex", events=12)
    untouched = await everything(pool)
    async with working():
        run = await temporal.start_workflow(
            "MaintenanceWorkflow",
            MaintenanceRequest(dry_run=True),
            id="dry",
            task_queue=TASK_QUEUE,
            start_signal=signal,
            start_signal_args=["acme"],
        )
        stats = await run.result()
    assert await everything(pool) == untouched
    assert not (await control_of(pool, "acme")).paused
    assert stats["decay"]["total_updated"] == (12 if signal == "cancel_tenant" else 24)


async def test_a_signal_to_its_tenant_ends_it_and_is_written_nowhere(temporal):
    async with slow_tenant(temporal, dry_run=True) as (run, slow):
        await slow.started.acquire()
        await run.signal("pause", {"by": "ana"})
        slow.may_end.release()
        assert (await run.result()).status == "paused"
    assert slow.orders == []


async def test_a_tenant_that_continues_as_new_carries_on_what_its_cycle_goes_by(hasty_temporal):
    await register_search_attributes(hasty_temporal)
    async with slow_tenant(hasty_temporal, dry_run=True, search_attributes=True) as (run, slow):
        for _ in range(12):
            await slow.started.acquire()
            slow.may_end.release()
        await slow.started.acquire()
        await run.signal("cancel")
        slow.may_end.release()
        outcome = await run.result()
    await listed(hasty_temporal, f"WorkflowId = '{run.id}'", until=lambda turns: len(turns) > 1)
    assert [request.run.dry_run for request in slow.asked] == [True] * 13
    cursors = [DecayUnit.model_validate(request.unit).after for request in slow.asked]
    assert cursors == [None, *(UUID(int=batch) for batch in range(1, 13))]
    assert outcome.of("decay").of("updated") == 13
    assert await _status(hasty_temporal, run.id) == "cancelled"


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_root_that_continues_as_new_carries_on_what_its_cycle_goes_by(hasty_temporal, dry_run):
    await register_search_attributes(hasty_temporal)
    fleet = EmptyFleet(pages=12)
    async with working_on(hasty_temporal, fleet):
        stats = await hasty_temporal.execute_workflow(
            "MaintenanceWorkflow",
            MaintenanceRequest(dry_run=dry_run, backfill_days=45),
            id="root",
            task_queue=TASK_QUEUE,
        )
    await listed(hasty_temporal, "WorkflowId = 'root'", until=lambda turns: len(turns) > 1)
    asked = {
        (run.dry_run, run.backfill_days, run.as_of, run.kind) for run in (request.run for request in fleet.planned)
    }
    assert (asked, len(fleet.planned)) == ({(dry_run, 45, fleet.as_of, "daily")}, 12)
    assert (stats["tenants"]["looked_at"], stats.get("dry_run", False)) == (12, dry_run)
    assert (fleet.opened, fleet.closed) == (1, 0 if dry_run else 1)
    assert await _status(hasty_temporal, "root") == "completed"


async def _status(client: Client, workflow_id: str) -> Any:
    described = await client.get_workflow_handle(workflow_id).describe()
    shown = {pair.key.name: pair.value for pair in described.typed_search_attributes.search_attributes}
    return shown.get("MaintenanceStatus")


async def test_too_many_failed_tenants_are_shown_and_fail_no_dry_run(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    await execute(pool, "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ('acme', '[7]')")
    async with working():
        stats = await _run(temporal, dry_run=True)
    assert (stats["failed_tenants"], stats["tenants"]["failed"]) == (["acme"], 1)
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.cycles") == 0

"""Records the histories that ``test_replay.py`` replays: ``make histories``.

Until the first release they may be recorded again in the commit that changes what a workflow
commands; after it, never: old histories are what running workflows have.
"""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute
from memory_maintenance.tenants.control import pause
from runtime.search_attributes import register_search_attributes
from runtime.workers import polling
from scripted_endpoint.replies import embeddings, unauthorized
from scripted_endpoint.server import ScriptedEndpoint
from tests.histories.slow import EmptyFleet, slow_tenant, working_on
from tests.large_fleet import a_fleet, plan_of_one_step, start_page
from tests.webhooks.conftest import receiver
from tests.workflows.conftest import Working, remember_session
from workflows.options import TASK_QUEUE

__all__ = ["receiver"]

FOLDER = Path(__file__).parent
Start = Callable[..., Awaitable[WorkflowHandle[Any, Any]]]


@pytest.fixture
def start(temporal: Client) -> Start:
    async def started(*inputs: Any, signal: str | None = None, argument: Any = None) -> WorkflowHandle[Any, Any]:
        run: WorkflowHandle[Any, Any] = await temporal.start_workflow(
            "MaintenanceWorkflow",
            args=inputs,
            id="cycle",
            task_queue=TASK_QUEUE,
            start_signal=signal,
            start_signal_args=[argument] if signal else [],
        )
        return run

    return started


async def keep(client: Client, name: str) -> None:
    """Write the history of every workflow of the server into ``NAME-WORKFLOW.json``, without what names a machine."""
    async for execution in client.list_workflows():
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        history = (await handle.fetch_history()).to_json()
        told = re.sub(r'"(stackTrace|identity)":\s*"(?:[^"\\]|\\.)*"', r'"\1": ""', history)
        workflow = re.sub(r"[^a-z0-9]+", "-", re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "tenant", execution.id.lower()))
        turn = f"-{execution.run_id[-4:]}" if "slow" in name else ""
        (FOLDER / f"{name}--{workflow}{turn}.json").write_text(json.dumps(json.loads(told), indent=1) + "\n")


async def test_a_night_without_work(temporal, working, start):
    async with working():
        await (await start()).result()
    await keep(temporal, "nothing-to-do")


async def test_a_night_with_all_three_tasks(temporal, pool, working, start):
    await remember_session(pool, "acme", events=12)
    await remember_session(pool, "globex", events=3)
    async with working():
        await (await start()).result()
    await keep(temporal, "daily")


async def test_a_night_that_webhooks_report(temporal, working, start, receiver):
    async with working(**receiver.settings):
        await (await start()).result()
    await keep(temporal, "webhooks")


async def test_a_dry_run(temporal, pool, working, start):
    await remember_session(pool, "acme", events=12)
    async with working():
        await (await start({"dry_run": True})).result()
    await keep(temporal, "dry-run")


async def test_an_hour(temporal, pool, working, start):
    await remember_session(pool, "acme", events=12)
    async with working():
        await (await start({"kind": "hourly"})).result()
    await keep(temporal, "hourly")


async def test_one_session_by_name(temporal, pool, working, start):
    await remember_session(pool, "acme", events=12)
    named = {"tasks": ["summarization"], "tenants": ["acme"], "project": "shop", "session": "s1", "min_events": 1}
    async with working():
        await (await start(named)).result()
    await keep(temporal, "one-session")


async def test_a_tenant_paused_by_the_root(temporal, pool, working, start):
    await remember_session(pool, "acme", events=12)
    async with working():
        await (await start(signal="pause_tenant", argument="acme")).result()
    await keep(temporal, "paused")


async def test_a_tenant_resumed_by_the_root(temporal, pool: Pool, working: Working, start: Start):
    await remember_session(pool, "acme", events=12)
    await pause(pool, "acme")
    async with working():
        await (await start(signal="resume_tenant", argument="acme")).result()
    await keep(temporal, "resumed")


async def test_a_tenant_cancelled_before_it_starts(temporal, pool, working, start):
    await remember_session(pool, "acme", events=12)
    async with working():
        await (await start(signal="cancel_tenant", argument="acme")).result()
    await keep(temporal, "cancelled")


async def test_an_unknown_tenant(temporal, working, start):
    async with working():
        with pytest.raises(WorkflowFailureError):
            await (await start({"tenants": ["nobody"]})).result()
    await keep(temporal, "unknown-tenant")


async def test_a_model_that_refuses_us(temporal, pool, working, endpoint: ScriptedEndpoint, start):
    endpoint.otherwise = unauthorized()
    await remember_session(pool, "acme", events=12)
    async with working(rae_llm_backend="openai", openai_api_key="none", openai_base_url=endpoint.base_url):
        await (await start()).result()
    await keep(temporal, "model-refuses")


async def test_orders_to_a_tenant_in_its_batch(temporal):
    async with slow_tenant(temporal) as (run, decay):
        await decay.started.acquire()
        for signal in ("pause", "resume", "cancel"):
            await run.signal(signal, {"by": "ana"})
        decay.may_end.release()
        await run.result()
    await keep(temporal, "orders-slow")


async def test_a_tenant_that_continues_as_new(hasty_temporal):
    async with slow_tenant(hasty_temporal) as (run, decay):
        for _ in range(12):
            await decay.started.acquire()
            decay.may_end.release()
        await run.signal("cancel")
        decay.may_end.release()
        await run.result()
    await keep(hasty_temporal, "continued-slow")


async def test_a_dry_run_of_a_tenant_that_continues_as_new(hasty_temporal):
    async with slow_tenant(hasty_temporal, dry_run=True) as (run, decay):
        for _ in range(12):
            await decay.started.acquire()
            decay.may_end.release()
        await run.signal("pause")
        decay.may_end.release()
        await run.result()
    await keep(hasty_temporal, "dry-run-slow")


async def test_a_root_that_continues_as_new(hasty_temporal):
    await register_search_attributes(hasty_temporal)
    async with working_on(hasty_temporal, EmptyFleet(pages=12)):
        await hasty_temporal.execute_workflow("MaintenanceWorkflow", id="cycle", task_queue=TASK_QUEUE)
    await keep(hasty_temporal, "fleet-slow")


async def test_a_cycle_cancelled_from_outside(temporal, pool, working, start):
    await remember_session(pool, "acme", events=12)
    async with working():
        run = await start()
        await run.cancel()
        with pytest.raises(WorkflowFailureError):
            await run.result()
    await keep(temporal, "root-cancelled")


async def test_a_night_that_shows_itself_by_search_attributes(temporal, pool, working, start):
    await register_search_attributes(temporal)
    await remember_session(pool, "acme", events=12)
    async with working():
        await (await start()).result()
    await keep(temporal, "search-attributes")


async def test_small_tenants_of_a_large_fleet(temporal, pool, working, start):
    await a_fleet(pool, 201)
    await remember_session(pool, "acme", events=12)
    async with working():
        await (await start()).result()
    await keep(temporal, "bulk")


async def test_a_small_tenant_that_fails_and_one_that_is_cancelled(temporal, pool, working):
    tenants = await a_fleet(pool, 27)
    await execute(pool, "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ($1, '[7]')", tenants[1])
    run = await start_page(temporal, pool, tenants)
    await run.signal("cancel_tenant", tenants[26])
    async with working():
        await run.result()
    await keep(temporal, "bulk-failing")


async def test_tenants_of_a_large_fleet_whose_work_is_one_step(temporal, pool, working):
    for tenant in ("acme", "globex"):
        await remember_session(pool, tenant, events=12)
    await execute(pool, "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ('globex', '[7]')")
    run = await start_page(temporal, pool, [], plan_of_one_step("acme"), plan_of_one_step("globex"))
    async with working():
        await run.result()
    await keep(temporal, "one-step")


async def test_a_night_that_embeds_what_it_wrote(temporal, rae_pool, endpoint: ScriptedEndpoint, start):
    endpoint.otherwise = embeddings
    await remember_session(rae_pool, str(uuid4()), events=12)
    chosen = {"rae_llm_backend": "extractive", "openai_base_url": endpoint.base_url, "embedding_model": "small"}
    async with polling(temporal, Settings.model_validate(chosen), rae_pool):
        await (await start()).result()
    await keep(temporal, "embeddings")

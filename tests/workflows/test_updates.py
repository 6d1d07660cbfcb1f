"""Pause, resume and cancel by updates: as ``temporal workflow update execute`` and the Web UI send them, with their answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError

from embedded.temporal import temporal_program
from memory_maintenance.store.pool import Pool, execute, fetch_value, transaction
from memory_maintenance.tenants.control import control_of, pause
from tests.workflows.conftest import Working, remember_session
from workflows.options import TASK_QUEUE
from workflows.page import tenant_workflow_id

Handle = WorkflowHandle[Any, Any]

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'maintenance.lineage'::regclass"


@pytest.fixture
async def cycle(temporal: Client, pool: Pool, working: Working) -> AsyncIterator[Handle]:
    """A cycle over acme whose tenant's run waits for a lock, at its first summary, until the test is over."""
    await remember_session(pool, "acme", events=12)
    async with working():
        async with transaction(pool) as db:
            await execute(db, "LOCK TABLE maintenance.lineage IN EXCLUSIVE MODE")
            run: Handle = await temporal.start_workflow("MaintenanceWorkflow", id="cycle", task_queue=TASK_QUEUE)
            async with asyncio.timeout(60):
                while await fetch_value(pool, WAITING) == 0:
                    await asyncio.sleep(0.05)
            yield run
        await run.result()


async def _refusal(run: Handle, update: str, *inputs: Any) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await run.execute_update(update, args=inputs)
    return str(refused.value.cause)


async def test_an_update_of_the_root_answers_what_it_changed(pool, cycle):
    order = {"tenant_id": "acme", "by": "ana", "reason": "restore"}
    assert await cycle.execute_update("pause_tenant", order) == "paused acme"
    since = (await control_of(pool, "acme")).paused_since
    assert since is not None
    was = f"was paused by ana since {since:%Y-%m-%d %H:%M} UTC (restore)"
    assert await cycle.execute_update("pause_tenant", "acme") == f"paused acme, which {was}"
    was = f"was paused since {since:%Y-%m-%d %H:%M} UTC"
    assert await cycle.execute_update("resume_tenant", "acme") == f"resumed acme, which {was}"
    assert await cycle.execute_update("resume_tenant", "acme") == "acme was not paused"
    assert await cycle.execute_update("cancel_tenant", "acme") == "cancelled acme in this cycle; the next one goes on"


@pytest.mark.usefixtures("cycle")
async def test_an_update_of_the_tenant_itself_needs_no_input(temporal, pool):
    run = temporal.get_workflow_handle(tenant_workflow_id("acme"))
    await pause(pool, "acme", by="ana", reason="backup", until=None)
    assert (await run.execute_update("resume")).startswith("resumed acme, which was paused by ana since")
    assert await run.execute_update("pause", {"by": "bo"}) == "paused acme"
    assert (await control_of(pool, "acme")).paused_by == "bo"
    assert await run.execute_update("cancel", None) == "cancelled acme in this cycle; the next one goes on"


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        pytest.param(["acme0001-typo"], "no tenant 'acme0001-typo'", id="a tenant that is not there"),
        pytest.param([], "tenant_id: ", id="no tenant"),
        pytest.param([None], "tenant_id: ", id="null"),
        pytest.param([""], "tenant_id: ", id="an empty name"),
        pytest.param([7], "give a tenant id or an object", id="a number"),
        pytest.param([["acme"]], "give a tenant id or an object", id="a list"),
        pytest.param(["acme", "globex"], "give one input, not 2", id="two inputs"),
        pytest.param([{"tenant": "acme"}], "tenant: no such field", id="tenant for tenant_id"),
        pytest.param([{"tenant_id": 7}], "tenant_id: ", id="a number for a name"),
        pytest.param([{"tenant_id": "acme", "until": "tomorrow"}], "until: ", id="a word for a time"),
        pytest.param([{"tenant_id": "acme", "until": "2030-01-01T00:00:00"}], "until: ", id="a time without its zone"),
        pytest.param([{"tenant_id": "acme", "until": "2020-01-01T00:00:00Z"}], "until: ", id="a time that has passed"),
    ],
)
async def test_an_update_that_is_no_order_is_refused_with_what_is_wrong(pool, cycle, inputs, said):
    assert said in await _refusal(cycle, "pause_tenant", *inputs)
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.tenants WHERE paused") == 0


@pytest.mark.usefixtures("cycle")
async def test_the_temporal_command_shows_the_answer_and_the_refusal(temporal):
    async def update(*given: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(temporal_program(), "workflow", "update", "execute", "--workflow-id", "cycle", "--name", "pause_tenant"),
            *("--address", temporal.service_client.config.target_host, *given),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    status, said = await update("--input", json.dumps({"tenant_id": "acme", "by": "ana"}))
    assert (status, "paused acme" in said) == (0, True)
    status, said = await update("--input", json.dumps("acme0001-typo"))
    assert (status, "no tenant 'acme0001-typo'" in said) == (1, True)
    status, said = await update()
    assert (status, "tenant_id: " in said) == (1, True)


async def test_an_update_that_comes_as_the_run_ends_has_its_answer_or_none_but_is_never_lost(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    async with working():
        run: Handle = await temporal.start_workflow("MaintenanceWorkflow", id="cycle", task_queue=TASK_QUEUE)
        answers = await asyncio.gather(
            *(run.execute_update("pause_tenant", "acme", rpc_timeout=timedelta(seconds=20)) for _ in range(5))
        )
        await run.result()
    assert {answer[:11] for answer in answers} == {"paused acme"}
    assert (await control_of(pool, "acme")).paused

from uuid import uuid4

import pytest
from temporalio.client import WorkflowFailureError

from memory_maintenance.store.pool import fetch, fetch_value
from tests.workflows.conftest import remember_session
from workflows.maintenance import MaintenanceWorkflow
from workflows.messages import MaintenanceRequest
from workflows.options import TASK_QUEUE


async def _run(client, *inputs):
    return await client.execute_workflow(
        "MaintenanceWorkflow", args=inputs, id=f"run-{uuid4()}", task_queue=TASK_QUEUE, result_type=dict
    )


async def test_one_cycle_decays_summarizes_and_dreams(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    await remember_session(pool, "globex", events=3)
    async with working():
        stats = await _run(temporal)
    assert stats["decay"]["total_tenants"] == 2
    assert stats["decay"]["total_updated"] == 15
    assert stats["summarization"]["stored"] == 1
    assert stats["dreaming"]["reflections_generated"] >= 1
    assert stats["tenants"] == {"looked_at": 2, "left_paused": 0, "with_work": 2, "completed": 2}


async def test_the_same_as_of_again_finds_nothing_to_do(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    async with working():
        first = await _run(temporal)
        again = await _run(temporal, MaintenanceRequest(as_of=first["as_of"]))
    assert again["tenants"] == {"looked_at": 1, "left_paused": 0, "with_work": 0}
    assert await fetch_value(pool, "SELECT count(*) FROM memories WHERE source = 'summarization_worker'") == 1


async def test_what_a_cycle_did_is_in_the_store(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    async with working():
        stats = await _run(temporal)
    cycle = (await fetch(pool, "SELECT * FROM maintenance.cycles"))[0]
    run = (await fetch(pool, "SELECT * FROM maintenance.tenant_runs"))[0]
    assert (str(cycle["cycle_id"]), cycle["status"], cycle["kind"]) == (stats["cycle_id"], "completed", "daily")
    assert (run["tenant_id"], run["status"], run["counts"]["decay"]["updated"]) == ("acme", "completed", 12)


async def test_a_cycle_over_named_tenants_says_so_and_one_over_the_fleet_does_not(temporal, pool, working):
    await remember_session(pool, "acme", events=3)
    async with working():
        await _run(temporal, MaintenanceRequest(tenants=("acme",)))
        await _run(temporal)
    named = "SELECT config->>'named_tenants' AS named FROM maintenance.cycles ORDER BY started_at"
    assert [row["named"] for row in await fetch(pool, named)] == ["1", None]


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param([{"kind": "weekly"}], id="a value that does not exist"),
        pytest.param(["daily"], id="a string"),
        pytest.param([{}, {}], id="two inputs"),
        pytest.param([{"tenants": ["nobody"]}], id="an unknown tenant"),
    ],
)
async def test_input_of_the_wrong_shape_closes_the_run_as_failed(temporal, working, inputs):
    async with working():
        with pytest.raises(WorkflowFailureError):
            await _run(temporal, *inputs)


@pytest.mark.parametrize("inputs", [[], [None], [{}]], ids=["none", "null", "empty"])
async def test_input_may_be_left_out(temporal, working, inputs):
    async with working():
        assert (await _run(temporal, *inputs))["tenants"]["looked_at"] == 0


def test_the_workflow_keeps_its_name():
    assert MaintenanceWorkflow.__temporal_workflow_definition.name == "MaintenanceWorkflow"  # type: ignore[attr-defined]

"""The manual door: what an operator types as a run's input, in the Web UI or the Temporal CLI."""

from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from memory_maintenance.store.pool import Pool, fetch_value
from tests.workflows.conftest import Working, remember_session
from workflows.options import TASK_QUEUE

DECAYED = "SELECT count(base_importance) FROM memories"


async def _started(client: Client, request: Any) -> dict[str, Any]:
    stats: dict[str, Any] = await client.execute_workflow(
        "MaintenanceWorkflow", request, id=f"by-hand-{uuid4()}", task_queue=TASK_QUEUE
    )
    return stats


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        pytest.param({"dry-run": True}, "dry-run: no such field", id="a hyphen in dry_run"),
        pytest.param({"dryrun": True}, "dryrun: no such field", id="dryrun"),
        pytest.param({"tenant": ["acme"]}, "tenant: no such field", id="tenant for tenants"),
        pytest.param({"kind": "weekly"}, "kind: ", id="an unknown kind"),
        pytest.param({"session": "s1"}, "session: name the one tenant", id="a session of no tenant"),
        pytest.param({"project": "shop"}, "project: name the one tenant", id="a project of no tenant"),
        pytest.param(
            {"project": "shop", "tenants": ["acme", "globex"]}, "project: name the one tenant", id="of two tenants"
        ),
        pytest.param({"min_events": 3, "tenants": ["acme"]}, "min_events: ", id="fewest events of no session"),
        pytest.param({"as_of": "2026-11-24T02:00:00"}, "as_of: ", id="a time without its zone"),
        pytest.param({"tenants": []}, "tenants: ", id="no tenant at all"),
        pytest.param(
            {"tenants": [f"tenant-{n}" for n in range(10_001)]}, "tenants: ", id="more names than one run takes"
        ),
        pytest.param({"tenants": ["acme", 7]}, "tenants.1: ", id="a number for a name"),
        pytest.param({"tasks": ["decya"]}, "no task 'decya'", id="an unknown task"),
        pytest.param("acme", "give an object", id="a bare word"),
        pytest.param([1], "give an object", id="a list"),
    ],
)
async def test_a_request_that_is_not_understood_runs_nothing_and_says_why(
    temporal: Client, pool: Pool, working: Working, request_: Any, said: str
):
    await remember_session(pool, "acme", events=12)
    async with working():
        with pytest.raises(WorkflowFailureError) as failed:
            await _started(temporal, request_)
    cause = failed.value.cause
    while isinstance(cause.__cause__, ApplicationError):
        cause = cause.__cause__
    assert isinstance(cause, ApplicationError)
    assert said in cause.message
    assert "input_value" not in str(failed.value.cause)
    assert await fetch_value(pool, DECAYED) == 0


async def test_a_tenant_named_twice_is_one_tenant(temporal, pool, working):
    await remember_session(pool, "acme", events=12)
    async with working():
        stats = await _started(temporal, {"tenants": ["acme", "acme"]})
    assert (stats["tenants"]["looked_at"], stats["decay"]["total_updated"]) == (1, 12)
    assert stats["config"]["named_tenants"] == 1

"""Tenants whose ids are longer than Temporal's: each is served as any other, under a digest of its id."""

import asyncio
import json
import random
import string
from hashlib import sha256
from typing import Any

import pytest

from memory_maintenance.store.pool import fetch, fetch_value
from runtime.running import what_runs
from runtime.search_attributes import register_search_attributes
from tests.commands.conftest import cli, home, quiet_again
from tests.workflows.conftest import remember_session, working
from workflows.options import TASK_QUEUE, model
from workflows.page import tenant_workflow_id
from workflows.tenant_ids import short_tenant_id

__all__ = ["cli", "home", "quiet_again", "working"]

LONG = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=2_000))
DIGEST = sha256(LONG.encode()).hexdigest()
RUNS = "SELECT tenant_id, status FROM maintenance.tenant_runs"


@pytest.mark.parametrize("tenant", ["acme", "x" * 236, "é" * 118, "x" * 237, "😀" * 255, LONG])
def test_an_id_of_temporals_is_never_longer_than_any_database_takes(tenant):
    named = tenant_workflow_id(tenant)
    assert named.startswith("tenant-maintenance/")
    assert len(named.encode()) <= 255
    assert (named == f"tenant-maintenance/{tenant}") == (len(tenant.encode()) <= 236)
    key = model(tenant)["priority"].fairness_key
    assert key is not None
    assert len(key.encode()) <= 64


def test_two_long_ids_that_begin_alike_have_two_names():
    assert tenant_workflow_id(LONG) == f"tenant-maintenance/{DIGEST}"
    assert short_tenant_id(LONG + "x", 255) != short_tenant_id(LONG, 255)


async def daily(temporal: Any, run: str, **request: Any) -> dict[str, Any]:
    stats: dict[str, Any] = await temporal.execute_workflow(
        "MaintenanceWorkflow", request, id=run, task_queue=TASK_QUEUE, result_type=dict
    )
    return stats


async def test_one_that_begins_with_more_bytes_than_characters_runs_its_model_steps(temporal, pool, working):
    await remember_session(pool, "é" * 64, events=14)
    async with working():
        stats = await daily(temporal, "daily")
    assert (stats["tenants"]["completed"], stats["summarization"]["stored"]) == (1, 1)


@pytest.mark.parametrize("named", [True, False])
async def test_it_is_decayed_summarized_and_dreamt_for(temporal, pool, working, named):
    await remember_session(pool, LONG, events=14)
    assert await register_search_attributes(temporal)
    async with working():
        stats = await daily(temporal, "daily", **({"tenants": [LONG]} if named else {}))
    assert (stats["failed_tenants"], stats["tenants"]["completed"]) == ([], 1)
    assert (stats["decay"]["total_updated"], stats["summarization"]["stored"]) == (14, 1)
    assert stats["dreaming"]["reflections_generated"] > 0
    assert [tuple(row) for row in await fetch(pool, RUNS)] == [(LONG, "completed")]
    described = await temporal.get_workflow_handle(f"tenant-maintenance/{DIGEST}").describe()
    assert await described.memo_value("tenant_id") == LONG


async def test_a_dry_run_tells_what_would_be_done_for_it(temporal, pool, working):
    await remember_session(pool, LONG, events=14)
    async with working():
        stats = await daily(temporal, "dry", dry_run=True)
    assert (stats["decay"]["total_updated"], stats["largest_tenants"][0]["tenant_id"]) == (14, LONG)


async def test_it_is_paused_shown_as_paused_and_resumed(temporal, pool, working, cli):
    await remember_session(pool, LONG, events=14)
    address = {"TEMPORAL_ADDRESS": str(temporal.service_client.config.target_host)}
    paused = await cli("tenants", "pause", LONG, "--by", "ana", **address)
    assert paused.exit_code == 0
    async with working():
        left_out = await daily(temporal, "paused")
    assert (left_out["tenants"]["left_paused"], left_out["decay"]["total_updated"]) == (1, 0)
    shown = await cli("status", "--json", **address)
    assert [one["tenant_id"] for one in json.loads(shown.stdout)["paused"]] == [LONG]
    async with working():
        resumed = await cli("tenants", "resume", LONG, **address)
        async with asyncio.timeout(60):
            while not await fetch_value(
                pool, "SELECT count(*) FROM maintenance.tenant_runs WHERE status = 'completed'"
            ):
                await asyncio.sleep(0.1)
    assert resumed.exit_code == 0


async def test_what_runs_names_it(temporal, pool, working):
    await remember_session(pool, LONG, events=14)
    async with pool.acquire() as agent, agent.transaction(), working():
        await agent.execute("LOCK TABLE memories IN SHARE MODE")  # decay waits until the list is read
        await temporal.start_workflow("MaintenanceWorkflow", id="daily", task_queue=TASK_QUEUE)
        async with asyncio.timeout(60):
            while not (tenants := (await what_runs(temporal)).tenants):
                await asyncio.sleep(0.1)
        await temporal.get_workflow_handle("daily").terminate()
    assert [tenant.tenant_id for tenant in tenants] == [LONG]


async def test_it_leaves_the_list_of_tenants_readable(pool, cli):
    for tenant in ("acme", LONG):
        await remember_session(pool, tenant, events=3)
    listed = await cli("tenants", "list")
    assert listed.exit_code == 0
    lines = [line for line in listed.stdout.splitlines() if "active" in line]
    assert ([len(line) <= 200 for line in lines], LONG[:40] in listed.stdout) == ([True, True], True)
    assert {one["tenant_id"] for one in json.loads((await cli("tenants", "list", "--json")).stdout)} == {"acme", LONG}

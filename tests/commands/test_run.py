import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.service import RPCError

from commands.run import _size
from embedded.stack import Stack
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute
from memory_maintenance.tenants.known import fleet_size
from runtime.runs import progress_of, start_run
from runtime.workers import polling
from tests.agents import talk, write
from workflows.messages import MaintenanceRequest

BROKEN = """
INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ('bolt', '{"decay": 1}')
ON CONFLICT (tenant_id) DO UPDATE SET overrides = excluded.overrides
"""


@pytest.fixture
def server(temporal):
    return {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host, "RAE_LLM_BACKEND": "extractive"}


@pytest.fixture
async def worker(temporal, pool):
    async with polling(temporal, Settings(_env_file=None, rae_llm_backend="extractive"), pool):
        yield


@pytest.fixture(autouse=True)
async def tenants(pool):
    start = datetime.now(UTC) - timedelta(days=3)
    for tenant in ("acme", "bolt", "cord", "dune"):
        await write(pool, tenant, talk(3), session="s", start=start)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("more", [[], ["--json"], ["--dry-run"]])
async def test_a_run_in_which_a_tenant_failed_ends_with_status_1(cli, pool, server, more):
    server["MAINTENANCE_FAIL_RATIO"] = "1"
    assert (await cli("run", "daily", *more, **server)).exit_code == 0
    await execute(pool, BROKEN)
    told = await cli("run", "daily", *more, **server)
    assert told.exit_code == 1
    if "--json" in more:
        assert json.loads(told.stdout)["failed_tenants"] == ["bolt"]
    else:
        assert "failed: tenant bolt" in told.stderr


NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
LOCKED = "INSERT INTO maintenance.tenants (tenant_id) VALUES ('bolt')"


@pytest.mark.usefixtures("worker")
async def test_how_far_a_run_is_counts_the_fleets_tenants_that_are_behind_it(temporal, pool):
    async with pool.acquire() as db, db.transaction():
        await db.execute(LOCKED)
        run = await start_run(temporal, MaintenanceRequest())
        while (now := await _progress(temporal, run)) is None or now.totals.tenants < 3:
            await asyncio.sleep(0.05)
        assert (now.totals.looked_at, now.waiting, now.tenants_behind) == (4, 1, 3)
    await run.result()
    end = await _progress(temporal, run)
    assert end is not None
    assert (end.tenants_behind, await fleet_size(pool)) == (4, 4)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("more", [[], ["--json"]])
async def test_a_run_that_was_cancelled_says_what_it_did_and_ends_with_status_1(cli, temporal, pool, server, more):
    async with pool.acquire() as db, db.transaction():
        await db.execute(LOCKED)
        told = asyncio.create_task(cli("run", "daily", *more, **server))
        while (run := await _running(temporal)) is None:
            await asyncio.sleep(0.05)
        while (now := await _progress(temporal, run)) is None or now.totals.tenants < 3:
            await asyncio.sleep(0.05)
        await run.cancel()
        ended = await told
    assert ended.exit_code == 1
    assert "error: the run was cancelled" in ended.stderr
    if more:
        stats = json.loads(ended.stdout)
        assert (stats["status"], stats["tenants"]["completed"], stats["tenants"]["cancelled"]) == ("cancelled", 3, 1)
    else:
        assert "tenants 3 of 4 with work 1 cancelled" in " ".join(ended.stdout.split())


async def _running(temporal):
    async for one in temporal.list_workflows("WorkflowType = 'MaintenanceWorkflow' AND ExecutionStatus = 'Running'"):
        return temporal.get_workflow_handle(one.id)
    return None


async def _progress(temporal, run):
    with suppress(RPCError):  # a page that was planned and has not begun
        return await progress_of(temporal, run)
    return None


@pytest.mark.parametrize(
    ("where", "named", "size"),
    [(None, None, 4), (None, ("acme", "bolt"), 2), (NOWHERE, ("acme",), 1), (NOWHERE, None, None)],
)
async def test_how_many_a_run_has_before_it_is_unknown_only_where_the_store_cannot_be_reached(
    store_url, where, named, size
):
    stack = Stack(where or store_url, "127.0.0.1:1", None)
    assert await _size(Settings(_env_file=None), stack, MaintenanceRequest(tenants=named)) == size


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("summarize", "acme", "shop", "nosuch"), "tenant 'acme' has no session 'nosuch'"),
        (("summarize", "acme", "default", "s"), "tenant 'acme' has no project 'default'"),
        (("summarize", "nobody", "shop", "s"), "no tenant 'nobody'"),
        (("dream", "acme", "nosuchproject"), "tenant 'acme' has no project 'nosuchproject'"),
        (("dream", "nobody", "shop"), "no tenant 'nobody'"),
        (("run", "daily", "--tenant", "acme", "--tenant", "nobody"), "no tenant 'nobody'"),
        (("run", "hourly", "--as-of", "9999-12-31"), "is ahead of the database's clock"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
async def test_what_is_misspelt_is_no_lawful_skip(cli, server, words, says, more):
    told = await cli(*words, *more, **server)
    assert (told.exit_code, told.stdout, says in told.stderr) == (1, "", True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "daily", "--tenant", ""), "tenants.0: "),
        (("summarize", "", "shop", "s"), "tenants.0: "),
        (("dream", "", "shop"), "tenants.0: "),
        (("summarize", "acme", "shop", "s", "--min-events", "0"), "min_events: "),
    ],
)
async def test_a_request_that_no_run_takes_is_refused_before_a_server_is_asked(cli, words, says):
    told = await cli(*words, TEMPORAL_ADDRESS="127.0.0.1:1")
    assert (told.exit_code, says in told.stderr) == (2, True)
    assert isinstance(told.exception, SystemExit)

import json
from datetime import UTC, datetime, timedelta

import pytest

from memory_maintenance.database.pool import execute
from memory_maintenance.settings import Settings
from runtime.workers import polling
from tests.agents import talk, write

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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("summarize", "acme", "shop", "nosuch"), "tenant 'acme' has no session 'nosuch'"),
        (("summarize", "acme", "default", "s"), "tenant 'acme' has no project 'default'"),
        (("summarize", "nobody", "shop", "s"), "no tenant 'nobody'"),
        (("dream", "acme", "nosuchproject"), "tenant 'acme' has no project 'nosuchproject'"),
        (("dream", "nobody", "shop"), "no tenant 'nobody'"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
async def test_what_is_misspelt_is_no_lawful_skip(cli, server, words, says, more):
    told = await cli(*words, *more, **server)
    assert (told.exit_code, told.stdout, says in told.stderr) == (1, "", True)

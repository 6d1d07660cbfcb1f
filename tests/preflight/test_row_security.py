"""Row-level security: a role that sees nothing stops the night, and the role of docs/security.md maintains everything."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory_maintenance.errors import PreflightError
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.store.pool import execute, fetch_value
from tests.agents import talk, write
from tests.conftest import a_pool
from tests.preflight.conftest import as_role, doctor, metric, night, settings

DOCUMENT = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
OF_ONE_TENANT = "CREATE POLICY one ON memories USING (tenant_id = '{tenant}')"
RAES = "CREATE POLICY tenants ON memories USING (tenant_id = current_setting('app.current_tenant_id'))"
ON = "ALTER TABLE memories ENABLE ROW LEVEL SECURITY"


def documented(role: str, *, policies: bool) -> str:
    """The SQL of docs/security.md for a role that works, with or without its policies."""
    block = re.search(r"```sql\n(CREATE ROLE maintenance_worker .*?)```", DOCUMENT, re.DOTALL)
    assert block
    statements = [one for one in block[1].split(";") if one.strip() and "CREATE ROLE" not in one]
    kept = [one for one in statements if policies or "POLICY" not in one]
    assert (len(kept) < len(statements)) is not policies
    return ";".join(kept).replace("maintenance_worker", role)


@pytest.fixture
async def worker(pool, store_url, role):
    """Log in as the role of the documentation, with or without its policies, on a store of two tenants."""

    async def log_in(*, policies: bool):
        an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
        await write(pool, "acme", talk(12), session="s1", start=an_hour_ago)
        await write(pool, "bolt", talk(12), session="s2", start=an_hour_ago)
        await pool.execute(documented(role, policies=policies))
        return a_pool(as_role(store_url, role))

    return log_in


async def test_the_documented_role_maintains_a_store_without_row_security(worker):
    async with await worker(policies=False) as limited:
        stats = await night(limited)
    assert (stats["preflight"], stats["decay"]["total_updated"], stats["failed_tenants"]) == ([], 24, [])


async def test_the_documented_role_with_its_policies_maintains_every_tenant(pool, worker):
    async with await worker(policies=True) as limited:
        await execute(pool, ON)
        await execute(pool, OF_ONE_TENANT.format(tenant="acme"))
        stats = await night(limited)
        assert {(await doctor(limited))[name].level for name in ("row security", "policies")} == {"ok"}
    assert (stats["preflight"], stats["decay"]["total_updated"], stats["failed_tenants"]) == ([], 24, [])
    assert stats["summarization"]["stored"] == 2


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        pytest.param(None, "policies hide rows from worker_", id="no policy"),
        pytest.param(
            OF_ONE_TENANT.format(tenant="nobody"), "policies hide rows from worker_", id="a policy for others"
        ),
        pytest.param(RAES, "row security or a view keeps the role from reading memories", id="a policy that raises"),
    ],
)
async def test_a_role_without_a_policy_is_stopped(pool, worker, policy, found):
    async with await worker(policies=False) as limited:
        await execute(pool, ON)
        if policy:
            await execute(pool, policy)
        with pytest.raises(PreflightError, match=f"row_security: {found}"):
            await night(limited)
        with pytest.raises(PreflightError, match=f"row_security: {found}"):
            await DecayWorker(limited, settings()).run_decay_cycle()
        verdict = (await doctor(limited))["row security"]
    assert (verdict.level, found in verdict.found) == ("failure", True)
    assert await fetch_value(pool, "SELECT status FROM maintenance.cycles") == "failed"
    assert await metric(pool) == {("daily", "row_security", "stop")}


@pytest.mark.parametrize(
    ("policies", "commands"),
    [
        ([OF_ONE_TENANT.format(tenant="acme")], "DELETE, INSERT, SELECT, UPDATE"),
        (["CREATE POLICY reads ON memories FOR SELECT USING (true)"], "DELETE, INSERT, UPDATE"),
        (
            [
                "CREATE POLICY all_rows ON memories USING (true)",
                "CREATE POLICY less ON memories AS RESTRICTIVE FOR UPDATE USING (tenant_id = 'acme')",
            ],
            "UPDATE",
        ),
    ],
    ids=["one tenant", "reading alone", "narrowed"],
)
async def test_a_role_that_policies_let_at_some_rows_is_warned(pool, worker, policies, commands):
    async with await worker(policies=False) as limited:
        await execute(pool, ON)
        for policy in policies:
            await execute(pool, policy)
        [finding] = (await night(limited))["preflight"]
        assert (await doctor(limited))["policies"].level == "warning"
    assert (finding["check"], f"every row of memories for {commands}:" in finding["found"]) == ("policies", True)

"""An order to forget whose process was killed by the system, anywhere, is finished by the next night."""

import asyncio
import sys
from uuid import uuid4

import pytest

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.erasure.orders import erasure_order, open_orders, order_erasure
from memory_maintenance.erasure.selection import Selector
from memory_maintenance.inspection.derived import written_memory
from memory_maintenance.inspection.report import cycle_report
from memory_maintenance.observability.logs import configure_logs
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch_value, open_pool
from memory_maintenance.tenants.control import pause
from tests.agents import derived, json_codec
from tests.conftest import _run_on_server, database_url
from tests.erasure.test_forget import a_night
from tests.processes.conftest import ROOT, environment
from tests.restored_logs import restored_logs
from tests.summarization.test_stale import NEXT, SETTINGS, TRACES, found_anywhere
from tests.workflows.conftest import working
from tests.workflows.test_privacy import everything_recorded, places
from web.cycle_page import saved_page
from workflows.options import TASK_QUEUE

__all__ = ["restored_logs", "working"]

WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'memory-maintenance' AND wait_event_type = 'Lock'
      AND query LIKE '%erasure.DREAMS%'
"""


@pytest.mark.usefixtures("restored_logs")
async def test_a_cycle_of_temporal_finishes_what_a_killed_command_began_and_learns_nothing_of_it(
    temporal, pool, store_url, working, tmp_path, capfd
):
    await a_night(pool, "acme")
    command = ("memories", "forget", "--tenant", "acme", "--subject", "Anna Bergstrom", "--yes")
    settings = {"DATABASE_URL": store_url, "TEMPORAL_ADDRESS": "", "MEMORY_MAINTENANCE_HOME": str(tmp_path)}
    async with pool.acquire() as other, other.transaction():
        await other.execute("LOCK TABLE maintenance.dreams IN SHARE MODE")  # its step waits there
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "starter.py"), *command),
            env=environment(**settings),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            while not await pool.fetchval(WAITS):
                assert process.returncode is None, await process.communicate()
        process.kill()
        printed = b"".join(await process.communicate()).decode()
    [order] = await open_orders(pool)
    assert await found_anywhere(pool) != set()

    configure_logs(Settings(_env_file=None, log_level="debug", log_format="json"))
    async with working():
        await temporal.execute_workflow("MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE)
        recorded = await everything_recorded(temporal, "".join(capfd.readouterr()))
    done = await erasure_order(pool, order)
    assert done.certificate is not None
    report = saved_page(await cycle_report(pool, None, with_text=True))
    recorded |= {"command": printed, "certificate": str(done.certificate), "report": report}
    assert await found_anywhere(pool) == set()
    assert [place for trace in TRACES for place in places(recorded, trace)] == []
    assert (done.certificate["residue"]["score"], done.certificate["memories"]["deleted"]) == (0.0, 5)
    assert (str(order) in recorded["logs"], "history of night" in recorded) == (True, True)
    [summary] = await derived(pool, "acme")
    explained = await written_memory(pool, summary["id"])
    assert explained is not None
    assert ("Vermeer" in summary["content"], len(explained.sources), explained.gone) == (True, 7, 0)


KILLED = """
import asyncio, os, signal, sys
from uuid import UUID
from memory_maintenance.erasure.carrying_out import Erasure
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import open_pool

async def carry_out(address, order, last):
    commits = iter(range(int(last)))
    def after(_):
        if next(commits, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
    pool = await open_pool(address, size=2, timeout_seconds=30)
    await Erasure(pool, Settings(_env_file=None, rae_llm_backend="extractive"), after=after).carry_out(UUID(order))

for line in sys.stdin:
    if not (child := os.fork()):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where its logs would go
        asyncio.run(carry_out(*line.split()))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Carries out an order in a process that is killed after so many commits, for each line of the input."""


@pytest.mark.slow
async def test_an_order_killed_after_any_commit_is_finished_by_the_next_night_also_of_a_paused_tenant(
    postgres_url, templates
):
    tenant, prepared, copy = str(uuid4()), f"prepared_{uuid4().hex[:8]}", f"copy_{uuid4().hex[:8]}"
    await _run_on_server(postgres_url, f"CREATE DATABASE {prepared} TEMPLATE {templates['small']}")
    pool = await open_pool(database_url(postgres_url, prepared), size=4, timeout_seconds=30, init=json_codec)
    await a_night(pool, tenant)
    order = await order_erasure(pool, Selector(tenant, subject="Bergstrom"), by="ana", reason=None)
    await pool.close()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED),
        env=environment(),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    commits, status = 0, -9
    while status == -9:
        await _run_on_server(postgres_url, f"CREATE DATABASE {copy} TEMPLATE {prepared}")
        address = database_url(postgres_url, copy)
        process.stdin.write(f"{address} {order} {commits}\n".encode())
        status = int(await process.stdout.readline())
        pool = await open_pool(address, size=4, timeout_seconds=30, init=json_codec)
        await pause(pool, tenant, by="ana")
        await run_maintenance(pool, SETTINGS, as_of=NEXT)
        done = await erasure_order(pool, order)
        assert done.certificate is not None
        assert (done.certificate["residue"]["score"], done.certificate["memories"]["deleted"]) == (0.0, 5), commits
        assert await found_anywhere(pool) == set(), commits
        assert await fetch_value(pool, "SELECT count(*) FROM memories WHERE source <> 'agent'") == 1, commits
        await pool.close()
        await _run_on_server(postgres_url, f"DROP DATABASE {copy} WITH (FORCE)")
        commits += 1
    process.stdin.close()
    assert (status, await process.wait(), commits > 10) == (0, 0, True)
    await _run_on_server(postgres_url, f"DROP DATABASE {prepared} WITH (FORCE)")

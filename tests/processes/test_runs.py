"""The main job by the commands of the README."""

import asyncio
import json

from embedded.temporal import temporal_program
from memory_maintenance.store.pool import fetch_value
from tests.processes.conftest import ROOT, run_script

SAMPLES = str(ROOT / "samples" / "memories.jsonl")
SAME = ("decay", "summarization", "dreaming", "tenants", "failed_tenants")
REFLECTIONS = "SELECT count(DISTINCT derived_id) FROM maintenance.lineage WHERE task = 'dreaming'"


async def test_a_run_by_command_and_one_by_the_temporal_cli_do_the_same(servers, start_worker):
    await run_script("starter.py", "memories", "import", SAMPLES, **servers)
    worker = await start_worker(**servers)
    first = await run_script("starter.py", "run", "daily", "--json", **servers)
    stats = json.loads(first.out)
    assert (first.status, stats["decay"]["total_tenants"], stats["failed_tenants"]) == (0, 5, [])
    cli = await asyncio.create_subprocess_exec(
        *(str(temporal_program()), "workflow", "execute", "--address", servers["TEMPORAL_ADDRESS"]),
        *("--type", "MaintenanceWorkflow", "--task-queue", "memory-maintenance", "--output", "json"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await cli.communicate()
    derived = stats["summarization"]["stored"] + stats["dreaming"]["reflections_generated"]
    assert cli.returncode == 0
    assert json.loads(out)["result"]["decay"]["seen"] == stats["decay"]["seen"] + derived
    assert await worker.stop() == 0


async def test_a_worker_killed_in_the_middle_changes_no_total(servers, start_worker, pool):
    """Two stores with the same memories: in one the worker is killed while it decays."""
    await run_script("starter.py", "memories", "import", SAMPLES, **servers)
    worker = await start_worker(MEMORY_DECAY_PAGE_SIZE="20", **servers)
    run = asyncio.create_task(run_script("starter.py", "run", "daily", "--json", **servers))
    async with asyncio.timeout(60):
        while not await fetch_value(pool, "SELECT count(base_importance) FROM memories"):
            await asyncio.sleep(0.01)
    await worker.kill()
    decayed = await fetch_value(pool, "SELECT count(base_importance) FROM memories")
    await start_worker(**servers)
    stats = json.loads((await run).out)
    reflections = await fetch_value(pool, REFLECTIONS)
    assert reflections > 0
    assert 0 < decayed < 1118  # it was killed in the middle
    assert {name: stats[name] for name in SAME} == {
        "decay": {"total_tenants": 5, "total_updated": 1118, "seen": 1132, "invalid": 0, "busy": 0},
        "summarization": stats["summarization"] | {"stored": 26, "failed": 0},
        "dreaming": stats["dreaming"] | {"reflections_generated": reflections, "failed": 0},
        "tenants": {"looked_at": 5, "left_paused": 0, "with_work": 5, "completed": 5},
        "failed_tenants": [],
    }

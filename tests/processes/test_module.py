"""``python -m memory_maintenance``: the same work without Temporal, also beside it."""

import asyncio
import json
import re
import sys
import tomllib

import pytest

import memory_maintenance
from chaos.ports import free_port
from memory_maintenance.store.pool import execute, fetch_value
from scripted_endpoint.replies import hang
from scripted_endpoint.server import ScriptedEndpoint
from tests.processes.conftest import ROOT, environment, run_module
from tests.runtime.test_health import ask
from tests.workflows.conftest import remember_session, working
from tests.workflows.test_model import good
from workflows.options import TASK_QUEUE

__all__ = ["working"]

MODULE = "memory_maintenance"
DERIVED = "SELECT count(*) FROM memories WHERE source = $1"


@pytest.fixture
def model_settings(endpoint: ScriptedEndpoint) -> dict[str, str]:
    return {"RAE_LLM_BACKEND": "openai", "OPENAI_BASE_URL": endpoint.base_url}


async def test_one_maintenance_from_plain_cron(pool, store_url):
    await remember_session(pool, "acme", events=12)
    ended = await run_module(MODULE, DATABASE_URL=store_url)
    stats = json.loads(ended.out)
    assert (ended.status, stats["decay"]["total_updated"], stats["summarization"]["stored"]) == (0, 12, 1)
    assert await fetch_value(pool, "SELECT status FROM maintenance.cycles") == "completed"


async def test_a_process_serves_what_runs_by_cron_left_in_the_store_until_it_is_stopped(pool, store_url):
    await remember_session(pool, "acme", events=12)
    await run_module(MODULE, DATABASE_URL=store_url)
    last = await fetch_value(pool, "SELECT extract(epoch FROM completed_at)::float8 FROM maintenance.cycles")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE, "--serve-metrics"),
        env=environment(DATABASE_URL=store_url, METRICS_PORT=str(port)),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while not (line := await process.stderr.readline()).startswith(b"metrics: "):
            assert line, "it ended before it served"
    _, text = await ask(port, "/metrics")
    process.terminate()
    async with asyncio.timeout(60):
        assert await process.wait() == 0
    [said] = re.findall(r'last_success_timestamp_seconds\{kind="daily"\} (\S+)', text)
    assert float(said) == pytest.approx(last, abs=0.01)
    assert 'memory_maintenance_worker_info{build_id="",role="cron"} 1.0' in text
    assert "memory_maintenance_store_up 1.0" in text


async def test_serving_metrics_needs_a_port(store_url):
    ended = await run_module(MODULE, "--serve-metrics", DATABASE_URL=store_url)
    assert ended.status == 1
    assert ended.err.splitlines()[-1] == "error: METRICS_PORT is not set: name the port that Prometheus scrapes"


async def test_from_cron_a_setting_of_raes_that_does_nothing_is_warned_about_once(store_url):
    ended = await run_module(MODULE, "--dry-run", DATABASE_URL=store_url, MEMORY_DECAY_RATE="0.01")
    assert ended.status == 0
    assert ended.err.count("MEMORY_DECAY_RATE is ignored") == 1


async def test_a_worker_and_the_module_at_the_same_time_ask_once(
    temporal, pool, store_url, working, endpoint, model_settings
):
    await remember_session(pool, "acme", events=12)
    endpoint.script(hang())
    endpoint.otherwise = good
    async with working(rae_llm_backend="openai", openai_base_url=endpoint.base_url):
        by_temporal = asyncio.create_task(
            temporal.execute_workflow("MaintenanceWorkflow", id="1", task_queue=TASK_QUEUE, result_type=dict)
        )
        await endpoint.arrived()
        by_module = asyncio.create_task(run_module(MODULE, DATABASE_URL=store_url, **model_settings))
        async with asyncio.timeout(60):
            while await fetch_value(pool, "SELECT count(*) FROM maintenance.cycles") < 2:
                await asyncio.sleep(0.05)
        endpoint.let_go()
        stats, ended = await by_temporal, await by_module
    assert ended.status == 0
    alone = json.loads(ended.out)
    assert endpoint.answers == endpoint.distinct_prompts
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.model_calls WHERE state = 'lost'") == 0
    assert [await fetch_value(pool, DERIVED, one) for one in ("summarization_worker", "reflection_engine_v2")] == [1, 1]
    assert stats["summarization"]["stored"] + alone["summarization"]["stored"] == 1
    assert stats["dreaming"]["reflections_generated"] + alone["dreaming"]["reflections_generated"] == 1


@pytest.mark.parametrize(
    ("arguments", "settings", "says"),
    [
        ((), {}, "DATABASE_URL is not set"),
        (("nobody",), {"DATABASE_URL": "the store"}, "no tenant 'nobody'"),
        ((), {"DATABASE_URL": "postgresql://localhost:1/x"}, "localhost:1/x does not answer"),
    ],
    ids=["no database", "an unknown tenant", "nothing there"],
)
async def test_what_is_wrong_is_one_line(store_url, arguments, settings, says):
    named = {name: store_url if value == "the store" else value for name, value in settings.items()}
    ended = await run_module(MODULE, *arguments, **named)
    assert (ended.status, ended.out) == (1, "")
    assert says in ended.err
    assert "Traceback" not in ended.err


async def test_a_run_that_was_killed_is_abandoned_after_a_later_good_one(pool, store_url, endpoint, model_settings):
    await remember_session(pool, "acme", events=12)
    endpoint.script(hang())
    variables = environment(DATABASE_URL=store_url, PYTHONPATH=str(ROOT), **model_settings)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", MODULE, cwd="/", env=variables)
    await endpoint.arrived()
    process.kill()
    await process.wait()
    endpoint.let_go()
    killed = await fetch_value(
        pool, "SELECT cycle_id FROM maintenance.cycles WHERE lease_until < now() + interval '6 minutes'"
    )
    # Its five minutes pass.
    await execute(pool, "UPDATE maintenance.cycles SET lease_until = now() - interval '1 second'")
    assert (await run_module(MODULE, "--hourly", DATABASE_URL=store_url)).status == 0
    rows = await pool.fetch(
        "SELECT cycle_id = $1 AS killed, status FROM maintenance.cycles ORDER BY started_at", killed
    )
    assert [tuple(row) for row in rows] == [(True, "abandoned"), (False, "completed")]


async def test_it_migrates_and_checks_an_empty_store(empty_url):
    before = await run_module(MODULE, "--doctor", DATABASE_URL=empty_url)
    assert (before.status, "store, migration" in before.out) == (1, True)
    for _ in range(2):
        assert (await run_module(MODULE, "--migrate", DATABASE_URL=empty_url)).out == "the store is ready\n"
    after = await run_module(MODULE, "--doctor", DATABASE_URL=empty_url)
    assert (after.status, len(after.err.splitlines())) == (0, 1), after.out
    assert (await run_module(MODULE, DATABASE_URL=empty_url)).status == 0


@pytest.mark.parametrize("words", [("--migrate", "acme"), ("--doctor", "--hourly"), ("--migrate", "--doctor")])
async def test_what_is_about_the_whole_store_takes_no_other_option(words):
    assert (await run_module(MODULE, *words)).status == 2


async def test_the_version_is_that_of_the_package():
    with (ROOT / "pyproject.toml").open("rb") as project:
        version = tomllib.load(project)["project"]["version"]
    assert (await run_module(MODULE, "--version")).out.split()[-1] == version == memory_maintenance.__version__

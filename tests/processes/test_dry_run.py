"""``--dry-run`` as an operator types it: the table, the JSON, and the command that does it."""

import json
import shlex

import pytest

from memory_maintenance.tenants.control import pause
from tests.everything import everything
from tests.processes.conftest import ROOT, run_module, run_script

SAMPLES = str(ROOT / "samples" / "memories.jsonl")
SAME = ("decay", "summarization", "dreaming", "tenants", "failed_tenants")
COMMAND = "Nothing was written. To do it: python starter.py "


@pytest.fixture
async def store(servers, pool):
    await run_script("starter.py", "memories", "import", SAMPLES, **servers)
    return pool


async def test_the_command_that_it_names_does_what_it_said(servers, start_worker, store):
    untouched = await everything(store)
    await start_worker("--role", "workflows", **servers)
    dry = await run_script("starter.py", "run", "daily", "--dry-run", "--json", **servers)
    table = await run_script("starter.py", "run", "daily", "--dry-run", **servers)
    started = await run_script("starter.py", "run", "daily", "--dry-run", "--no-wait", "--json", **servers)
    alone = await run_module("memory_maintenance", "--dry-run", DATABASE_URL=servers["DATABASE_URL"])
    assert [one.status for one in (dry, table, started, alone)] == [0, 0, 0, 0]
    assert await everything(store) == untouched

    foreseen = json.loads(dry.out)
    assert foreseen["dry_run"] is True
    assert "-dry-run-" in json.loads(started.out)["workflow_id"]
    assert "it writes nothing; its result: temporal workflow result -w" in started.err
    assert {name: json.loads(alone.out)[name] for name in SAME} == {name: foreseen[name] for name in SAME}
    reflections = f"{foreseen['dreaming']['reflections_generated']} reflections"
    for part in ("1,118 updated of 1,132 memories", "26 stored, 0 updated, 0 fallbacks", reflections):
        assert part in table.out
    assert "No model would be asked (extractive): it costs nothing." in table.out

    assert COMMAND in table.out
    assert COMMAND not in dry.out
    command = shlex.split(dry.err.partition(COMMAND)[2])
    assert command == ["run", "daily", "--as-of", foreseen["as_of"]]
    await start_worker("--role", "model", **servers)
    done = json.loads((await run_script("starter.py", *command, "--json", **servers)).out)
    assert {name: done[name] for name in SAME} == {name: foreseen[name] for name in SAME}


async def test_a_paused_tenant_and_a_budget_that_may_not_suffice_are_shown(servers, start_worker, store):
    await pause(store, "c0000000-0000-4000-8000-000000000003")
    by_model = {
        "RAE_LLM_BACKEND": "openai",
        "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
        "MODEL_DAILY_TOKENS": "9000",
        "MODEL_DAILY_TOKENS_PER_TENANT": "5000",
    }
    await start_worker("--role", "workflows", **servers, **by_model)
    told = await run_script("starter.py", "run", "daily", "--dry-run", "--backfill", "9", **servers, **by_model)
    assert told.status == 0
    assert "A model would take at most" in told.out
    assert "today's budget still has 9,000" in told.out
    assert "That may not suffice (MODEL_DAILY_TOKENS, MODEL_DAILY_COST)" in told.out
    assert "The budget of tenant " in told.out
    assert "1 left paused" in told.out
    assert "Start it?" not in told.err
    assert told.out.rstrip().endswith("--backfill 9")

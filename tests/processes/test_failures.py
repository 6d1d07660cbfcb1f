"""What is wrong is said in one line, with a status that is not 0 and no traceback."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.processes.conftest import ROOT, environment, run_script

NOWHERE = "localhost:1"


@pytest.mark.parametrize("command", [("worker.py",), ("starter.py", "tenants", "list")], ids=["worker", "starter"])
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({"DATABASE_URL": f"postgresql://{NOWHERE}/x"}, "localhost:1/x does not answer", id="no Postgres"),
        pytest.param({"DATABASE_URL": "mysql://x"}, "DATABASE_URL cannot be read", id="not a Postgres address"),
        pytest.param({"MEMORY_BASE_DECAY_RATE": "2"}, "MEMORY_BASE_DECAY_RATE", id="a setting out of range"),
        pytest.param({"RAE_LLM_BACKEND": "claude"}, "RAE_LLM_BACKEND", id="a setting of no known value"),
    ],
)
async def test_a_wrong_setting_is_one_clear_line(servers, command, settings, says):
    _is_one_line(await run_script(*command, **{**servers, **settings}), says)


@pytest.mark.parametrize(
    "command", [("worker.py",), ("starter.py", "run", "daily"), ("starter.py", "schedules", "list")]
)
async def test_an_unreachable_temporal_is_one_clear_line(servers, command):
    nowhere = {"TEMPORAL_ADDRESS": NOWHERE, "TEMPORAL_PATIENCE_SECONDS": "1"}
    ended = await run_script(*command, **{**servers, **nowhere})
    _is_one_line(ended, "Temporal does not answer at localhost:1")


def _is_one_line(ended, says):
    assert ended.status == 1
    assert ended.err.splitlines()[-1].startswith("error: ")
    assert says in ended.err
    assert "Traceback" not in ended.err


async def test_a_store_that_is_not_migrated_says_what_to_do(servers, postgres_url):
    ended = await run_script("starter.py", "tenants", "list", **{**servers, "DATABASE_URL": postgres_url})
    assert (ended.status, "starter.py migrate" in ended.err) == (1, True)


async def test_a_run_without_a_worker_says_so(servers):
    ended = await run_script("starter.py", "run", "daily", **servers)
    assert (ended.status, "python worker.py" in ended.err) == (1, True)


@pytest.mark.parametrize("command", [("tenants", "pause"), ("tenants", "resume"), ("tenants", "cancel")])
async def test_an_unknown_tenant_is_named(servers, command):
    ended = await run_script("starter.py", *command, "nobody", **servers)
    assert ended.status == 1
    said = ended.err.splitlines()[1:]
    assert said == ["error: no tenant 'nobody': list them with `starter.py tenants list`"]


@pytest.mark.parametrize(
    "arguments", [("run", "weekly"), ("tenants", "pause"), ("no-such-command",), ("run", "daily", "--as-of", "soon")]
)
async def test_wrong_arguments_end_with_status_2(arguments):
    ended = await run_script("starter.py", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert "Traceback" not in ended.err


async def test_a_file_that_is_not_there_is_named(servers):
    ended = await run_script("starter.py", "memories", "import", "nowhere.jsonl", **servers)
    assert (ended.status, "nowhere.jsonl: there is no such file" in ended.err) == (1, True)


@pytest.mark.parametrize("arguments", [("--help",), ("settings", "--json")])
async def test_a_full_disk_is_one_clear_line(arguments):
    with Path("/dev/full").open("w") as full:  # noqa: ASYNC230  a device
        words = (sys.executable, str(ROOT / "starter.py"), *arguments)
        process = await asyncio.create_subprocess_exec(
            *words, env=environment(), stdout=full, stderr=asyncio.subprocess.PIPE
        )
        err = (await process.communicate())[1].decode()
    assert process.returncode == 1
    assert err.splitlines()[-1] == "error: the output cannot be written: the disk is full"
    assert "Traceback" not in err

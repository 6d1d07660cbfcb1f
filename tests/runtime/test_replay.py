"""``make replay``: downloaded histories against the workflows of this version."""

import shutil
from pathlib import Path

import pytest

from tests.processes.conftest import run_module

HISTORIES = Path(__file__).parents[1] / "histories"
DAILY = HISTORIES / "daily--cycle.json"


async def test_histories_that_replay_are_counted(tmp_path):
    for path in (DAILY, HISTORIES / "daily--tenant-maintenance-acme.json"):
        shutil.copy(path, tmp_path)
    told = await run_module("runtime.replay", str(tmp_path))
    assert (told.status, told.out) == (0, "2 of 2 histories replay\n")


async def test_a_history_that_does_not_replay_is_named_with_why(tmp_path):
    # What another version would have written: it planned the page by an activity of another name.
    (tmp_path / "old.json").write_text(DAILY.read_text().replace('"plan_page"', '"plan_tenants"'))
    (tmp_path / "list.json").write_text("[1]")
    shutil.copy(DAILY, tmp_path)
    told = await run_module("runtime.replay", str(tmp_path))
    assert told.status == 1
    assert "old.json: does not replay: NondeterminismError" in told.out
    assert "list.json: is no history" in told.out
    assert told.out.endswith("1 of 3 histories replay\n")


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["a", "b"]])
async def test_without_histories_the_usage_is_shown(arguments):
    told = await run_module("runtime.replay", *arguments)
    assert (told.status, told.err.startswith("usage: ")) == (2, True)

"""``decay rewind`` as an operator runs it."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from memory_maintenance.decay.rule import decay_rule
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch_value
from memory_maintenance.work import Run
from tests.agents import write
from tests.steps import Decaying, tenant_with

NOW = datetime.now(UTC)
TO = (NOW - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
LOWEST = "SELECT min(importance) FROM memories"


@pytest.fixture
async def spoiled(pool):
    """A tenant of 20 memories after a night whose clock was 60 days ahead."""
    await write(pool, "acme", [f"memory {n}" for n in range(20)], start=NOW - timedelta(days=3))
    task = Decaying(pool, Settings(_env_file=None)).task
    tenant = await tenant_with(task, "acme")
    run = Run(cycle_id=uuid4(), as_of=NOW + timedelta(days=60))
    await task.decay(tenant, run, decay_rule(tenant.settings))
    return await fetch_value(pool, LOWEST)


async def test_a_rewind_is_shown_first_and_done_when_asked(cli, pool, spoiled):
    shown = await cli("decay", "rewind", "--to", TO)
    assert (shown.exit_code, shown.stderr.count("\n")) == (0, 1)
    assert "would rewind 20 of 20 memories of 1 tenants" in shown.stdout
    assert "Nothing was written" in shown.stdout
    assert await fetch_value(pool, LOWEST) == spoiled
    done = await cli("decay", "rewind", "--to", TO, "--yes", "--by", "ana", "--reason", "clock", "--json")
    assert {name: json.loads(done.stdout)[name] for name in ("rewound", "busy", "dry_run", "adopted")} == {
        "rewound": 20,
        "busy": 0,
        "dry_run": False,
        "adopted": True,
    }
    assert await fetch_value(pool, LOWEST) > spoiled
    assert f"rewind 20 memories to {TO.replace('T', ' ')}" in (await cli("tenants", "show", "acme")).stdout
    assert "rewound 0 of 0 memories" in (await cli("decay", "rewind", "--to", TO, "--yes")).stdout


async def test_an_instant_that_has_not_come_is_refused(cli):
    shown = await cli("decay", "rewind", "--to", f"{NOW + timedelta(days=2):%Y-%m-%d}")
    assert (shown.exit_code, shown.stdout, "ahead of the database's clock" in shown.stderr) == (1, "", True)

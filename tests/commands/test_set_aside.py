"""``memories set-aside`` and ``memories requeue``."""

import json

import pytest

from memory_maintenance.store.pool import execute

INSERT = """
INSERT INTO maintenance.set_aside
    (kind, tenant_id, project, name, session_id, failures, last_round, reason, set_aside_at)
VALUES ($1, 'acme', $2, $3, $4, 3, 'r', 'repeats', now())
"""


@pytest.fixture
async def aside(pool):
    await execute(pool, "INSERT INTO memories (tenant_id, content) VALUES ('acme', 'x')")
    for unit in (("session", "shop", "n1", "s1"), ("session", "farm", "n2", "s2"), ("dream", "shop", "", None)):
        await execute(pool, INSERT, *unit)


async def listed(cli, *options):
    ended = await cli("memories", "set-aside", "--json", *options)
    return {(one["kind"], one["project"], one["session_id"]) for one in json.loads(ended.stdout)}


@pytest.mark.usefixtures("aside")
async def test_what_is_set_aside_is_listed(cli):
    assert await listed(cli) == {("session", "shop", "s1"), ("session", "farm", "s2"), ("dream", "shop", None)}
    shown = (await cli("memories", "set-aside", "--tenant", "acme")).stdout
    assert "repeats" in shown
    assert "s2" in shown


async def test_nothing_set_aside_is_said(cli):
    assert (await cli("memories", "set-aside")).stdout == "nothing is set aside\n"


@pytest.mark.usefixtures("aside")
@pytest.mark.parametrize(
    ("options", "count", "left"),
    [
        (("--session", "s1"), 1, 2),
        (("--all",), 3, 0),
        (("--all", "--project", "shop"), 2, 1),
        (("--session", "s1", "--project", "farm"), 0, 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_requeued_units_are_counted_and_gone(cli, options, count, left):
    ended = await cli("memories", "requeue", "--tenant", "acme", *options)
    assert (ended.exit_code, f"requeued {count} of acme" in ended.stdout) == (0, True)
    assert len(await listed(cli)) == left


@pytest.mark.usefixtures("aside")
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--tenant", "acme"), "--session or --all"),
        (("--tenant", "acme", "--session", "s1", "--all"), "--session or --all"),
        (("--tenant", "nobody", "--all"), "no tenant 'nobody'"),
    ],
    ids=["neither", "both", "an unknown tenant"],
)
async def test_what_is_not_clear_is_refused(cli, options, says):
    ended = await cli("memories", "requeue", *options)
    assert (ended.exit_code, says in ended.stderr) == (1 if "nobody" in options else 2, True)
    assert len(await listed(cli)) == 3

"""The functions that a migration makes: what they say, and that the indexes serve as if they were written out."""

import pytest

from memory_maintenance.store.pool import fetch_value
from tests.agents import AS_OF, talk, write

PLAN = """
EXPLAIN (FORMAT JSON) SELECT m.id FROM memories m
WHERE m.tenant_id = '11111111-1111-4111-8111-111111111111' AND m.created_at > '2026-01-01'
      AND maintenance.is_event(m.layer, m.source, m.tags, m.metadata)
"""


async def test_the_index_of_events_answers_alone_which_they_are(any_pool):
    """As the function is written out in place: Postgres would look into the table for anything that is not in the index."""
    async with any_pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        [plan] = await fetch_value(connection, PLAN)
    scan = plan["Plan"]
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Only Scan", "memories_maintenance_event_idx")
    assert "Filter" not in scan


SESSION_PLAN = """
EXPLAIN (FORMAT JSON) SELECT * FROM maintenance.session_rows('11111111-1111-4111-8111-111111111111', 's')
"""


async def test_the_rows_of_a_session_are_found_by_its_index(any_pool):
    await write(any_pool, "11111111-1111-4111-8111-111111111111", talk(3), session="s", start=AS_OF)
    async with any_pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        [plan] = await fetch_value(connection, SESSION_PLAN)
    assert plan["Plan"]["Index Name"] == "memories_maintenance_session_idx"


@pytest.mark.parametrize(
    ("overrides", "deployment", "found"),
    [
        ("{}", "true", "true"),
        ('{"x": null}', "true", "true"),
        ('{"x": false}', "true", "false"),
        ('{"x": true}', "false", "true"),
        ('{"x": 0.0}', "5", "0"),
        ("[1]", "true", "true"),
        ("7", "false", "false"),
        (None, "true", "true"),
    ],
)
async def test_an_override_lets_in_as_well_as_out(pool, overrides, deployment, found):
    sql = "SELECT maintenance.setting($1::text::jsonb, 'x', $2::text::jsonb) = $3::text::jsonb"
    assert await fetch_value(pool, sql, overrides, deployment, found)


@pytest.mark.parametrize(
    ("importance", "decayed", "base", "undecayed"),
    [
        (0.3, 0.3, 0.8, 0.8),
        (0.3, 0.31, 0.8, 0.3),
        (None, None, None, 0.5),
        (None, 0.3, 0.8, 0.5),
        (float("nan"), None, None, 0.5),
        (float("nan"), float("nan"), 0.7, 0.7),
        (7.0, None, None, 1.0),
        (-1.0, None, None, 0.0),
    ],
)
async def test_importance_counts_as_the_agent_set_it(pool, importance, decayed, base, undecayed):
    assert await fetch_value(pool, "SELECT maintenance.undecayed($1, $2, $3)", importance, decayed, base) == undecayed


@pytest.mark.parametrize(
    ("paused", "until", "is_paused"),
    [
        (None, None, False),
        (False, None, False),
        (True, None, True),
        (True, "1 hour", True),
        (True, "-1 hour", False),
    ],
)
async def test_a_pause_ends_when_its_end_has_come(pool, paused, until, is_paused):
    sql = "SELECT maintenance.is_paused($1, now() + $2::text::interval)"
    assert await fetch_value(pool, sql, paused, until) == is_paused

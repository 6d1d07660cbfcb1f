"""The rule of expiry, in Python and in SQL."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from memory_maintenance.expiry.policy import ExpiryRule
from memory_maintenance.expiry.rule import as_json, expiry_rule
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch, fetch_value

NIGHT = datetime(2026, 6, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SQL = "SELECT maintenance.falls_out($1, $2, $3, $4, $5, $6, $7::text::jsonb)"
EXPLAIN = """
EXPLAIN (VERBOSE, COSTS OFF)
SELECT maintenance.falls_out(expires_at, created_at, layer, tags, source, '{}', '{}') FROM memories
"""

ARCHIVES = ExpiryRule(expired="archive", protected=frozenset({"pinned"}))
DELETES = ExpiryRule(expired="delete", grace_days=30)
KEEPS = ExpiryRule(
    days=100, layers={"working": 10, "wm": 10, "semantic": 0}, tags={"chatter": 5, "legal": 0, "log": 50}
)

CASES = [
    pytest.param(ExpiryRule(), {"expires_at": NIGHT - 900 * DAY, "created_at": NIGHT - 999 * DAY}, None, id="off"),
    pytest.param(ARCHIVES, {"expires_at": NIGHT}, "expired", id="expires now"),
    pytest.param(ARCHIVES, {"expires_at": NIGHT + DAY}, None, id="expires tomorrow"),
    pytest.param(ARCHIVES, {"created_at": NIGHT - 9999 * DAY}, None, id="never expires"),
    pytest.param(ARCHIVES, {"expires_at": NIGHT, "tags": ["a", "pinned"]}, None, id="pinned"),
    pytest.param(ARCHIVES, {"expires_at": datetime(1970, 1, 1, tzinfo=UTC)}, None, id="the zero of a clock"),
    pytest.param(ARCHIVES, {"expires_at": NIGHT, "derived": True}, "expired", id="a summary that expires"),
    pytest.param(DELETES, {"expires_at": NIGHT - 29 * DAY}, None, id="within its grace"),
    pytest.param(DELETES, {"expires_at": NIGHT - 30 * DAY}, "expired", id="past its grace"),
    pytest.param(KEEPS, {"created_at": NIGHT - 100 * DAY}, None, id="its last day"),
    pytest.param(KEEPS, {"created_at": NIGHT - 101 * DAY}, "retention", id="past retention"),
    pytest.param(KEEPS, {"created_at": NIGHT - 999 * DAY, "derived": True}, None, id="a summary follows its sources"),
    pytest.param(KEEPS, {"created_at": None}, None, id="created at an unknown time"),
    pytest.param(KEEPS, {"created_at": datetime(2000, 1, 1, tzinfo=UTC)}, None, id="created at the zero of a clock"),
    pytest.param(KEEPS, {"created_at": NIGHT - 11 * DAY, "layer": "wm"}, "retention", id="by layer"),
    pytest.param(KEEPS, {"created_at": NIGHT - 999 * DAY, "layer": "semantic"}, None, id="a layer kept for good"),
    pytest.param(KEEPS, {"created_at": NIGHT - 99 * DAY, "layer": "episodic"}, None, id="another layer"),
    pytest.param(KEEPS, {"created_at": NIGHT - 6 * DAY, "tags": ["chatter"]}, "retention", id="by tag"),
    pytest.param(KEEPS, {"created_at": NIGHT - 11 * DAY, "layer": "wm", "tags": ["log"]}, None, id="tag before layer"),
    pytest.param(KEEPS, {"created_at": NIGHT - 9 * DAY, "tags": ["chatter", "log"]}, None, id="the longest of tags"),
    pytest.param(KEEPS, {"created_at": NIGHT - 999 * DAY, "tags": ["chatter", "legal"]}, None, id="a tag for good"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "memory", "reason"), CASES)
def test_a_memory_falls_out_by_its_time_its_layer_and_its_tags(rule, memory, reason):
    assert rule.falls_out(NIGHT, **memory) == reason


async def test_sql_says_the_same(pool):
    said = {}
    for case in CASES:
        rule, memory, reason = cast(tuple[ExpiryRule, dict[str, Any], str | None], case.values)
        row = {"expires_at": None, "created_at": None, "layer": None, "tags": [], **memory}
        source = "summarization_worker" if row.pop("derived", False) else "api"
        said[case.id] = await fetch_value(pool, SQL, *row.values(), source, NIGHT, as_json(rule, NIGHT)), reason
    assert {name: both for name, both in said.items() if both[0] != both[1]} == {}


async def test_the_rule_is_written_out_inside_the_statement_that_calls_it(pool):
    explained = await fetch(pool, EXPLAIN.format(NIGHT, as_json(KEEPS, NIGHT)))
    assert "falls_out" not in "".join(row[0] for row in explained)


def test_nothing_falls_out_by_default():
    assert not expiry_rule(Settings(_env_file=None)).is_on


def test_settings_name_layers_and_tags():
    own = Settings(
        _env_file=None, memory_expiry_retention_layers="em=30,semantic=0", memory_expiry_retention_tags="chatter=7"
    )
    rule = expiry_rule(own)
    assert (dict(rule.layers), dict(rule.tags)) == (
        {"episodic": 30, "em": 30, "semantic": 0, "ltm": 0, "sm": 0},
        {"chatter": 7},
    )
    assert rule.is_on

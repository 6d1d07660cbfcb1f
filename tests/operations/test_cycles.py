from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from memory_maintenance.database.pool import fetch_value
from memory_maintenance.operations.cycles import close_cycle, open_cycle
from tests.inspection.conftest import settings
from tests.nights import night

STATUS = "SELECT status FROM maintenance.cycles WHERE cycle_id = $1"


@pytest.mark.parametrize(
    ("kind", "hours", "status"),
    [
        ("daily", 20.9, "running"),
        ("daily", 21.1, "abandoned"),
        ("hourly", 1.7, "running"),
        ("hourly", 1.8, "abandoned"),
    ],
)
async def test_a_cycle_that_nobody_closed_in_time_is_abandoned_by_the_next_one(pool, kind, hours, status):
    started = datetime.now(UTC) - timedelta(hours=hours)
    left = await night(pool, at=started, kind=kind, status=None, config=settings().snapshot())
    assert await fetch_value(pool, STATUS, left) == "running"
    await open_cycle(pool, uuid4(), kind="hourly", as_of=started, config={})
    assert await fetch_value(pool, STATUS, left) == status


async def test_one_that_closes_late_is_completed_after_all(pool):
    late = await night(pool, at=datetime.now(UTC) - timedelta(days=3), status=None)
    await open_cycle(pool, uuid4(), kind="daily", as_of=datetime.now(UTC), config={})
    await close_cycle(pool, late, status="completed", totals={})
    assert await fetch_value(pool, STATUS, late) == "completed"


@pytest.mark.parametrize(
    ("config", "changed"),
    [
        pytest.param({"decay_rate": 0.001, "mode": "lite"}, None, id="the same rule"),
        pytest.param({"decay_rate": 0.002}, {"decay_rate": {"before": 0.001, "now": 0.002}}, id="another rate"),
        pytest.param({"decay_rate": 0.001, "decay_new": 1}, None, id="a key the earlier version had not"),
    ],
)
async def test_a_changed_decay_rule_is_logged_by_the_cycle_that_goes_by_it(pool, config, changed):
    await open_cycle(pool, uuid4(), kind="daily", as_of=datetime.now(UTC), config={"decay_rate": 0.001, "mode": "full"})
    with capture_logs() as logs:
        await open_cycle(pool, uuid4(), kind="daily", as_of=datetime.now(UTC), config=config)
    assert [log["changed"] for log in logs if log["event"] == "decay_policy_changed"] == ([changed] if changed else [])

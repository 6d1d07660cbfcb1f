from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

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

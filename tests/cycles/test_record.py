from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from memory_maintenance.cycles.outcomes import CycleFailure, CycleTotals, TenantOutcome
from memory_maintenance.cycles.record import close_cycle, open_cycle
from memory_maintenance.cycles.statistics import statistics
from memory_maintenance.decay.task import Decay
from memory_maintenance.inspection.report import skipped_work
from memory_maintenance.store.pool import fetch_value
from memory_maintenance.work import Run
from tests.nights import NIGHT, night
from tests.settings import settings

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
async def test_a_cycle_not_closed_in_time_is_abandoned_by_the_next_one(pool, kind, hours, status):
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
        pytest.param(
            {"decay_retained": 0.7}, {"decay_retained": {"before": None, "now": 0.7}}, id="a share that none had before"
        ),
        pytest.param({"decay_retained": None}, None, id="no share, now as before"),
        pytest.param({"decay_rate": 0.001, "decay_new": 1}, None, id="a key the earlier version had not"),
    ],
)
async def test_a_changed_decay_rule_is_logged_by_the_cycle_that_goes_by_it(pool, config, changed):
    await open_cycle(pool, uuid4(), kind="daily", as_of=datetime.now(UTC), config={"decay_rate": 0.001, "mode": "full"})
    with capture_logs() as logs:
        await open_cycle(pool, uuid4(), kind="daily", as_of=datetime.now(UTC), config=config)
    assert [log["changed"] for log in logs if log["event"] == "decay_policy_changed"] == ([changed] if changed else [])


@pytest.mark.parametrize(
    ("status", "event", "level"),
    [
        ("completed", "maintenance_cycle_completed", "info"),
        ("cancelled", "maintenance_cycle_completed", "info"),
        ("failed", "maintenance_cycle_failed", "error"),
    ],
)
async def test_the_end_of_a_cycle_is_logged_as_what_it_is(pool, status, event, level):
    with capture_logs() as logs:
        await night(pool, status=status, failure=CycleFailure(error_type="StoreError") if status == "failed" else None)
    [end] = [log for log in logs if log["event"].startswith("maintenance_cycle_")]
    assert (end["event"], end["log_level"], end.get("error_type")) == (
        event,
        level,
        "StoreError" if status == "failed" else None,
    )


async def test_a_cycle_whose_decay_failed_for_everybody_is_closed_all_the_same(pool):
    failed = TenantOutcome(tenant_id="acme", status="failed").adding(Decay.spec, Decay.spec.failed({}, "store_error"))
    with capture_logs() as logs:
        closed = await night(pool, outcomes=(failed,))
    assert await fetch_value(pool, STATUS, closed) == "completed"
    [decay] = [log["stats"] for log in logs if log["event"] == "decay_cycle_completed"]
    assert decay == {"total_tenants": 9, "total_updated": 0}


@pytest.mark.parametrize(
    ("looked_at", "left_paused", "outcomes", "told"),
    [
        pytest.param(1, 0, ["paused"], {"left_paused": 0, "paused": 1}, id="named with a session: it has an outcome"),
        pytest.param(2, 1, ["completed"], {"left_paused": 1, "completed": 1}, id="left out of the plan"),
        pytest.param(2, 1, ["paused"], {"left_paused": 1, "paused": 1}, id="one left out, another paused meanwhile"),
    ],
)
def test_a_paused_tenant_is_counted_once(looked_at, left_paused, outcomes, told):
    totals = CycleTotals(looked_at=looked_at, left_paused=left_paused).with_outcomes(
        TenantOutcome(tenant_id=str(number), status=status) for number, status in enumerate(outcomes)
    )
    run = Run(cycle_id=uuid4(), as_of=NIGHT)
    stats = statistics(totals, run, started_at=NIGHT, completed_at=NIGHT, config={})
    assert stats["tenants"] == {"looked_at": looked_at, "with_work": 1, **told}
    assert sum(count for what, _, count in skipped_work(totals) if what == "tenants") == sum(
        count for name, count in told.items() if name != "completed"
    )

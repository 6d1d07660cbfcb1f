from datetime import UTC, datetime
from itertools import permutations
from uuid import uuid4

import pytest

from memory_maintenance.cycles.outcomes import TenantOutcome
from memory_maintenance.cycles.record import record_outcomes
from memory_maintenance.cycles.step import chosen_names
from memory_maintenance.inspection.successes import successes_of_tenants
from memory_maintenance.store.pool import execute
from memory_maintenance.store.schema import migrations
from memory_maintenance.tasks import TASKS
from tests.nights import DAY, NIGHT, night

DONE, FAILED, LATE = (
    (TenantOutcome(tenant_id="acme", status=status),) for status in ("completed", "failed", "out_of_time")
)


async def _told(pool):
    return [(one.kind, one.succeeded_at, one.runs_since) for one in await successes_of_tenants(pool)]


@pytest.mark.parametrize(
    ("nights", "succeeded", "runs_since"),
    [
        ((DONE,), 0, 0),
        ((DONE, DONE), 1, 0),
        ((FAILED, DONE), 1, 0),
        ((DONE, FAILED, LATE), 0, 2),
        ((FAILED, LATE), None, 2),
        ((DONE + FAILED,), 0, 0),  # paused and resumed in one cycle: it was done
    ],
)
async def test_the_newest_completed_run_counts_and_those_since_that_were_not(pool, nights, succeeded, runs_since):
    for number, outcomes in enumerate(nights):
        pages = [outcomes[:1], outcomes[1:]]
        cycle = await night(pool, at=NIGHT + number * DAY, outcomes=pages[0])
        await record_outcomes(pool, cycle, 2, pages[1])
    at = None if succeeded is None else NIGHT + succeeded * DAY
    assert await _told(pool) == [("daily", at, runs_since)]


async def test_kinds_are_distinguished_and_a_run_of_chosen_tasks_has_none(pool):
    await night(pool, outcomes=DONE, config={"tasks": chosen_names(task.spec for task in TASKS)})
    await night(pool, outcomes=DONE, kind="hourly", at=NIGHT - DAY, config={"tasks": ["summarization"]})
    await night(pool, outcomes=DONE, at=NIGHT + DAY, config={"tasks": ["summarization"], "named_tenants": 1})
    assert await _told(pool) == [("hourly", NIGHT - DAY, 0), ("daily", NIGHT, 0)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_in_whatever_order_runs_are_recorded_they_come_to_the_same(pool, order):
    outcomes = (FAILED, DONE, LATE)
    for number in order:
        cycle = await night(pool, at=NIGHT + number * DAY, outcomes=outcomes[number])
        await record_outcomes(pool, cycle, 1, outcomes[number])  # twice is once
    assert await _told(pool) == [("daily", NIGHT + DAY, 1)]


async def test_what_the_migration_finds_is_what_the_trigger_keeps(pool):
    for number, outcomes in enumerate((FAILED, DONE, LATE)):
        await night(pool, at=NIGHT + number * DAY, outcomes=outcomes)
        await night(pool, at=NIGHT + number * DAY, outcomes=outcomes, kind="hourly")
    kept = await _told(pool)
    assert len(kept) == 2
    await execute(pool, "TRUNCATE maintenance.tenant_successes")
    [sql] = [sql for name, sql in migrations().items() if name == "0021_tenant_successes"]
    await execute(pool, sql[sql.rindex("INSERT INTO") :])
    assert await _told(pool) == kept


async def test_a_run_of_every_usual_task_counts_and_one_of_the_future_does_not(pool):
    usual = [task.spec.name for task in TASKS if "daily" in task.spec.cycles and task.spec.always_shown]
    for number in range(len(usual)):
        await night(
            pool, at=NIGHT + number * DAY, outcomes=DONE, config={"tasks": usual[:number] + usual[number + 1 :]}
        )
    assert await _told(pool) == []
    await night(pool, at=datetime.now(UTC) + DAY, outcomes=DONE, config={"tasks": usual})
    assert await _told(pool) == []
    await night(pool, at=NIGHT, outcomes=DONE, config={"tasks": usual})
    assert await _told(pool) == [("daily", NIGHT, 0)]


async def test_a_role_without_rights_to_what_an_upgrade_added_still_records(pool):
    role = f"guest_{uuid4().hex[:12]}"
    cycle = await night(pool, outcomes=())
    rights = ("USAGE ON SCHEMA maintenance", "SELECT, INSERT ON maintenance.cycles, maintenance.tenant_runs")
    await pool.execute(f"CREATE ROLE {role}; " + "; ".join(f"GRANT {right} TO {role}" for right in rights))
    async with pool.acquire() as connection:
        await connection.execute(f"SET ROLE {role}")
        await record_outcomes(connection, cycle, 1, DONE)
        await connection.execute(f"RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")
    assert await _told(pool) == [("daily", NIGHT, 0)]


async def test_a_tenant_that_never_had_work_is_not_listed(pool):
    await night(pool, outcomes=())
    assert await _told(pool) == []

"""The step for many tenants goes on where an earlier attempt was, and tells apart whose failure it is."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from temporalio.testing import ActivityEnvironment

from activities.bulk import BulkActivities
from activities.heartbeat import beating
from activities.messages import BulkRequest, BulkResult
from memory_maintenance.cycles.outcomes import TenantOutcome
from memory_maintenance.decay.task import Decay
from memory_maintenance.errors import DatabaseBusyError, DatabaseUnavailableError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch_value, transaction
from memory_maintenance.task import Task, Tools
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, TaskSpec, TenantPlan, Unit, UnitJson

AS_OF = datetime.now(UTC)
MEMORIES = "INSERT INTO memories (tenant_id, content, importance, created_at) VALUES ($1, 'x', 0.5, $2)"
DECAYED = "SELECT array_agg(tenant_id ORDER BY tenant_id) FROM memories WHERE base_importance IS NOT NULL"


class Knock(Unit):
    """A unit that ends as its number says."""

    number: int = 0


class Knocking(Task[Knock]):
    """A task whose units end in every way there is."""

    spec = TaskSpec(name="knocking", activity="knock", unit="knock", units="knocks", results="knocks", done=("heard",))
    unit = Knock
    ends: ClassVar[list[Exception | Done]] = [
        Done(counts=Counts(heard=1)),
        Done(counts=Counts(heard=1), next=Knock(number=1)),
        DatabaseBusyError("locked"),
        ValueError("a defect"),
        DatabaseUnavailableError("away"),
    ]

    def off(self, settings: Settings) -> str | None:  # noqa: ARG002
        return None

    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int]:  # noqa: ARG002
        return {}

    async def do(self, tenant: Tenant, unit: Knock, run: Run) -> Done:  # noqa: ARG002
        end = self.ends[unit.number]
        if isinstance(end, Exception):
            raise end
        return end


def request(task: str, units: Mapping[str, UnitJson]) -> BulkRequest:
    plans = [TenantPlan(tenant_id=tenant, due={task: (unit,)}, bulk=True) for tenant, unit in units.items()]
    return BulkRequest(run=Run(cycle_id=uuid4(), as_of=AS_OF), plans=tuple(plans))


async def maintain(environment: ActivityEnvironment, task: Task[Any], asked: BulkRequest) -> BulkResult:
    async def step() -> BulkResult:
        async with beating():
            return await BulkActivities({task.spec.name: task}).maintain_tenants(asked)

    result: BulkResult = await environment.run(step)
    return result


async def decay_of(pool: Pool, *tenants: str) -> tuple[Decay, BulkRequest]:
    await pool.executemany(MEMORIES, [(tenant, AS_OF - timedelta(days=9)) for tenant in tenants])
    return Decay(Tools(pool, Settings(_env_file=None))), request("decay", {tenant: {} for tenant in tenants})


async def test_a_retry_goes_on_at_the_tenant_of_the_last_heartbeat(pool):
    task, asked = await decay_of(pool, "a", "b", "c")
    before = BulkResult(outcomes=(TenantOutcome(tenant_id="a"),))
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, heartbeat_details=[before.model_dump(mode="json"), "b"])
    done = await maintain(environment, task, asked)
    assert [outcome.tenant_id for outcome in done.outcomes] == ["a", "b", "c"]
    assert await fetch_value(pool, DECAYED) == ["b", "c"]


async def test_a_retry_counts_what_a_lost_attempt_had_done_since_its_last_heartbeat(pool):
    task, asked = await decay_of(pool, "a", "b")
    first = await maintain(ActivityEnvironment(), task, asked)
    again = await maintain(ActivityEnvironment(), task, asked)
    counted = [[outcome.of("decay").of("updated") for outcome in done.outcomes] for done in (first, again)]
    assert counted == [[1, 1], [1, 1]]


@pytest.mark.parametrize("shutdown", [False, True])
async def test_a_cancelled_step_ends_after_its_tenant_and_one_of_a_worker_that_ends_at_once(pool, shutdown):
    task, asked = await decay_of(pool, "a", "b", "c")
    environment, beats = ActivityEnvironment(), list[Any]()
    environment.on_heartbeat = lambda *details: beats.append(details)
    async with transaction(pool) as holding:
        await execute(holding, "INSERT INTO maintenance.tenants (tenant_id) VALUES ('b')")
        step = asyncio.create_task(maintain(environment, task, asked))
        async with asyncio.timeout(60):
            while await fetch_value(pool, DECAYED) != ["a"]:
                await asyncio.sleep(0.01)
        if shutdown:
            environment.worker_shutdown()
        environment.cancel()
        if shutdown:
            with pytest.raises(asyncio.CancelledError):
                await step
            [(kept, tenant)] = beats
            assert ([outcome.tenant_id for outcome in kept.outcomes], tenant) == (["a"], "b")
            return
        await asyncio.wait({step}, timeout=0.2)
        assert not step.done()
    assert [outcome.tenant_id for outcome in (await step).outcomes] == ["a", "b"]


async def test_a_tenant_that_fails_or_is_larger_than_planned_needs_a_run_of_its_own(pool):
    task = Knocking(Tools(pool, Settings(_env_file=None)))
    units: dict[str, UnitJson] = {
        "done": {},
        "larger": {"number": 1},
        "busy": {"number": 2},
        "defect": {"number": 3},
        "last": {},
    }
    done = await maintain(ActivityEnvironment(), task, request("knocking", units))
    assert [(outcome.tenant_id, outcome.status) for outcome in done.outcomes] == [
        ("done", "completed"),
        ("last", "completed"),
    ]
    found = [(outcome.tenant_id, outcome.of("knocking").of("heard")) for outcome in done.own_run]
    assert found == [("larger", 1), ("busy", 0), ("defect", 0)]


async def test_an_outage_is_no_tenants_failure(pool):
    task = Knocking(Tools(pool, Settings(_env_file=None)))
    with pytest.raises(DatabaseUnavailableError):
        await maintain(ActivityEnvironment(), task, request("knocking", {"acme": {"number": 4}}))

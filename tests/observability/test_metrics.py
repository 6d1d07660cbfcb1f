"""Every metric that a rule or a panel names is there and moves in a run, and a retry counts nothing twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY

from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome
from memory_maintenance.cycles.record import close_cycle, open_cycle, record_outcomes
from memory_maintenance.inspection.figures import reporting_figures
from memory_maintenance.observability.cycle_metrics import TENANT_OUTCOMES
from memory_maintenance.observability.store_metrics import PoolFigures, StoreCollector, StoreFigures, registered
from memory_maintenance.rae.scheduler import MaintenanceScheduler
from memory_maintenance.store.pool import execute
from memory_maintenance.tasks import TASKS
from memory_maintenance.work import Counts
from scripted_endpoint.replies import unauthorized, wrong_schema
from tests.agents import write
from tests.model_path import honest, settings, told
from tests.watched import named, samples

__all__ = ["settings"]

FORGET = """
DELETE FROM memories WHERE source = 'summarization_worker';
DELETE FROM maintenance.lineage
"""


@pytest.fixture
async def moved(pool: asyncpg.Pool, settings, endpoint) -> set[str]:
    """The samples that three runs have changed or made: one that pays, one that need not, one that gets no answer."""
    before = await asyncio.to_thread(samples)
    await write(pool, "acme", told(12), session="s", start=datetime.now(UTC) - timedelta(hours=2))
    with reporting_figures(pool, settings):
        endpoint.otherwise = honest
        await MaintenanceScheduler(pool, settings).run_daily_maintenance()
        for statement in FORGET.strip().split(";\n"):
            await execute(pool, statement)
        await MaintenanceScheduler(pool, settings).run_hourly_maintenance()
        for tenant, count in (("globex", 11), ("initech", 13)):
            await write(pool, tenant, told(count), session="s", start=datetime.now(UTC) - timedelta(hours=2))
        await execute(pool, "ALTER TABLE memories DROP COLUMN usage_count")  # the preflight finds it
        endpoint.script(wrong_schema(), wrong_schema())
        endpoint.otherwise = unauthorized()
        await MaintenanceScheduler(pool, settings).run_daily_maintenance()
        after = await asyncio.to_thread(samples)
    return {name for (name, labels), value in after.items() if before.get((name, labels)) != value}


OF_A_WORKER = {"memory_maintenance_late_workflows", "memory_maintenance_worker_info"}
"""Of workers on Temporal, which has no part in these runs: tests/runtime/test_stuck.py and tests/processes."""


async def test_every_metric_that_is_watched_moves_in_a_run(moved):
    ours = {name for name in named() if not name.startswith("temporal_")}
    assert len(ours) > 15
    assert ours - moved == OF_A_WORKER


async def test_a_page_and_an_end_that_are_written_twice_count_once(pool):
    cycle = uuid4()
    await open_cycle(pool, cycle, kind="hourly", as_of=datetime.now(UTC), config={})
    outcomes = [
        TenantOutcome(tenant_id="acme", summarization=Counts(fallbacks=2, reasons={"rate_limited": 2})),
        TenantOutcome(tenant_id="globex", status="failed", error_type="StoreError"),
    ]
    before = samples()
    for _ in range(2):
        await record_outcomes(pool, cycle, 1, outcomes)
        await close_cycle(pool, cycle, status="completed", totals=CycleTotals().model_dump(mode="json"))
    grown = _grown(before)
    assert grown == {
        ("memory_maintenance_cycles_total", "completed hourly"): 1,
        ("memory_maintenance_units_total", "tenant completed"): 1,
        ("memory_maintenance_units_total", "tenant failed"): 1,
        ("memory_maintenance_units_total", "session fallback"): 2,
        ("memory_maintenance_unit_reasons_total", "session rate_limited"): 2,
        ("memory_maintenance_unit_reasons_total", "tenant StoreError"): 1,
    }


async def test_tenants_whose_page_never_reported_are_counted_at_the_end(pool):
    cycle = uuid4()
    await open_cycle(pool, cycle, kind="daily", as_of=datetime.now(UTC), config={})
    lost = CycleTotals().with_outcomes(TenantOutcome(tenant_id=name, status="page_failed") for name in "abc")
    before = samples()
    await close_cycle(pool, cycle, status="completed", totals=lost.model_dump(mode="json"))
    assert _grown(before)[("memory_maintenance_units_total", "tenant page_failed")] == 3


async def test_an_error_of_others_is_no_label(pool):
    cycle = uuid4()
    await open_cycle(pool, cycle, kind="daily", as_of=datetime.now(UTC), config={})
    before = samples()
    await record_outcomes(pool, cycle, 1, [TenantOutcome(tenant_id="a", status="failed", error_type="PandasError")])
    assert _grown(before)[("memory_maintenance_unit_reasons_total", "tenant defect")] == 1


OUTCOMES = {
    "tenant": TENANT_OUTCOMES,
    "duplicate": ("folded", "proposed", "unfolded", "skipped", "failed"),
    "supersession": ("superseded", "proposed", "reinstated", "skipped", "failed"),
    "expired_memory": ("archived", "deleted", "purged", "busy", "skipped", "failed"),
    "memory": ("decayed", "invalid", "busy"),
    "session": ("stored", "updated", "fallback", "skipped", "failed"),
    "dream": ("stored", "updated", "skipped", "failed"),
    "vector": ("stored", "skipped", "failed"),
}


@pytest.mark.parametrize("unit", OUTCOMES)
async def test_every_outcome_is_there_before_it_happens(unit):
    for outcome in OUTCOMES[unit]:
        labels = {"unit": unit, "outcome": outcome}
        assert REGISTRY.get_sample_value("memory_maintenance_units_total", labels) is not None


async def test_units_and_their_outcomes_are_called_what_they_always_were():
    units = {task.spec.unit: tuple(task.spec.outcomes().values()) for task in TASKS}
    assert units == {unit: outcomes for unit, outcomes in OUTCOMES.items() if unit != "tenant"}


async def test_outcomes_of_tenants_are_those_that_a_run_knows():
    known = TenantOutcome.model_fields["status"].annotation
    assert set(TENANT_OUTCOMES) == set(known.__args__)  # type: ignore[union-attr]


@pytest.mark.parametrize("ends", ["raises", "hangs"])
async def test_a_store_that_does_not_answer_is_said_to_be_away_and_has_no_numbers(ends):
    async def read() -> StoreFigures:
        if ends == "hangs":
            await asyncio.Event().wait()
        raise ConnectionResetError

    loop = asyncio.get_running_loop()
    with registered(StoreCollector(read, lambda: PoolFigures(3, 10), loop, patience=0.05)):
        said = await asyncio.to_thread(samples)
    ours = {name: value for (name, _), value in said.items() if name.startswith("memory_maintenance_store")}
    assert ours == {"memory_maintenance_store_up": 0}
    assert said[("memory_maintenance_pool_in_use", frozenset())] == 3
    assert not [name for name, _ in said if name.startswith("memory_maintenance_last_success")]


def _grown(before):
    """The counters that have grown since *before*, by name and the values of their labels."""
    return {
        (name, " ".join(value for _, value in sorted(labels, key=lambda one: (one[0] != "unit", one[1])))): value
        - before.get((name, labels), 0)
        for (name, labels), value in samples().items()
        if name.startswith(("memory_maintenance_cycles", "memory_maintenance_unit"))
        and name.endswith("_total")
        and value != before.get((name, labels), 0)
    }

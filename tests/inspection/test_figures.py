"""The figures of the store that every scrape asks for."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from memory_maintenance.cycles.outcomes import CycleTotals
from memory_maintenance.cycles.record import close_cycle, open_cycle
from memory_maintenance.inspection.figures import left_undone, store_figures
from memory_maintenance.inspection.successes import last_successes
from memory_maintenance.inspection.tenant import tenant_report
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.rae.scheduler import MaintenanceScheduler
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch_value
from memory_maintenance.tasks import TASKS
from memory_maintenance.tenants.control import pause
from memory_maintenance.tenants.overrides import override
from memory_maintenance.work import Counts

NOW = datetime.now(UTC)
REMEMBER = "INSERT INTO memories (tenant_id, content, layer, created_at) VALUES ($1, 'x', 'episodic', $2)"
SPEND = "INSERT INTO maintenance.model_budgets VALUES ((now() AT TIME ZONE 'UTC')::date, '', $1, $2)"
NOTHING = {"tenant": 0} | {task.spec.unit: 0 for task in TASKS}
BREAK = "INSERT INTO maintenance.model_breaker VALUES ($1, now(), now() + $2, 'quota')"


def chosen(**values):
    return Settings.model_validate({"rae_llm_backend": "extractive", **values})


async def closed(pool, kind, status="completed", totals=None):
    cycle = uuid4()
    await open_cycle(pool, cycle, kind=kind, as_of=NOW, config={})
    await close_cycle(pool, cycle, status=status, totals=(totals or CycleTotals()).model_dump(mode="json"))


async def test_a_new_store_has_nothing_to_say(pool):
    figures = await store_figures(pool, chosen())
    said = (figures.last_success, figures.decay_lag_seconds, figures.left_undone, figures.budget_left)
    assert said == ({}, None, {}, {})
    assert figures.open_breakers == 0


async def test_only_a_completed_cycle_is_a_success(pool):
    await closed(pool, "daily")
    await closed(pool, "hourly", "failed")
    now = await fetch_value(pool, "SELECT extract(epoch FROM now())::float8")
    last = (await store_figures(pool, chosen())).last_success
    assert set(last) == {"daily"}
    assert now - 60 < last["daily"] <= now


async def test_a_cycle_over_named_tenants_is_no_success_of_the_fleet(pool):
    tenant = str(uuid4())
    await execute(pool, REMEMBER, tenant, datetime.now(UTC) - timedelta(days=10))
    scheduler = MaintenanceScheduler(pool, chosen())
    await scheduler.run_daily_maintenance([tenant])
    assert (await store_figures(pool, chosen())).last_success == {}
    assert await last_successes(pool) == []
    assert [run.outcome.status for run in (await tenant_report(pool, chosen(), tenant)).runs] == ["completed"]
    await scheduler.run_daily_maintenance()
    assert set((await store_figures(pool, chosen())).last_success) == {"daily"}


async def test_the_lag_of_decay_is_that_of_the_tenant_that_has_waited_longest(any_pool):
    pool, now = any_pool, datetime.now(UTC)  # not the module's: it may have been imported minutes ago
    tenants = {name: str(uuid4()) for name in ("gone", "paused", "off", "late", "fresh")}
    for days, tenant in zip((9, 8, 7, 3, 1), tenants.values(), strict=True):
        await execute(pool, REMEMBER, tenant, now - timedelta(days=10))
        await DecayWorker(pool, chosen()).run_decay_cycle([tenant], as_of=now - timedelta(days=days))
    await execute(pool, "DELETE FROM memories WHERE tenant_id = $1", tenants["gone"])
    await pause(pool, tenants["paused"])
    await override(pool, tenants["off"], {"decay_enabled": False})
    await DecayWorker(pool, chosen()).run_decay_cycle([tenants["off"]])
    lag = (await store_figures(pool, chosen())).decay_lag_seconds
    assert lag == pytest.approx(timedelta(days=3).total_seconds(), abs=120)


async def test_where_decay_is_off_nothing_waits_for_it(pool):
    await execute(pool, REMEMBER, "acme", NOW)
    await DecayWorker(pool, chosen()).run_decay_cycle(["acme"], as_of=NOW - timedelta(days=2))
    figures = await store_figures(pool, chosen(memory_importance_decay_enabled=False))
    assert figures.decay_lag_seconds is None


async def test_what_was_left_undone_is_what_the_newest_daily_cycle_says(pool):
    await closed(pool, "daily", totals=CycleTotals(statuses={"failed": 3}))
    await closed(pool, "daily", totals=CycleTotals(statuses={"out_of_time": 1}))
    await closed(pool, "hourly", totals=CycleTotals(statuses={"failed": 7}))
    assert (await store_figures(pool, chosen())).left_undone == NOTHING | {"tenant": 1}


@pytest.mark.parametrize(
    ("totals", "left"),
    [
        pytest.param(CycleTotals(statuses={"completed": 5, "paused": 1, "failed": 2, "page_failed": 3}), {"tenant": 5}),
        pytest.param(CycleTotals(summarization=Counts(stored=4, fallbacks=2, failed=1)), {"session": 3}),
        pytest.param(
            CycleTotals(summarization=Counts(fallbacks=2, reasons={"set_aside": 2})),
            {},
            id="a fallback of what is set aside is final",
        ),
        pytest.param(
            CycleTotals(
                summarization=Counts(skipped=4, reasons={"budget_exhausted": 3, "insufficient_events": 1}),
                dreaming=Counts(skipped=2, failed=1, reasons={"budget_exhausted": 2}),
            ),
            {"session": 3, "dream": 3},
            id="what the budget had no room for is due again",
        ),
        pytest.param(
            CycleTotals(embedding=Counts(embedded=3, skipped=2, failed=4, reasons={"budget_exhausted": 2, "cut": 4})),
            {"vector": 6},
            id="memories that vector search cannot find",
        ),
        pytest.param(CycleTotals(decay=Counts(seen=9, updated=5, invalid=1, busy=2)), {}, id="what decay left"),
    ],
)
def test_undone_is_what_the_next_night_has_to_do(totals, left):
    assert left_undone(totals) == NOTHING | left


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        pytest.param({"model_daily_tokens": 1000, "model_daily_cost": 10}, {"tokens": 0.75, "money": 0.5}),
        pytest.param({"model_daily_tokens": 100, "model_daily_cost": 0}, {"tokens": 0, "money": 0}, id="never below 0"),
    ],
)
async def test_the_budget_that_is_left_is_a_share_of_the_day(pool, limits, left):
    await execute(pool, SPEND, 250, 5)
    settings = chosen(rae_llm_backend="openai", openai_base_url="http://127.0.0.1:1/v1", **limits)
    assert (await store_figures(pool, settings)).budget_left == left


async def test_a_breaker_whose_time_is_over_is_not_open(pool):
    await execute(pool, BREAK, "http://a", timedelta(minutes=5))
    await execute(pool, BREAK, "http://b", timedelta(minutes=-5))
    assert (await store_figures(pool, chosen())).open_breakers == 1

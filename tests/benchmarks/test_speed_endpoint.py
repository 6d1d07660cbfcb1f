"""The parts of the speed benchmark that need a scripted endpoint, recorded histories or a store with a past."""

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.speed.endpoint_limit import limited_endpoint
from benchmarks.speed.growth_picture import PICTURE, curves, draw_growth, name_of
from benchmarks.speed.limited_endpoint import Bucket
from benchmarks.speed.rae_summaries import DELAY_SECONDS, summarize_in_a_row
from benchmarks.speed.results import Results
from benchmarks.speed.servers import Servers, database, value
from benchmarks.speed.session_store import DUE_EVENTS, Fleet, fill_past, fill_sessions
from benchmarks.speed.start import creation_milliseconds
from memory_maintenance.cycles.planner import Planner
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import open_pool

FLEET = Fleet(tenants=4, memories_each=100, busy=2, sessions=3)


@pytest.fixture(scope="module")
async def filled(postgres_url):
    async with database(Servers(postgres_url, "", 0, 0)) as url:
        await fill_sessions(url, FLEET)
        yield url


@pytest.fixture
def home():
    folder = Path(tempfile.mkdtemp(prefix="memory-maintenance-speed-"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("seconds", "taken"),
    [
        pytest.param([0.0] * 30, 20, id="a burst of a second's worth"),
        pytest.param([n / 20 for n in range(60)], 60, id="at the rate"),
        pytest.param([0.0] * 30 + [1.0] * 30, 40, id="a second later as many again"),
        pytest.param([0.0, *[100.0] * 30], 21, id="a pause saves no more than a second's worth"),
    ],
)
def test_the_endpoint_refuses_what_is_above_its_rate(seconds, taken):
    bucket = Bucket(rate=20)
    assert sum(bucket.takes(now) for now in seconds) == taken


async def test_the_planner_finds_exactly_the_sessions_that_were_made_due(filled):
    pool = await open_pool(filled, size=1, timeout_seconds=30)
    planner = Planner(pool, Settings(_env_file=None, rae_llm_backend="extractive"))
    page = await planner.plan_page(as_of=datetime.now(UTC), daily=False, tasks=("summarization",))
    await pool.close()
    assert page.looked_at == FLEET.tenants
    assert [work.sessions for work in page.work] == [FLEET.sessions] * FLEET.busy


async def test_the_past_of_a_fleet_is_spread_evenly(postgres_url):
    async with database(Servers(postgres_url, "", 0, 0)) as url:
        await fill_past(url, Fleet(3, 50))
        counts = await value(url, "SELECT array_agg(n) FROM (SELECT count(*) AS n FROM memories GROUP BY tenant_id) x")
    assert counts == [50, 50, 50]


async def test_planning_stays_as_fast_when_postgres_takes_a_plan_of_its_own(filled):
    pool = await open_pool(filled, size=1, timeout_seconds=30)
    planner = Planner(pool, Settings(_env_file=None, rae_llm_backend="extractive"))
    try:
        rows = []
        for mode in ("force_custom_plan", "force_generic_plan"):
            await pool.execute(f"SET plan_cache_mode = {mode}")
            await pool.execute("SELECT pg_stat_force_next_flush()")
            before = await pool.fetchval(READ)
            await planner.plan_page(as_of=datetime.now(UTC), daily=False, tasks=("summarization",))
            await pool.execute("SELECT pg_stat_force_next_flush()")
            rows.append(await pool.fetchval(READ) - before)
    finally:
        await pool.close()
    assert max(rows) <= 2 * FLEET.tenants * FLEET.memories_each


READ = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'covered_events_pkey'"


async def test_raes_loop_stores_what_the_endpoint_answers_and_sleeps_after_each(filled, postgres_url, home):
    async with limited_endpoint(home) as endpoint, database(Servers(postgres_url, "", 0, 0), template=filled) as url:
        seconds = await summarize_in_a_row(url, endpoint.base_url, 1)
        counts = await endpoint.counts()
        text = await value(url, "SELECT content FROM memories ORDER BY created_at DESC LIMIT 1")
    assert counts == {"answers": 1, "refusals": 0}
    assert text.count("zq") == DUE_EVENTS
    assert seconds > DELAY_SECONDS[0] + 0.5


async def test_a_recorded_run_creates_each_of_the_three_workflows_in_the_sandbox():
    taken = await creation_milliseconds(1)
    assert set(taken) == {"MaintenanceWorkflow", "MaintenancePageWorkflow", "TenantMaintenanceWorkflow"}
    assert all(0 < value < 1000 for values in taken.values() for value in values)


def test_the_growth_curves_are_read_from_the_names_of_the_measurements(tmp_path):
    results = Results()
    for size, seconds in ((1_000_000, 9.0), (10_000, 0.5)):
        results.measured(name_of("memories", size, 1, "time"), [seconds, seconds, 100.0], "s")
    results.measured(name_of("tenants", 10, 2, "time"), 0.2, "s")
    results.measured("something else", 1.0, "s")
    assert curves(results.measurements) == {
        ("time, s", "memories", 1): [(10_000, 0.5), (1_000_000, 9.0)],
        ("time, s", "tenants", 2): [(10, 0.2)],
    }
    draw_growth(results, tmp_path)
    assert (tmp_path / PICTURE).read_text().count("<svg") == 1

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from memory_maintenance.cycles.importance import BINS
from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome
from memory_maintenance.inspection.report import TREND, cycle_report, durations, skipped_work
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.store.pool import execute
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.work import Counts
from tests.agents import AS_OF, talk, write
from tests.nights import DAY, NIGHT, night
from tests.settings import settings
from tests.steps import Summarizing
from web.cycle_page import saved_page

CALL = """
INSERT INTO maintenance.model_calls (question, attempt, round, purpose, tenant_id, model, prompt_version, state, caller,
    claimed_at, lease_until, reserved_on, input_tokens, output_tokens, cost)
VALUES ($1, 1, $2, 'summary', 'acme', 'm', '1', $3, gen_random_uuid(), now(), now(), current_date, 100, 10, 0.25)
"""


async def decayed(pool, *, nights):
    await write(pool, "acme", ["a", "b", "c"], importance=0.9, start=AS_OF - 200 * DAY)
    for number in range(nights):
        as_of = AS_OF + number * 100 * DAY
        await DecayWorker(pool, settings(memory_base_decay_rate=0.01)).run_decay_cycle(as_of=as_of)


async def importance(pool, cycle=None):
    return (await cycle_report(pool, cycle and str(cycle))).importance


async def test_the_histogram_has_every_decayed_memory_before_and_after(any_pool):
    await write(any_pool, str(uuid4()), ["a", "b", "c"], importance=0.9, start=AS_OF - 200 * DAY)
    await write(any_pool, str(uuid4()), ["d", "e"], importance=1.0, start=AS_OF - 200 * DAY)
    await write(any_pool, str(uuid4()), ["f"], importance=float("nan"))
    for as_of in (AS_OF, AS_OF + 100 * DAY):
        await DecayWorker(any_pool, settings(memory_base_decay_rate=0.01)).run_decay_cycle(as_of=as_of)
    await night(any_pool)
    found = await importance(any_pool)
    assert (found.before[BINS - 3], found.before[BINS - 1]) == (3, 2)
    assert sum(found.before) == sum(found.after) == 5
    assert found.after[BINS - 1] == 0


async def test_of_a_large_store_a_sample_is_recorded_and_the_page_says_so(any_pool, monkeypatch):
    monkeypatch.setattr("memory_maintenance.cycles.importance.SAMPLE", 1_000)
    await execute(
        any_pool,
        "INSERT INTO memories (tenant_id, content, importance, layer, created_at)"
        " SELECT $1, 'fact ' || n, 0.5, 'semantic', $2 FROM generate_series(1, 5000) n",
        *(str(uuid4()), AS_OF - DAY),
    )
    for as_of in (AS_OF, AS_OF + 100 * DAY):
        await DecayWorker(any_pool, settings(memory_base_decay_rate=0.001)).run_decay_cycle(as_of=as_of)
    await execute(any_pool, "ANALYZE memories")
    await night(any_pool)
    report = await cycle_report(any_pool)
    found = report.importance
    assert found is not None
    assert (found.sampled, 0 < sum(found.before) < 5_000) == (True, True)
    assert (found.mean_before, "A random sample of" in saved_page(report)) == (0.5, True)
    assert found.mean_after < 0.5


async def test_a_loss_of_a_thousandth_leaves_the_round_values_in_their_columns_and_moves_the_mean(pool):
    round_values = [tenth / 10 for tenth in range(1, 11)]
    for value in round_values:
        await write(pool, "acme", [f"worth {value}"], importance=value, start=AS_OF - DAY)
    for as_of in (AS_OF, AS_OF + DAY):
        await DecayWorker(pool, settings(memory_base_decay_rate=0.001)).run_decay_cycle(as_of=as_of)
    await night(pool)
    found = await importance(pool)
    assert found.before == found.after == (0, 0, *(1, 0) * 9, 1)
    assert found.mean_before == pytest.approx(0.55)
    assert found.mean_after == pytest.approx(0.55 * 0.999, abs=0.0005)
    assert found.mean_after != found.mean_before


async def test_a_later_night_leaves_the_importance_of_an_earlier_one_as_it_was(pool):
    await decayed(pool, nights=2)
    earlier = await night(pool)
    recorded = await importance(pool, earlier)
    await DecayWorker(pool, settings(memory_base_decay_rate=0.01)).run_decay_cycle(as_of=AS_OF + 200 * DAY)
    later = await night(pool, at=NIGHT + DAY)
    assert await importance(pool, earlier) == recorded
    assert (await importance(pool, later)).mean_after < recorded.mean_after


@pytest.mark.parametrize(
    "what",
    [
        pytest.param({"config": {"named_tenants": 1}}, id="over named tenants"),
        pytest.param({"status": None}, id="not closed"),
        pytest.param({"outcomes": ()}, id="no decay"),
        pytest.param({"outcomes": (TenantOutcome(tenant_id="a", decay=Counts(seen=9)),)}, id="nothing changed"),
    ],
)
async def test_a_cycle_that_did_not_decay_the_fleet_has_no_importance(pool, what):
    await decayed(pool, nights=1)
    assert await importance(pool, await night(pool, **what)) is None


async def test_a_fleet_without_a_decayed_memory_has_no_importance(pool):
    assert await importance(pool, await night(pool)) is None


async def test_a_cycle_is_closed_also_where_the_importance_cannot_be_read(pool):
    await execute(pool, "ALTER TABLE memories RENAME COLUMN base_importance TO renamed")
    with capture_logs() as logs:
        report = await cycle_report(pool, str(await night(pool)))
    assert (report.cycle.status, report.importance) == ("completed", None)
    [said] = [log for log in logs if log["event"] == "cycle_importance_not_recorded"]
    assert (said["cycle_id"], said["error_type"]) == (str(report.cycle.cycle_id), "NotMigratedError")


async def test_calls_of_this_cycle_alone_are_counted(pool):
    cycle = await night(pool)
    for state, round_ in (("accepted", cycle), ("accepted", cycle), ("refused", cycle), ("accepted", uuid4())):
        await execute(pool, CALL, str(uuid4()), str(round_), state)
    report = await cycle_report(pool)
    assert [(call.state, call.calls, call.input_tokens) for call in report.calls] == [
        ("accepted", 2, 200),
        ("refused", 1, 100),
    ]
    assert (report.cost, report.trend[-1].cost) == (Decimal("0.75"), Decimal("0.75"))


async def test_failures_come_with_what_to_type(pool):
    await night(pool)
    report = await cycle_report(pool)
    assert {one.tenant_id: one.next_command for one in report.failures} == {
        "cold": "starter.py migrate",
        "<b>&dusk": "starter.py run daily --tenant <b>&dusk",
    }
    assert (report.failed, report.slowest[0]) == (2, ("bolt", 61.0))


async def test_what_was_left_is_reported_with_its_reason(pool):
    await night(pool)
    assert (await cycle_report(pool)).skipped == (
        ("memories", "busy", 2),
        ("sessions", "budget_exhausted", 2),
        ("tenants", "paused before the cycle came", 1),
        ("dreams", "insufficient_memories", 1),
    )
    assert skipped_work(CycleTotals()) == []


async def test_the_trend_ends_with_the_cycle_and_has_its_kind_alone(pool):
    nights = [await night(pool, at=NIGHT - age * DAY) for age in range(TREND + 5)]
    await night(pool, at=NIGHT - timedelta(hours=1), kind="hourly")
    report = await cycle_report(pool, str(nights[2]))
    assert len(report.trend) == TREND
    assert report.trend[-1].cycle_id == str(nights[2])
    assert [point.started_at for point in report.trend] == sorted(point.started_at for point in report.trend)


async def test_a_cycle_that_was_never_closed_is_reported_from_its_pages(pool):
    await night(pool, status=None)
    report = await cycle_report(pool)
    assert (report.totals.of("decay").of("updated"), report.totals.tenants, report.cycle.totals) == (30, 4, None)


@pytest.mark.parametrize("with_text", [True, False])
async def test_texts_are_in_it_only_when_asked_for(pool, with_text):
    cycle = await night(pool, at=AS_OF)
    await write(pool, "acme", talk(12), session="s")
    await Summarizing(pool, settings()).summarize(SessionKey("acme", "shop", "s"), as_of=AS_OF, cycle_id=cycle)
    report = await cycle_report(pool, with_text=with_text)
    assert [(one.tenant_id, one.session_id) for one in report.texts] == ([("acme", "s")] if with_text else [])


def test_durations_fall_into_the_bars_they_belong_to():
    assert durations([0, 0.05, 0.1, 4.9, 5, 59, 60, 299, 300, 1800, 9e9]) == (2, 1, 1, 1, 1, 2, 1, 2)


async def test_left_to_choose_it_takes_the_newest_of_the_fleet(pool):
    named = await night(pool, at=NIGHT + DAY, config={"named_tenants": 2})
    assert (await cycle_report(pool)).cycle.cycle_id == named
    fleet = await night(pool)
    assert (await cycle_report(pool)).cycle.cycle_id == fleet


async def test_the_trend_leaves_out_runs_of_named_tenants(pool):
    named = await night(pool, config={"named_tenants": 2})
    assert (await cycle_report(pool, str(named))).trend == ()
    fleet = [await night(pool, at=NIGHT - age * DAY) for age in (2, 1)]
    assert [point.cycle_id for point in (await cycle_report(pool, str(named))).trend] == list(map(str, fleet))

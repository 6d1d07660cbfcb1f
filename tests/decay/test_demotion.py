from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from memory_maintenance.decay.policy import DecayRule, DecayRun, demoted
from memory_maintenance.decay.restore import restore_tenant
from memory_maintenance.decay.task import Decay
from memory_maintenance.decay.verdict import RowState, judge
from memory_maintenance.inspection.decay import explain_decay
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch_row
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Run

NIGHT = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TENANT = "acme"
SETTINGS = Settings(_env_file=None)
INSERT = """
INSERT INTO memories (tenant_id, content, importance, created_at) VALUES ($1, 'the lamp is red', 0.8, $2) RETURNING id
"""


async def _night(pool, at=NIGHT):
    decay = Decay(Tools(pool, SETTINGS))
    return await decay.decay(Tenant(TENANT, SETTINGS), Run(cycle_id=uuid4(), as_of=at), DecayRule(retained_share=0.7))


async def _row(pool):
    return await fetch_row(pool, "SELECT id, importance, base_importance, decayed_importance, demotion FROM memories")


@pytest.fixture
async def memory_id(pool):
    await execute(pool, INSERT, TENANT, NIGHT - 9 * DAY)
    await _night(pool)
    return (await _row(pool))["id"]


@pytest.mark.usefixtures("memory_id")
async def test_a_demotion_multiplies_what_decay_leaves_and_is_no_value_of_the_agent(pool):
    before = await _row(pool)
    await execute(pool, "UPDATE memories SET demotion = 0.25")
    batch = await _night(pool, NIGHT + timedelta(seconds=1))
    row = await _row(pool)
    assert row["importance"] == pytest.approx(before["importance"] / 4, abs=1e-7)
    assert (row["base_importance"], row["demotion"]) == (0.8, 0.25)
    assert (batch.counts["updated"], batch.counts["rebased"]) == (1, 0)


@pytest.mark.usefixtures("memory_id")
async def test_a_demotion_that_is_taken_back_leaves_what_there_would_have_been(pool):
    await execute(pool, "UPDATE memories SET demotion = 0.25")
    await _night(pool, NIGHT + DAY)
    await execute(pool, "UPDATE memories SET demotion = NULL")
    await _night(pool, NIGHT + 2 * DAY)
    undemoted = await _row(pool)
    await execute(pool, "UPDATE memories SET demotion = 1")
    await _night(pool, NIGHT + 2 * DAY)
    assert (await _row(pool))["importance"] == undemoted["importance"]


@pytest.mark.usefixtures("memory_id")
async def test_restoring_puts_a_demoted_memory_to_its_base_times_the_demotion(pool):
    await execute(pool, "UPDATE memories SET demotion = 0.5")
    await _night(pool, NIGHT + DAY)
    await restore_tenant(pool, TENANT, at=NIGHT + 2 * DAY)
    assert (await _row(pool))["importance"] == 0.4
    await _night(pool, NIGHT + 2 * DAY)
    assert (await _row(pool))["importance"] == 0.4


async def test_an_explanation_names_the_demotion_and_agrees_with_the_table(pool, memory_id):
    await execute(pool, "UPDATE memories SET demotion = 0.25")
    await _night(pool, NIGHT + DAY)
    [why] = await explain_decay(pool, SETTINGS, [memory_id], as_of=NIGHT + DAY)
    assert why.agrees
    assert why.row.demotion == 0.25
    assert why.in_words().endswith("demoted x 0.25")


@pytest.mark.parametrize(
    ("importance", "base"),
    [
        pytest.param(0.2, 0.8, id="the demoted value, saved back: not demoted a second time"),
        pytest.param(0.9, 1.0, id="more than a demoted memory can have"),
    ],
)
def test_the_base_of_a_value_set_on_a_demoted_memory_is_what_it_would_be_undemoted(importance, base):
    row = RowState(importance, 0.8, NIGHT - DAY, 0.19, demotion=0.25)
    outcome = judge(row, DecayRun(NIGHT, NIGHT - DAY), DecayRule())
    assert (outcome.verdict, outcome.base, outcome.importance) == ("set_by_agent", base, base * 0.25)


@pytest.mark.parametrize("demotion", [0.0, -0.5, 1.5, float("nan")])
def test_a_row_with_a_demotion_out_of_its_range_is_left_alone(demotion):
    row = RowState(0.5, demotion=demotion)
    assert judge(row, DecayRun(NIGHT, NIGHT), DecayRule()).verdict == "invalid"


@pytest.mark.parametrize("importance", [0.0, 5e-324, 0.1, 1 / 3, 1.0])
def test_no_demotion_changes_no_bit(importance):
    row = RowState(importance, 0.7, NIGHT - DAY, importance, NIGHT - 9 * DAY)
    run, rule = DecayRun(NIGHT, NIGHT), DecayRule()
    assert judge(row, run, rule) == judge(replace(row, demotion=1.0), run, rule)
    assert demoted(importance, None) == importance

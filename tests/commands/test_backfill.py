"""What ``run daily --backfill`` says and asks before it starts."""

from datetime import UTC, datetime, timedelta

import pytest

from memory_maintenance.store.pool import fetch_value
from tests.agents import talk, write

NOWHERE = {"TEMPORAL_ADDRESS": "localhost:1", "RAE_LLM_BACKEND": "openai", "OPENAI_API_KEY": "sk-x"}


@pytest.fixture
async def long_ago(pool):
    for age in (20, 40):
        await write(pool, "acme", talk(12), session=f"s{age}", start=datetime.now(UTC) - timedelta(days=age))


@pytest.mark.usefixtures("long_ago")
@pytest.mark.parametrize(("days", "sessions"), [(30, 1), (45, 2), (5, 0)])
async def test_the_estimate_comes_first_and_without_a_yes_nothing_starts(pool, cli, days, sessions):
    ended = await cli("run", "daily", "--backfill", days, **NOWHERE)  # an empty input: no one says yes
    assert ended.exit_code == 1
    assert f"{sessions} sessions with {sessions * 12} events are due, back to {days} days" in ended.stderr
    assert not ended.stdout.strip()
    assert await fetch_value(pool, "SELECT count(*) FROM maintenance.cycles") == 0
    if sessions:
        assert f"at most {sessions} calls" in ended.stderr
        assert "gpt-4o-mini" in ended.stderr


@pytest.mark.usefixtures("long_ago")
async def test_a_budget_that_may_not_suffice_is_named(cli):
    ended = await cli("run", "daily", "--backfill", "45", MODEL_DAILY_TOKENS="2000", **NOWHERE)
    assert "a day's budget (2000 tokens, 50) may not suffice" in ended.stderr


@pytest.mark.usefixtures("long_ago")
async def test_without_a_model_it_costs_nothing(cli):
    ended = await cli("run", "daily", "--backfill", "45", **{**NOWHERE, "RAE_LLM_BACKEND": "extractive"})
    assert "written without a model (extractive) and cost nothing" in ended.stderr


@pytest.mark.usefixtures("long_ago")
async def test_a_yes_beforehand_is_not_asked_for_again(cli):
    ended = await cli("run", "daily", "--backfill", "45", "--yes", **NOWHERE)
    assert "2 sessions" in ended.stderr
    assert "Start it?" not in ended.stderr
    assert "Temporal does not answer" in ended.stderr  # it went on to start the run


@pytest.mark.parametrize(
    ("arguments", "status"), [(("hourly", "--backfill", "3"), 2), (("daily", "--backfill", "-1"), 2)]
)
async def test_a_back_fill_is_daily_and_not_negative(cli, arguments, status):
    assert (await cli("run", *arguments, **NOWHERE)).exit_code == status

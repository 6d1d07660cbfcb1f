"""The store's first run decides since when its memories' time counts: not for longer than a day, unless that is allowed."""

from datetime import UTC, datetime, timedelta

import pytest

from memory_maintenance.decay.progress import allow_adoption, preview_instants
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch_value
from tests.agents import write
from tests.steps import Decaying

DAY = timedelta(days=1)
ADOPTED = "SELECT adopted_at FROM maintenance.store"
IMPORTANCE = "SELECT importance FROM memories"


@pytest.fixture
async def fresh(pool: Pool) -> Pool:
    """A store as ``migrate`` leaves it, with one memory of 2023."""
    await execute(pool, "UPDATE maintenance.store SET earliest_adoption = DEFAULT")
    await write(pool, "acme", ["x"], importance=0.8, start=datetime(2023, 1, 1, tzinfo=UTC))
    return pool


async def test_a_first_run_of_long_ago_adopts_the_store_a_day_before_the_clock(fresh):
    decaying, now = Decaying(fresh, Settings(_env_file=None)), await fetch_value(fresh, "SELECT now()")
    await decaying.decay_batch("acme", now - 600 * DAY)
    assert DAY - timedelta(minutes=1) < now - await fetch_value(fresh, ADOPTED) <= DAY
    assert await fetch_value(fresh, IMPORTANCE) == 0.8
    await decaying.decay_batch("acme", now)
    assert 0.78 < await fetch_value(fresh, IMPORTANCE) < 0.8


async def test_a_first_run_of_today_adopts_the_store_as_of_itself(fresh):
    as_of = await fetch_value(fresh, "SELECT now() - interval '2 hours'")
    await Decaying(fresh).decay_batch("acme", as_of)
    assert await fetch_value(fresh, ADOPTED) == as_of


async def test_a_preview_reckons_from_the_adoption_that_a_run_would_make(fresh):
    now = await fetch_value(fresh, "SELECT now()")
    run = await preview_instants(fresh, "acme", now - 600 * DAY)
    assert DAY - timedelta(minutes=1) < now - run.adopted_at <= DAY


async def test_an_adoption_of_long_ago_is_made_where_it_is_allowed_and_once_made_is_kept(fresh):
    earliest = datetime(2024, 1, 1, tzinfo=UTC)
    assert await allow_adoption(fresh, earliest) is None
    await Decaying(fresh).decay_batch("acme", earliest - 9 * DAY)
    assert await fetch_value(fresh, ADOPTED) == earliest
    assert await allow_adoption(fresh, earliest - 9 * DAY) == earliest
    assert await fetch_value(fresh, "SELECT earliest_adoption FROM maintenance.store") == earliest

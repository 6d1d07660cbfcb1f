"""Wrong clocks: the night that does not start, what is shown meanwhile, and the way back after a night that did."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from memory_maintenance.cycles.rewind import rewind
from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.errors import PreflightError
from memory_maintenance.inspection.figures import store_figures
from memory_maintenance.inspection.lag import current_lag
from memory_maintenance.preflight.check import Surroundings
from memory_maintenance.preflight.checks import preflight
from memory_maintenance.store.pool import Pool, execute, fetch
from tests.agents import talk, write
from tests.commands.conftest import Cli, cli, home, quiet_again
from tests.conftest import a_pool
from tests.nights import DAY
from tests.nights import night as record_night
from tests.preflight.conftest import doctor, metric, night, settings, skew, straighten

__all__ = ["cli", "home", "quiet_again"]

VALUES = "SELECT id, importance, base_importance, base_importance_at FROM memories WHERE layer = 'episodic' ORDER BY id"
NOWHERE = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "RAE_LLM_BACKEND": "extractive"}


async def _found(pool: Pool, **differ: float) -> dict[str, tuple[str, str]]:
    """What the preflight finds where clocks differ from the real time by so many seconds."""
    by = {name: timedelta(seconds=seconds) for name, seconds in differ.items()}
    temporal = datetime.now(UTC) + by["temporal"] if "temporal" in by else None
    own = by.get("own", timedelta(0))
    around = Surroundings(settings(), temporal_clock=temporal, own_clock=lambda: datetime.now(UTC) + own)
    return {one.check: (one.severity, one.found) for one in await preflight(pool, around) if "clock" in one.check}


@pytest.mark.parametrize(
    ("differ", "check", "severity", "found"),
    [
        pytest.param({"own": 1}, None, "", "", id="a second"),
        pytest.param({"own": 60}, "clock_drift", "warning", "this machine is 60 s ahead of it", id="a minute ahead"),
        pytest.param({"own": -60}, "clock_drift", "warning", "this machine is 60 s behind it", id="a minute behind"),
        pytest.param({"own": 302}, "clock", "stop", "this machine is 302 s ahead of it", id="above the limit"),
        pytest.param({"own": -5184000}, "clock", "stop", "this machine is 5,184,000 s behind it", id="60 days"),
        pytest.param({"temporal": 1}, None, "", "", id="Temporal's, a second"),
        pytest.param({"temporal": -900}, "clock", "stop", "Temporal is 900 s behind it", id="Temporal's, a quarter"),
        pytest.param(
            {"own": 900, "temporal": 901}, "clock", "stop", "Temporal is 901 s ahead of it, this machine is 900 s ahead of it",
            id="Postgres' own",
        ),
    ],
)  # fmt: skip
async def test_clocks_are_compared_with_that_of_the_store(pool, differ, check, severity, found):
    said = await _found(pool, **differ)
    assert said == ({} if check is None else {check: (severity, f"{_begins(severity)} Postgres' clock: {found}")})


def _begins(severity: str) -> str:
    return "clocks disagree with" if severity == "stop" else "clocks differ from"


@pytest.mark.parametrize("by", ["60 days", "-60 days"])
async def test_a_wrong_clock_of_the_store_stops_the_night_and_moves_nothing(pool, store_url, by):
    await write(pool, "acme", talk(3))
    before = await fetch(pool, VALUES)
    await skew(pool, by)
    async with a_pool(store_url) as skewed:
        with pytest.raises(PreflightError, match=r"^clock: clocks disagree"):
            await night(skewed)
        assert (await doctor(skewed))["clock"].level == "failure"
    assert await fetch(pool, VALUES) == before
    assert await metric(pool) == {("daily", "clock", "stop")}


async def test_the_limit_is_a_setting(pool, store_url):
    await write(pool, "acme", talk(3))
    await skew(pool, "10 minutes")
    async with a_pool(store_url) as skewed:
        chosen = settings(maintenance_clock_tolerance_seconds=3600)
        stats = await run_maintenance(skewed, chosen)
    assert [one["check"] for one in stats["preflight"]] == ["clock_drift"]


async def test_a_store_that_was_off_for_a_month_is_no_jump(pool):
    await write(pool, "acme", talk(3))
    await run_maintenance(pool, settings(), as_of=datetime.now(UTC) - timedelta(days=31))
    await execute(pool, "UPDATE maintenance.cycles SET started_at = started_at - interval '31 days'")
    assert (await night(pool))["preflight"] == []


async def test_no_age_is_negative_after_a_night_of_a_wrong_clock(pool, cli: Cli):
    await write(pool, "acme", talk(3))
    now = datetime.now(UTC)
    await record_night(pool, at=now - DAY)
    await record_night(pool, at=now + 60 * DAY)
    await execute(
        pool, "INSERT INTO maintenance.tenants (tenant_id, decay_completed_as_of) VALUES ('acme', $1)", now + DAY
    )
    figures = await store_figures(pool, settings())
    assert figures.last_success["daily"] == pytest.approx((now - DAY).timestamp() + 3600)
    assert figures.decay_lag_seconds == 0
    assert (await current_lag(pool, settings())).decayed_longest_ago == timedelta(0)
    told = json.loads((await cli("status", "--json", **NOWHERE)).stdout)
    ages = [one["age"] for one in (*told["last_success"], *told["last_success_of_tenants"]) if one["age"] is not None]
    assert len(ages) > 1
    assert min(ages) > 0


async def test_a_night_of_a_wrong_clock_stops_each_later_one_until_it_is_taken_back(pool, store_url):
    """The clock was ahead by two months, and the night ran, as it did before there was a preflight."""
    as_of = datetime.now(UTC) - timedelta(hours=1)
    await write(pool, "acme", talk(12), session="s", start=as_of - 20 * DAY)
    await run_maintenance(pool, settings(), as_of=as_of)
    right = await fetch(pool, VALUES)
    await skew(pool, "60 days")
    async with a_pool(store_url) as skewed:
        await run_maintenance(skewed, settings(maintenance_clock_tolerance_seconds=1e9))
    await straighten(pool)
    assert await fetch(pool, VALUES) != right
    for _ in range(2):
        with pytest.raises(PreflightError, match=r"clock_behind: .* → .* starter\.py decay rewind"):
            await night(pool)
    assert (await doctor(pool))["clock behind"].level == "failure"
    await rewind(pool, settings(), as_of, dry_run=False)
    assert await fetch(pool, VALUES) == right
    assert (await night(pool))["preflight"] == []

"""Daily times of a tenant's own: which group it is in, and that every tenant is in exactly one Schedule's run."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from memory_maintenance.cycles.planner import Planner
from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.settings import Settings, TenantOverrides
from memory_maintenance.store.pool import Pool, execute
from memory_maintenance.task import Tools
from memory_maintenance.tasks import tasks_with
from memory_maintenance.tenants.daily_times import (
    DEFAULT,
    applied_groups,
    forget_group,
    group_of,
    groups,
    record_group,
)
from memory_maintenance.tenants.overrides import checked_overrides, override
from memory_maintenance.work import Run
from tests.agents import write

TOKYO = "0 2 * * * Asia/Tokyo"
EARLY = "0 1 * * * UTC"


def settings(**chosen: Any) -> Settings:
    return Settings(_env_file=None, **{"rae_llm_backend": "extractive", **chosen})


async def planned(pool: Pool, schedule: str | None, **chosen: Any) -> list[str]:
    """Return the tenants that a run of a Schedule plans; all have work."""
    run = Run(cycle_id=uuid4(), as_of=datetime.now(UTC), schedule=schedule)
    planner = Planner(pool, settings(**chosen), tasks_with(Tools(pool, settings(**chosen))))
    page = await planner.plan_page(run)
    assert page.looked_at == len(page.plans)
    return [plan.tenant_id for plan in page.plans]


@pytest.fixture
async def fleet(pool: Pool) -> Pool:
    """Tenants with and without times of their own; two share Tokyo's, and one's are the deployment's after all."""
    own: dict[str, dict[str, Any]] = {
        "as all": {},
        "early": {"daily_cron": "0 1 * * *"},
        "same": {"daily_cron": " 0  2 * * *", "time_zone": "UTC"},
        "tokyo 1": {"time_zone": "Asia/Tokyo"},
        "tokyo 2": {"time_zone": "Asia/Tokyo", "daily_cron": "0 2 * * *"},
    }
    for tenant, overrides in own.items():
        await write(pool, tenant, ["The blue tent leaks."])
        await override(pool, tenant, overrides)
    return pool


async def test_a_tenant_stays_with_the_daily_schedule_until_its_group_has_one(fleet):
    everybody = ["as all", "early", "same", "tokyo 1", "tokyo 2"]
    assert await planned(fleet, DEFAULT) == everybody
    await record_group(fleet, TOKYO)
    assert await planned(fleet, DEFAULT) == ["as all", "early", "same"]
    assert await planned(fleet, TOKYO) == ["tokyo 1", "tokyo 2"]
    await record_group(fleet, EARLY)
    assert (await planned(fleet, DEFAULT), await planned(fleet, EARLY)) == (["as all", "same"], ["early"])
    await forget_group(fleet, TOKYO)
    assert await planned(fleet, DEFAULT) == ["as all", "same", "tokyo 1", "tokyo 2"]
    assert await planned(fleet, None) == everybody


async def test_a_change_of_the_deployments_times_leaves_no_tenant_out(fleet):
    for group in (TOKYO, EARLY):
        await record_group(fleet, group)
    later = {"maintenance_daily_cron": "0 4 * * *"}
    # "tokyo 1" follows the deployment's cron expression into a group without a Schedule; "same" is no longer the same.
    assert await planned(fleet, DEFAULT, **later) == ["as all", "same", "tokyo 1"]
    assert (await planned(fleet, TOKYO, **later), await planned(fleet, EARLY, **later)) == (["tokyo 2"], ["early"])


async def test_groups_count_their_tenants_and_know_which_have_a_schedule(fleet):
    await record_group(fleet, TOKYO)
    await record_group(fleet, TOKYO)
    found = await groups(fleet, settings())
    assert (dict(found.tenants), found.applied) == ({EARLY: 1, TOKYO: 2}, frozenset([TOKYO]))
    await forget_group(fleet, TOKYO)
    assert await applied_groups(fleet) == frozenset()


async def test_what_somebody_wrote_into_one_row_leaves_its_tenant_with_the_daily_schedule(fleet):
    await record_group(fleet, EARLY)
    await execute(fleet, "UPDATE maintenance.tenants SET overrides = '{\"daily_cron\": 7}' WHERE tenant_id = 'early'")
    assert "early" in await planned(fleet, DEFAULT)
    assert (await groups(fleet, settings())).tenants == {TOKYO: 2}


async def test_a_run_by_hand_is_for_every_tenant(fleet):
    await record_group(fleet, TOKYO)
    assert (await run_maintenance(fleet, settings()))["tenants"]["looked_at"] == 5


@pytest.mark.parametrize(
    ("own", "deployment", "group"),
    [
        pytest.param({}, {}, DEFAULT, id="none of its own"),
        pytest.param({"daily_cron": "0 3 * * *"}, {}, "0 3 * * * UTC", id="an expression, the deployment's zone"),
        pytest.param({"time_zone": "Asia/Tokyo"}, {}, TOKYO, id="a zone, the deployment's expression"),
        pytest.param({"daily_cron": "0 2 * * *"}, {}, DEFAULT, id="the deployment's"),
        pytest.param({"time_zone": "Asia/Tokyo"}, {"maintenance_daily_cron": "off"}, DEFAULT, id="a zone of nothing"),
        pytest.param({"daily_cron": "@daily"}, {"maintenance_daily_cron": "off"}, "@daily UTC", id="the only Schedule"),
    ],
)
def test_a_group_is_the_times_that_hold_for_the_tenant(own, deployment, group):
    assert group_of(settings(**deployment), TenantOverrides(**own)) == group


@pytest.mark.parametrize(
    "own",
    [
        {"daily_cron": ""},
        {"daily_cron": "at night"},
        {"daily_cron": "off"},
        {"daily_cron": "0 2 * *"},
        {"daily_cron": "CRON_TZ=Asia/Tokyo 0 2 * * *"},
        {"daily_cron": "0 2 * * * # comment"},
        {"daily_cron": "0 2 * * *\n0 3 * * *"},
        {"time_zone": ""},
        {"time_zone": "Asia/Tokyo UTC"},
        {"time_zone": "../etc/passwd"},
    ],
    ids=str,
)
def test_what_is_no_expression_or_zone_is_refused(own):
    [name] = own
    with pytest.raises(InvalidRequestError, match=name):
        checked_overrides(own)

"""The numbers of a worker fit each other."""

from datetime import timedelta

import pytest
from pydantic import ValidationError
from temporalio.common import VersioningBehavior
from temporalio.worker import Worker

from activities.messages import OpenCycleResult
from memory_maintenance.decay.task import BATCH_SECONDS
from runtime import capacity
from runtime.capacity import Slots, deployment, slots
from runtime.workers import built_workers
from tests.settings import settings
from workflows import options


@pytest.mark.parametrize("pool_size", [2, 3, 10, 200])
def test_steps_of_sql_never_outnumber_the_connections(pool_size):
    assert 1 <= slots(settings(database_pool_size=pool_size), "all").sql < pool_size


@pytest.mark.parametrize(
    ("role", "expected"), [("all", Slots(8, 5)), ("workflows", Slots(8, 0)), ("model", Slots(0, 5))]
)
def test_a_role_polls_its_queues(role, expected):
    assert slots(settings(database_pool_size=10, model_concurrency=5), role) == expected


@pytest.mark.parametrize(("pages", "tenants", "cached"), [(4, 50, 500), (1, 1, 500), (20, 200, 8_042)])
def test_the_cache_holds_what_two_cycles_have_in_their_windows(pages, tenants, cached):
    windows = settings(maintenance_pages_at_once=pages, maintenance_tenants_at_once=tenants)
    assert capacity.cached_workflows(windows) == cached
    assert 2 * (1 + pages * (1 + tenants)) <= cached


def test_a_cycle_that_was_opened_without_windows_has_those_of_the_defaults():
    named = ("pages_at_once", "tenants_at_once")
    defaults = [getattr(settings(), f"maintenance_{name}") for name in named]
    assert [OpenCycleResult.model_fields[name].default for name in named] == defaults
    assert defaults == [options.PAGES_AT_ONCE, options.TENANTS_AT_ONCE]


def test_a_batch_ends_before_the_grace_of_a_shutdown_does():
    assert capacity.GRACE.total_seconds() > BATCH_SECONDS


def test_time_outs_of_a_long_step_are_in_order():
    step = options.long_sql()
    limits = ("start_to_close_timeout", "schedule_to_close_timeout")
    assert [capacity.STICKY, step["heartbeat_timeout"], capacity.GRACE, *map(step.get, limits)] == [
        timedelta(seconds=2),
        timedelta(seconds=15),
        timedelta(seconds=25),
        timedelta(minutes=5),
        timedelta(hours=1),
    ]


@pytest.mark.parametrize("pollers", [capacity.WORKFLOW_POLLERS, capacity.ACTIVITY_POLLERS])
def test_pollers_start_within_their_bounds(pollers):
    assert 1 <= pollers.minimum <= pollers.initial <= pollers.maximum <= capacity.WORKFLOW_TASKS


async def _built(temporal, pool, **chosen) -> list[Worker]:
    async with built_workers(temporal, settings(**chosen), pool) as workers:
        return list(workers)


async def test_both_workers_are_of_the_build_in_the_environment(temporal, pool):
    version = {"temporal_worker_deployment_name": "maintenance", "temporal_worker_build_id": "1.4.0"}
    expected = deployment(settings(**version))
    assert expected is not None
    assert expected.default_versioning_behavior is VersioningBehavior.PINNED
    built = await _built(temporal, pool, **version)
    assert [worker.config()["deployment_config"] for worker in built] == [expected, expected]


async def test_without_a_build_workers_have_no_version(temporal, pool):
    built = await _built(temporal, pool)
    assert [worker.config()["deployment_config"] for worker in built] == [None, None]


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"temporal_worker_build_id": "1"}, "set both or none"),
        ({"temporal_worker_deployment_name": "maintenance"}, "set both or none"),
        ({"metrics_port": 9090, "health_port": 9090}, "the same port twice"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(chosen, says):
    with pytest.raises(ValidationError, match=says):
        settings(**chosen)

"""What a run takes of Temporal Cloud, as reckoned from its plan, agrees with the histories of runs."""

from decimal import Decimal
from typing import Any

import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from activities.messages import OpenCycleResult, PlanPageResult
from memory_maintenance.cycles.planner import SCAN
from memory_maintenance.settings import Settings
from memory_maintenance.work import TaskSpec, TenantPlan
from runtime.cloud_cost import CYCLE, SCHEDULED, CloudUse, money, with_plan
from tests.histories.actions import actions, recorded
from tests.large_fleet import plan_of_one_step
from workflows.options import is_large

SETTINGS = Settings(_env_file=None)
SEARCH_ATTRIBUTES, BY_SCHEDULE = 2, SCHEDULED - 1
"""Actions that a cycle has besides, where the server knows search attributes, and where a Schedule started it."""


def results(history: WorkflowHistory, activity: str) -> list[bytes]:
    """Return what an activity's calls in a history returned."""
    scheduled = {
        event.event_id: event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events
    }
    done = [event.activity_task_completed_event_attributes for event in history.events if _completed(event)]
    return [one.result.payloads[0].data for one in done if scheduled[one.scheduled_event_id] == activity]


def _completed(event: HistoryEvent) -> bool:
    return event.HasField("activity_task_completed_event_attributes")


def reckoned(root: WorkflowHistory) -> CloudUse:
    """Return what the plans in a root's history come to."""
    [opened] = (OpenCycleResult.model_validate_json(one) for one in results(root, "open_cycle"))
    use = CloudUse()
    for pages, data in enumerate(results(root, "plan_page")):
        plan = PlanPageResult.model_validate_json(data)
        large = is_large(planned=len(plan.plans), more=plan.cursor is not None, pages=pages)
        use = with_plan(use, plan.plans, opened.tasks, bulk=large)
    return use


@pytest.mark.parametrize(
    ("name", "besides"),
    [
        ("nothing-to-do", 0),
        ("daily", 0),
        ("hourly", 0),
        ("one-session", 0),
        ("model-refuses", 0),
        ("embeddings", 0),
        ("bulk", 0),
        ("search-attributes", SEARCH_ATTRIBUTES),
    ],
)
def test_actions_and_bytes_are_those_of_the_recorded_histories(name, besides):
    histories = dict(recorded(name))
    use = reckoned(histories["cycle"])
    counted = sum(actions(history.events) for history in histories.values())
    assert use.actions - BY_SCHEDULE - SEARCH_ATTRIBUTES + besides == counted
    size = sum(event.ByteSize() for history in histories.values() for event in history.events)
    assert use.history_bytes == pytest.approx(size, rel=0.25)


def _actions(*tenants: TenantPlan, bulk: bool) -> float:
    specs: tuple[TaskSpec, ...] = SPECS
    return with_plan(CloudUse(), tenants, specs, bulk=bulk).actions - SCHEDULED - CYCLE


SPECS: Any = tuple(
    OpenCycleResult.model_validate_json(results(dict(recorded("daily"))["cycle"], "open_cycle")[0]).tasks
)


def test_a_small_tenant_of_a_large_fleet_takes_less_than_a_tenth_of_an_action():
    small = TenantPlan(tenant_id="acme", units={"decay": 1}, due={"decay": ({},)}, bulk=True)
    planned_at_once = [small] * SCAN
    assert _actions(*planned_at_once, bulk=True) / SCAN == pytest.approx(0.066)
    assert _actions(*planned_at_once, bulk=False) / SCAN == pytest.approx(4.026)


def test_a_tenant_whose_work_is_one_step_takes_one_activity_in_a_large_fleet():
    tenant = plan_of_one_step("acme")
    plain = tenant.model_copy(update={"one_step": False})
    assert _actions(tenant, bulk=False) == _actions(plain, bulk=True) == _actions(tenant, bulk=True) + 1


def test_sessions_that_a_plan_does_not_list_are_listed_by_the_tenants_run():
    few = TenantPlan(tenant_id="acme", units={"summarization": 4}, due={"summarization": ({},) * 4})
    many = TenantPlan(tenant_id="acme", units={"summarization": 150})
    assert _actions(many, bulk=False) - _actions(few, bulk=False) == 150 + 2 - 4


def test_money_is_that_of_the_prices():
    use = CloudUse(actions_of_cycle=1_000_000, history_bytes=10**9)
    assert money(use, SETTINGS).total == Decimal(50) + Decimal("0.042") + 30 * 24 * Decimal("0.00105")
    free = Settings.model_validate({"temporal_cloud_price_actions": 0, "temporal_cloud_price_active_storage": 0})
    assert money(use, free).total == 30 * 24 * Decimal("0.00105")

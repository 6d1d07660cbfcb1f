"""What holds for a tenant: the deployment's settings with its overrides, which let in as well as leave out."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from memory_maintenance.cycles.planner import Planner
from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.inspection.lag import current_lag
from memory_maintenance.inspection.sessions import session_reports
from memory_maintenance.settings import SETTING_OF, Settings, TenantOverrides
from memory_maintenance.store.pool import fetch_value
from memory_maintenance.task import Tools
from memory_maintenance.tasks import TASKS, tasks_with
from memory_maintenance.tenants.overrides import override
from memory_maintenance.work import Run
from tests.workflows.conftest import remember_session

SUMMARIES = "SELECT count(*) FROM memories WHERE source = 'summarization_worker'"


def settings_of(**chosen: Any) -> Settings:
    return Settings(_env_file=None, **{"rae_llm_backend": "extractive", **chosen})


def is_on(task: str, deployment: dict[str, Any], own: dict[str, Any]) -> bool:
    [kind] = [each for each in TASKS if each.spec.name == task]
    settings = settings_of(**deployment)
    return kind(Tools(pool=None, settings=settings)).off(settings.for_tenant(TenantOverrides(**own))) is None  # type: ignore[arg-type]


def test_every_override_replaces_a_setting():
    assert SETTING_OF.keys() == TenantOverrides.model_fields.keys()
    assert set(SETTING_OF.values()) <= set(Settings.model_fields)


@pytest.mark.parametrize(
    ("task", "deployment", "own", "on"),
    [
        pytest.param("decay", {}, {}, True, id="decay is on"),
        pytest.param("decay", {}, {"decay_enabled": False}, False, id="a tenant is left out of decay"),
        pytest.param(
            "decay", {"memory_importance_decay_enabled": False}, {"decay_enabled": True}, True, id="and let in"
        ),
        pytest.param("summarization", {}, {"summarization_enabled": False}, False, id="left out of summaries"),
        pytest.param(
            "summarization",
            {"summarization_enabled": False},
            {"summarization_enabled": True},
            True,
            id="let in to them",
        ),
        pytest.param("dreaming", {"dreaming_enabled": False}, {"dreaming_enabled": True}, True, id="let in to dreams"),
        pytest.param("dreaming", {}, {"dreaming_enabled": False}, False, id="left out of them"),
        pytest.param(
            "dreaming",
            {"reflective_memory_enabled": False},
            {"dreaming_enabled": True},
            False,
            id="a ceiling: the switch",
        ),
        pytest.param(
            "dreaming", {"reflective_memory_mode": "lite"}, {"dreaming_enabled": True}, False, id="a ceiling: mode lite"
        ),
        pytest.param(
            "dreaming",
            {"reflective_memory_mode": "lite", "dreaming_enabled": True},
            {},
            True,
            id="DREAMING_ENABLED says otherwise in mode lite",
        ),
        pytest.param(
            "dreaming",
            {"reflective_memory_mode": "lite", "dreaming_enabled": True},
            {"dreaming_enabled": False},
            False,
            id="and a tenant is left out there too",
        ),
    ],
)
def test_an_override_lets_in_as_well_as_leaves_out(task, deployment, own, on):
    assert is_on(task, deployment, own) == on


async def test_a_tenant_let_in_is_planned_shown_and_summarized(pool):
    settings = settings_of(summarization_enabled=False, dreaming_enabled=False)
    for tenant in ("acme", "globex"):
        await remember_session(pool, tenant, events=12)
    await override(pool, "acme", {"summarization_enabled": True, "dreaming_enabled": True})
    run = Run(cycle_id=uuid4(), as_of=datetime.now(UTC))

    page = await Planner(pool, settings, tasks_with(Tools(pool, settings))).plan_page(run)
    assert {plan.tenant_id: plan.units for plan in page.plans} == {
        "acme": {"decay": 1, "summarization": 1, "dreaming": 1},
        "globex": {"decay": 1},
    }
    assert (await current_lag(pool, settings)).due_sessions == 1
    assert [(await session_reports(pool, settings, tenant, "s1"))[0].due_daily for tenant in ("acme", "globex")] == [
        True,
        False,
    ]

    stats = await run_maintenance(pool, settings)
    assert (stats["summarization"]["stored"], stats["dreaming"]["reflections_generated"]) == (1, 2)
    assert await fetch_value(pool, SUMMARIES) == 1
    assert (await run_maintenance(pool, settings))["summarization"]["stored"] == 0
    assert (await current_lag(pool, settings)).due_sessions == 0

"""*Tonight*: whether the next run will run, what is due, what it will cost."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.datastructures import QueryParams
from temporalio.service import RPCError

from memory_maintenance.changes.reviewing import waiting
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.inspection.calls import cycle_costs
from memory_maintenance.inspection.cycles import last_failure
from memory_maintenance.inspection.model import model_status
from memory_maintenance.inspection.preflight import latest_findings
from memory_maintenance.inspection.successes import last_successes
from memory_maintenance.inspection.task_words import specs
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.daily_times import Groups, groups
from memory_maintenance.work import TaskSpec
from runtime.cloud_cost import money
from runtime.planned import PlannedRun
from runtime.tonight import TemporalState, temporal_state, verdict
from web.page import Filled
from web.sources import PATIENCE_SECONDS, Sources

PLAN_SECONDS: Final = 1.0
"""How long the page waits for a plan; then it is shown without one and asks again."""


async def read(sources: Sources, query: QueryParams) -> Filled:  # noqa: ARG001  every page takes a query
    """Return the page."""
    pool, settings = await sources.pool(), sources.settings
    found = await groups(pool, settings)
    temporal, model = await asyncio.gather(_of_temporal(sources, found), model_status(pool, settings))
    findings = await latest_findings(pool)
    planned, plan_error = await _planned(sources)
    today = next(use for use in model.budgets if use.tenant_id is None)
    successes = await last_successes(pool)
    nights = [one.cycle_id for one in successes if one.kind == "daily"]
    costs = await cycle_costs(pool, nights)
    return Filled(
        "tonight.html.j2",
        {
            "title": "Tonight",
            "verdict": verdict(temporal, settings, findings, model),
            "planned": planned,
            "plan_error": plan_error,
            "proposals": sum((await waiting(pool)).values()),
            "tasks": [spec for spec in specs() if "daily" in spec.cycles and _is_shown(spec, planned)],
            "cloud": money(planned.use, settings).total if planned else None,
            "model": model,
            "today": today,
            "tokens_left": max(0, today.token_limit - today.tokens),
            "cost_left": max(today.cost_limit - today.cost, 0 * today.cost),
            "last_cost": costs[nights[0]] if nights else None,
            "open_breakers": [one for one in model.breakers if one.open],
            "successes": successes,
            "failure": await last_failure(pool),
            "running": temporal.running,
            "web_ui": sources.web_ui,
        },
    )


def _is_shown(spec: TaskSpec, planned: PlannedRun | None) -> bool:
    """Return whether a task has a row: an opt-in task only where it has something to do."""
    return not spec.opt_in or bool(planned and planned.units.get(spec.name))


async def _planned(sources: Sources) -> tuple[PlannedRun | None, str | None]:
    pool: Pool = await sources.pool()
    try:
        return await sources.plans.newest(pool, sources.settings, wait_seconds=PLAN_SECONDS), None
    except MaintenanceError as error:
        return None, str(error)


async def _of_temporal(sources: Sources, found: Groups) -> TemporalState:
    try:
        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            client = await sources.client()
            return await temporal_state(client, sources.settings, found)
    except MaintenanceError as error:
        return TemporalState(error=str(error))
    except (RPCError, TimeoutError):
        sources.forget_client()
        return TemporalState(error=f"Temporal does not answer at {sources.temporal_address}")

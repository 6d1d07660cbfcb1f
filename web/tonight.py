"""*Tonight*: whether the next run will run, what is due, what it will cost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from starlette.datastructures import QueryParams
from temporalio.service import RPCError

from memory_maintenance.errors import MaintenanceError
from memory_maintenance.inspection.calls import cycle_costs
from memory_maintenance.inspection.cycle_words import minute
from memory_maintenance.inspection.cycles import last_failure
from memory_maintenance.inspection.model import ModelStatus, model_status
from memory_maintenance.inspection.preflight import CycleFindings, latest_findings
from memory_maintenance.inspection.successes import last_successes
from memory_maintenance.inspection.task_words import specs
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.work import TaskSpec
from runtime.cloud_cost import money
from runtime.planned import PlannedRun
from runtime.running import Running, what_runs
from runtime.schedule_orders import ScheduleState, schedule_states
from runtime.stuck import StuckWorkflow, stuck_workflows
from runtime.wanted_schedules import OFF, cron_of, schedule_id
from web.page import Filled
from web.sources import PATIENCE_SECONDS, Sources

PLAN_SECONDS: Final = 1.0
"""How long the page waits for a plan; then it is shown without one and asks again."""


@dataclass(frozen=True, slots=True)
class OfTemporal:
    """What Temporal says; ``running`` None: it does not answer, and ``error`` says why."""

    running: Running | None = None
    stuck: Sequence[StuckWorkflow] = ()
    schedules: Sequence[ScheduleState] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the next daily run will run, in a line, and what else to know."""

    level: Literal["good", "warn", "bad"]
    line: str
    reasons: tuple[str, ...] = ()


async def read(sources: Sources, query: QueryParams) -> Filled:  # noqa: ARG001  every page takes a query
    """Return the page."""
    pool, settings = await sources.pool(), sources.settings
    temporal, model = await asyncio.gather(_of_temporal(sources), model_status(pool, settings))
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


async def _of_temporal(sources: Sources) -> OfTemporal:
    try:
        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            client = await sources.client()
            return OfTemporal(
                running=await what_runs(client),
                stuck=await stuck_workflows(client, sources.settings),
                schedules=[state async for state in schedule_states(client)],
            )
    except MaintenanceError as error:
        return OfTemporal(error=str(error))
    except (RPCError, TimeoutError):
        sources.forget_client()
        return OfTemporal(error=f"Temporal does not answer at {sources.temporal_address}")


def verdict(temporal: OfTemporal, settings: Settings, findings: Sequence[CycleFindings], model: ModelStatus) -> Verdict:
    """Return whether the next daily run will run, and what else somebody should look at."""
    more = (*_worries(temporal, settings), *_of_store(findings), *_of_model(model))
    if temporal.running is None:
        return Verdict("bad", "Tonight: unknown, because Temporal does not answer", (temporal.error or "", *more))
    daily = next((one for one in temporal.schedules if one.id == schedule_id("daily")), None)
    if daily is None:
        if cron_of(settings, "daily") == OFF:
            return Verdict("bad", "Tonight: will not run, the daily schedule is off (MAINTENANCE_DAILY_CRON)", more)
        return Verdict(
            "bad", "Tonight: will not run, the daily schedule is gone", ("starter.py schedules apply", *more)
        )
    if daily.paused:
        note = f" ({daily.note})" if daily.note else ""
        line = f"Tonight: will not run, the daily schedule is paused{note}"
        return Verdict("bad", line, ("starter.py schedules resume daily", *more))
    when = f"{minute(daily.next_at)} UTC" if daily.next_at else "Tonight"
    if temporal.running.polled_at is None:
        return Verdict("bad", f"{when}: will not run, no worker polls", ("python worker.py", *more))
    stopped = any(finding.severity == "stop" for one in findings for finding in one.findings)
    if stopped:
        return Verdict("bad", f"{when}: will stop at its first check, as the last run did", more)
    return Verdict("warn" if more else "good", f"{when}: will run", more)


def _worries(temporal: OfTemporal, settings: Settings) -> list[str]:
    if temporal.running is None:
        return []
    found = [f"{one.workflow_id} is stuck, {one.found}: {one.command}" for one in temporal.stuck]
    hourly = next((one for one in temporal.schedules if one.id == schedule_id("hourly")), None)
    if hourly is None and cron_of(settings, "hourly") != OFF:
        found.append("the hourly schedule is gone: starter.py schedules apply")
    if hourly is not None and hourly.paused:
        note = f" ({hourly.note})" if hourly.note else ""
        found.append(f"the hourly schedule is paused{note}: starter.py schedules resume hourly")
    return found


def _of_store(findings: Sequence[CycleFindings]) -> list[str]:
    return list(dict.fromkeys(str(finding) for one in findings for finding in one.findings))


def _of_model(model: ModelStatus) -> list[str]:
    if not model.model or not model.answers.worrying:
        return []
    return [f"{model.answers.found}: {model.answers.next_step or 'starter.py model status'}"]

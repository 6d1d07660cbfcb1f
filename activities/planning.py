"""Activities around a cycle: open it, plan its pages, record what they did, close it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from temporalio import activity

from activities.messages import (
    CloseCycleRequest,
    ForeseeCostsRequest,
    OpenCycleRequest,
    OpenCycleResult,
    PlanPageRequest,
    PlanPageResult,
    RecordPageRequest,
    TenantPlan,
)
from memory_maintenance.cycles.costs import foreseen_costs
from memory_maintenance.cycles.planner import Planner, log_what_is_off
from memory_maintenance.cycles.preview import ForeseenCosts
from memory_maintenance.cycles.record import close_cycle, open_cycle, record_outcomes
from memory_maintenance.decay.progress import adopt
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool
from memory_maintenance.writers.model.retention import tidy_ledger


@dataclass(frozen=True, slots=True)
class PlanningActivities:
    """What a cycle as a whole asks of Postgres."""

    pool: Pool
    settings: Settings
    planner: Planner
    search_attributes: Callable[[], Awaitable[bool]]
    """Whether the Temporal server knows our search attributes."""

    @activity.defn(name="open_cycle")
    async def open_cycle(self, request: OpenCycleRequest) -> OpenCycleResult:
        """Fix the instant and the configuration that the cycle goes by. Twice is once; a dry run is not recorded."""
        as_of = await checked_as_of(self.pool, request.as_of)
        config = {**self.settings.snapshot(), "tasks": list(request.tasks)}
        if request.named_tenants is not None:  # then it is no success of the fleet
            config["named_tenants"] = request.named_tenants
        if not request.dry_run:
            as_of, config = await open_cycle(self.pool, request.cycle_id, kind=request.kind, as_of=as_of, config=config)
        log_what_is_off(self.settings, request.tasks)
        daily = request.kind == "daily"
        return OpenCycleResult(
            as_of=as_of,
            deadline_minutes=self.settings.deadline_minutes(daily=daily),
            fail_ratio=self.settings.maintenance_fail_ratio,
            config=config,
            search_attributes=await self.search_attributes(),
        )

    @activity.defn(name="plan_page")
    async def plan_page(self, request: PlanPageRequest) -> PlanPageResult:
        """Find the next tenants with work; for whom decay is off, is remembered, unless it is a dry run."""
        daily, tasks, planner = request.kind == "daily", request.tasks, replace(self.planner, dry_run=request.dry_run)
        if request.tenants is None:
            page = await planner.plan_page(
                as_of=request.as_of,
                daily=daily,
                tasks=tasks,
                after=request.after,
                limit=request.limit,
                beat=activity.heartbeat,
                backfill_days=request.backfill_days,
            )
        else:
            page = await planner.plan_chosen(
                request.tenants,
                as_of=request.as_of,
                daily=daily,
                tasks=tasks,
                backfill_days=request.backfill_days,
            )
        if not request.dry_run and any(work.decay for work in page.work):
            await adopt(self.pool, request.as_of)  # once here, so that the page's tenants do not wait for each other
        plans = tuple(map(TenantPlan.of, page.work))
        return PlanPageResult(plans=plans, cursor=page.cursor, looked_at=page.looked_at, paused=page.paused)

    @activity.defn(name="record_page")
    async def record_page(self, request: RecordPageRequest) -> None:
        """Write what a page's tenants came to. Twice is once."""
        await record_outcomes(self.pool, request.cycle_id, request.page, request.outcomes)

    @activity.defn(name="close_cycle")
    async def close_cycle(self, request: CloseCycleRequest) -> None:
        """Write how the cycle ended, and tidy the ledger. Twice is once."""
        totals = request.totals.model_dump(mode="json")
        await close_cycle(self.pool, request.cycle_id, status=request.status, totals=totals)
        await tidy_ledger(self.pool, self.settings.model_call_retention)

    @activity.defn(name="foresee_costs")
    async def foresee_costs(self, request: ForeseeCostsRequest) -> ForeseenCosts:
        """Say what a dry run's texts take of a model, and what today's budget has left. Reads only."""
        return await foreseen_costs(self.pool, self.settings, request.totals)

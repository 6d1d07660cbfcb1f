"""Activities around a cycle: open it, plan its pages, record what they did, close it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from temporalio import activity

from activities.messages import (
    CloseCycleRequest,
    CloseCycleResult,
    DeliverEventsRequest,
    DeliverEventsResult,
    ForeseeCostsRequest,
    OpenCycleRequest,
    OpenCycleResult,
    PlanPageRequest,
    PlanPageResult,
    RecordPageRequest,
)
from memory_maintenance.cycles.costs import preview_costs
from memory_maintenance.cycles.opening import begin_cycle
from memory_maintenance.cycles.planner import Planner
from memory_maintenance.cycles.preview import PreviewCosts
from memory_maintenance.cycles.record import close_cycle, cycle_config, log_what_is_off, record_outcomes
from memory_maintenance.cycles.step import tasks_named
from memory_maintenance.preflight.check import Surroundings
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.task import AnyTask
from memory_maintenance.tenants.daily_times import DEFAULT, groups
from memory_maintenance.webhooks.delivery import deliver_events
from memory_maintenance.webhooks.outbox import count_waiting
from memory_maintenance.writers.model.retention import tidy_ledger


@dataclass(frozen=True, slots=True)
class PlanningActivities:
    """What a cycle as a whole asks of Postgres."""

    pool: Pool
    settings: Settings
    tasks: Sequence[AnyTask]
    search_attributes: Callable[[], Awaitable[bool]]
    """Whether the Temporal server knows our search attributes."""

    @activity.defn(name="open_cycle")
    async def open_cycle(self, request: OpenCycleRequest) -> OpenCycleResult:
        """Check the store, and fix the instant, the tasks and the configuration of the cycle. Twice is once."""
        tasks = tasks_named(self.tasks, request.tasks, request.kind)
        config = cycle_config(self.settings, [task.spec for task in tasks], request.named_tenants)
        if request.schedule not in (None, DEFAULT):
            tenants = (await groups(self.pool, self.settings)).tenants.get(request.schedule, 0)
            config |= {"named_tenants": tenants, "schedule": request.schedule}
        opened = await begin_cycle(
            self.pool,
            request.cycle_id,
            kind=request.kind,
            as_of=request.as_of,
            config=config,
            around=Surroundings(self.settings, temporal_clock=activity.info().started_time),
            dry_run=request.dry_run,
        )
        log_what_is_off(self.settings, tasks)
        return OpenCycleResult(
            as_of=opened.as_of,
            deadline_minutes=self.settings.deadline_minutes(daily=request.kind == "daily"),
            fail_ratio=self.settings.maintenance_fail_ratio,
            config=opened.config,
            findings=opened.findings,
            tasks=tuple([task.spec for task in tasks if await task.unavailable() is None]),
            search_attributes=await self.search_attributes(),
            pages_at_once=self.settings.maintenance_pages_at_once,
            tenants_at_once=self.settings.maintenance_tenants_at_once,
            child_for_every_tenant=self.settings.maintenance_child_for_every_tenant,
        )

    @activity.defn(name="plan_page")
    async def plan_page(self, request: PlanPageRequest) -> PlanPageResult:
        """Find the next tenants with work; for whom a task is off, is remembered, unless it is a dry run."""
        tasks = [task for task in self.tasks if task.spec.name in request.tasks]
        planner = Planner(self.pool, self.settings, tasks)
        if request.tenants is None:
            page = await planner.plan_page(request.run, after=request.after, limit=request.limit)
        else:
            page = await planner.plan_chosen(request.run, request.tenants)
        return PlanPageResult(plans=page.plans, cursor=page.cursor, looked_at=page.looked_at, paused=page.paused)

    @activity.defn(name="record_page")
    async def record_page(self, request: RecordPageRequest) -> None:
        """Write what a page's tenants came to. Twice is once."""
        await record_outcomes(self.pool, request.cycle_id, request.page, request.outcomes)

    @activity.defn(name="close_cycle")
    async def close_cycle(self, request: CloseCycleRequest) -> CloseCycleResult | None:
        """Write how the cycle ended, and tidy the ledger. Twice is once.

        Returns:
            None where no event is to be sent: what the activity returned before there were webhooks.
        """
        totals = request.totals.model_dump(mode="json")
        await close_cycle(self.pool, request.cycle_id, status=request.status, totals=totals, settings=self.settings)
        await tidy_ledger(self.pool, self.settings.model_call_retention, daily=request.daily)
        waiting = await count_waiting(self.pool, self.settings)
        return CloseCycleResult(waiting_events=waiting) if waiting else None

    @activity.defn(name="deliver_events")
    async def deliver_events(self, _: DeliverEventsRequest) -> DeliverEventsResult:
        """Send the receivers of webhooks what the outbox holds. A retry repeats at most one event, with the same id."""
        done = await deliver_events(self.pool, self.settings)
        return DeliverEventsResult(delivered=done.delivered, rejected=done.rejected)

    @activity.defn(name="foresee_costs")
    async def foresee_costs(self, request: ForeseeCostsRequest) -> PreviewCosts:
        """Say what a dry run's texts take of a model, and what today's budget has left. Reads only."""
        return await preview_costs(self.pool, self.settings, request.totals)

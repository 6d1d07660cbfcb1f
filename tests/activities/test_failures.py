"""What is bound to an attempt's log lines, and what is logged of how it failed."""

import dataclasses
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import structlog
from structlog.testing import capture_logs
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.failures import FailureInterceptor
from activities.messages import CloseCycleRequest, PlanPageRequest, TenantOrder, UnitRequest
from memory_maintenance.cycles.outcomes import CycleTotals
from memory_maintenance.errors import DatabaseBusyError, StatementTimeoutError, StoreError
from memory_maintenance.work import Run

CYCLE = UUID("01a21047-b000-7000-8000-000000000001")
NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)


class _Failing(ActivityInboundInterceptor):
    """Notes what is bound, and fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.bound: dict[str, Any] = {}
        self.error = error or StoreError("a statement failed: RaiseError (SQLSTATE P0001)")

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ARG002  the base's signature
        self.bound = structlog.contextvars.get_contextvars()
        raise self.error


async def _failed(*args: Any) -> tuple[dict[str, Any], list[Any]]:
    failing, environment = _Failing(), ActivityEnvironment()
    attempt = ExecuteActivityInput(fn=_failed, args=args, executor=None, headers={})
    with capture_logs() as logs, pytest.raises(ApplicationError):
        await environment.run(FailureInterceptor().intercept_activity(failing).execute_activity, attempt)
    return failing.bound, logs


@pytest.mark.parametrize(
    ("args", "named"),
    [
        pytest.param(
            (CloseCycleRequest(cycle_id=CYCLE, status="failed", totals=CycleTotals()),),
            {"cycle_id": str(CYCLE)},
            id="a cycle",
        ),
        pytest.param(
            (UnitRequest(tenant_id="acme", unit={}, run=Run(cycle_id=CYCLE, as_of=NOW)),),
            {"tenant_id": "acme", "cycle_id": str(CYCLE)},
            id="a tenant in a cycle",
        ),
        pytest.param(
            (PlanPageRequest(run=Run(cycle_id=CYCLE, as_of=NOW), tasks=("decay",)),),
            {"cycle_id": str(CYCLE)},
            id="a page of a cycle",
        ),
        pytest.param((TenantOrder(tenant_id="acme", action="pause"),), {"tenant_id": "acme"}, id="a tenant"),
        pytest.param((), {}, id="nothing"),
    ],
)
async def test_log_lines_are_found_by_run_tenant_and_cycle(args, named):
    bound, _ = await _failed(*args)
    info = ActivityEnvironment.default_info()
    assert bound == {
        "activity": info.activity_type,
        "workflow_id": info.workflow_id,
        "run_id": info.workflow_run_id,
        "attempt": info.attempt,
        **named,
    }


async def test_a_maintenance_error_is_logged_in_its_own_words():
    _, logs = await _failed()
    [line] = [log for log in logs if log["event"] == "activity_failed"]
    assert line["error"] == "a statement failed: RaiseError (SQLSTATE P0001)"


@pytest.mark.parametrize(
    ("error", "attempt", "gives_up"),
    [
        pytest.param(StoreError("no"), 1, True, id="no retry helps"),
        pytest.param(DatabaseBusyError("busy"), 99, False, id="retries as long as the run has time"),
        pytest.param(StatementTimeoutError("slow"), 2, False, id="a few retries help"),
        pytest.param(StatementTimeoutError("slow"), 3, True, id="that were a few"),
    ],
)
async def test_an_error_is_retried_as_often_as_that_helps(error, attempt, gives_up):
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, attempt=attempt)
    activity = FailureInterceptor().intercept_activity(_Failing(error))
    with pytest.raises(ApplicationError) as caught:
        await environment.run(
            activity.execute_activity, ExecuteActivityInput(fn=_failed, args=(), executor=None, headers={})
        )
    assert caught.value.non_retryable == gives_up

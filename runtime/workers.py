"""The process that polls: one worker for workflows and SQL, one for steps that may ask a model."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from activities.failures import FailureInterceptor
from activities.heartbeat import BEAT
from memory_maintenance.errors import WorkerEndedError
from memory_maintenance.observability.logs import log_warnings
from memory_maintenance.observability.serving import WORKER_INFO, serving_metrics
from memory_maintenance.redaction import shown_address
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch_value
from runtime.capacity import (
    ACTIVITY_POLLERS,
    FLUSHING,
    GRACE,
    STICKY,
    WORKFLOW_POLLERS,
    WORKFLOW_TASKS,
    Role,
    cached_workflows,
    deployment,
    slots,
)
from runtime.client import check_namespace
from runtime.health import Readiness, serving_health
from runtime.telemetry import sdk_runtime
from runtime.wiring import (
    Activity,
    Application,
    model_activities,
    running_application,
    running_embedder,
    running_model,
    sql_activities,
)
from workflows.maintenance import MaintenanceWorkflow
from workflows.options import MODEL_TASK_QUEUE, TASK_QUEUE
from workflows.page import MaintenancePageWorkflow
from workflows.tenant import TenantMaintenanceWorkflow

logger = structlog.get_logger(__name__)

WORKFLOWS = (MaintenanceWorkflow, MaintenancePageWorkflow, TenantMaintenanceWorkflow)

Result = TypeVar("Result")


@asynccontextmanager
async def built_workers(
    client: Client, settings: Settings, pool: Pool, role: Role = "all"
) -> AsyncIterator[Sequence[Worker]]:
    """Yield the workers of this process, not yet polling, with the models they ask."""
    taken = slots(settings, role)
    async with running_model(settings, pool) as model, running_embedder(settings, pool) as embedder:
        built = []
        if taken.sql:
            built.append(_work(client, settings, pool, taken.sql))
        if taken.model:
            activities = model_activities(settings, pool, model, embedder)
            built.append(_writing(client, settings, activities, taken.model, limited=bool(model or embedder)))
        yield built


def _work(client: Client, settings: Settings, pool: Pool, activities_at_once: int) -> Worker:
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=WORKFLOWS,
        activities=sql_activities(settings, pool, client),
        interceptors=[FailureInterceptor()],
        max_concurrent_activities=activities_at_once,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS,
        max_cached_workflows=cached_workflows(settings),
        workflow_task_poller_behavior=WORKFLOW_POLLERS,
        activity_task_poller_behavior=ACTIVITY_POLLERS,
        sticky_queue_schedule_to_start_timeout=STICKY,
        graceful_shutdown_timeout=GRACE,
        max_heartbeat_throttle_interval=BEAT,
        deployment_config=deployment(settings),
    )


def _writing(
    client: Client, settings: Settings, activities: Sequence[Activity], activities_at_once: int, *, limited: bool
) -> Worker:
    return Worker(
        client,
        task_queue=MODEL_TASK_QUEUE,
        activities=activities,
        interceptors=[FailureInterceptor()],
        max_concurrent_activities=activities_at_once,
        max_task_queue_activities_per_second=settings.model_requests_per_second if limited else None,
        activity_task_poller_behavior=ACTIVITY_POLLERS,
        graceful_shutdown_timeout=GRACE,
        max_heartbeat_throttle_interval=BEAT,
        deployment_config=deployment(settings),
    )


async def run_workers(settings: Settings, role: Role = "all") -> None:
    """Poll until SIGTERM or SIGINT, then let the batches in flight finish.

    Raises:
        MaintenanceError: a server is missing or refuses us, a port is taken, or a worker ended by itself.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runtime, readiness = sdk_runtime(settings), Readiness()
    async with AsyncExitStack() as surroundings:
        surroundings.enter_context(serving_metrics(settings))
        await surroundings.enter_async_context(serving_health(settings, readiness))
        connecting = running_application(settings, runtime=runtime, patient=True)
        app = await _unless(stop, surroundings.enter_async_context(connecting))
        if app is not None:
            _tell(app, role)
            async with built_workers(app.client, settings, app.pool, role) as workers:
                readiness.works_with(**_checks(app, workers))
                await poll_until(stop, workers, stopping=readiness.stops)
    logger.info("worker_stopped")


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result | None:
    """Return what *work* comes to, or None where *stop* was set first and it was cancelled."""
    task, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
    return None if task.cancelled() else task.result()


def _tell(app: Application, role: Role) -> None:
    log_warnings(app.settings)
    WORKER_INFO.labels(role=role, build_id=app.settings.temporal_worker_build_id or "").set(1)
    logger.info(
        "worker_started",
        role=role,
        store=app.settings.store_name,
        temporal=shown_address(app.stack.temporal_address),
        namespace=app.client.namespace,
        build_id=app.settings.temporal_worker_build_id,
        web_ui=app.stack.temporal_ui_url or app.settings.temporal_ui_url,
        writer=app.settings.llm_backend,
    )


def _checks(app: Application, workers: Sequence[Worker]) -> dict[str, Callable[[], Coroutine[Any, Any, object]]]:
    async def polling() -> None:
        if not all(worker.is_running for worker in workers):
            raise RuntimeError("a worker does not poll")

    return {
        "temporal": partial(check_namespace, app.client),
        "postgres": partial(fetch_value, app.pool, "SELECT 1"),
        "polling": polling,
    }


@asynccontextmanager
async def polling(client: Client, settings: Settings, pool: Pool, role: Role = "all") -> AsyncIterator[None]:
    """Let this process's workers poll while the body runs."""
    stop = asyncio.Event()
    async with built_workers(client, settings, pool, role) as workers:
        task = asyncio.create_task(poll_until(stop, workers))
        try:
            yield
        finally:
            stop.set()
            await task


async def poll_until(
    stop: asyncio.Event, workers: Sequence[Worker], *, stopping: Callable[[], None] = lambda: None
) -> None:
    """Let *workers* poll until *stop* is set or one of them ends; stop them side by side."""
    polling = [asyncio.create_task(worker.run()) for worker in workers]
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait([*polling, asked], return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    stopping()
    logger.info("worker_stopping", grace_seconds=GRACE.total_seconds())
    await _stop(workers, polling)
    try:
        await asyncio.gather(*(task for task in polling if not task.cancelled()))
    except RuntimeError as error:
        raise WorkerEndedError(error) from error


async def _stop(workers: Sequence[Worker], polling: Sequence[asyncio.Task[None]]) -> None:
    """Let *workers* end; cancel what is left of one that does not.

    The SDK's core may wait for ever in its last step, after every batch has ended, where an activity
    learned from its heartbeat that its workflow is gone. Nothing is left to lose then.
    """
    stopping = [asyncio.create_task(worker.shutdown()) for worker in workers]
    _, hanging = await asyncio.wait([*polling, *stopping], timeout=(GRACE + FLUSHING).total_seconds())
    for task in hanging:
        task.cancel()
    if hanging:
        logger.warning("worker_left_behind", waited_seconds=(GRACE + FLUSHING).total_seconds())
        await asyncio.wait(hanging)

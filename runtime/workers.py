"""The process that polls: one worker for workflows and SQL, one for steps that may ask a model."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from activities.failures import FailureInterceptor
from memory_maintenance.database.pool import Pool
from memory_maintenance.language_model.question import LanguageModel
from memory_maintenance.settings import Settings
from runtime.wiring import model_activities, running_application, running_model, sql_activities
from workflows.maintenance import MaintenanceWorkflow
from workflows.options import MODEL_TASK_QUEUE, TASK_QUEUE
from workflows.page import MaintenancePageWorkflow
from workflows.tenant import TenantMaintenanceWorkflow

logger = structlog.get_logger(__name__)

WORKFLOWS = (MaintenanceWorkflow, MaintenancePageWorkflow, TenantMaintenanceWorkflow)

GRACE = timedelta(seconds=25)
"""A batch of decay takes some 20 seconds: on shutdown it may finish."""

STICKY = timedelta(seconds=2)
"""After kill -9 a cached workflow waits this long for the dead worker, not the default 10 seconds."""


@asynccontextmanager
async def built_workers(client: Client, settings: Settings, pool: Pool) -> AsyncIterator[Sequence[Worker]]:
    """Yield the workers of this process, not yet polling, with the model they ask."""
    async with running_model(settings, pool) as model:
        yield _workers(client, settings, pool, model)


def _workers(client: Client, settings: Settings, pool: Pool, model: LanguageModel | None) -> tuple[Worker, Worker]:
    work = Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=WORKFLOWS,
        activities=sql_activities(settings, pool),
        interceptors=[FailureInterceptor()],
        max_concurrent_activities=max(1, settings.database_pool_size - 2),
        graceful_shutdown_timeout=GRACE,
        sticky_queue_schedule_to_start_timeout=STICKY,
    )
    writing = Worker(
        client,
        task_queue=MODEL_TASK_QUEUE,
        activities=model_activities(settings, pool, model),
        interceptors=[FailureInterceptor()],
        max_concurrent_activities=settings.model_concurrency,
        max_task_queue_activities_per_second=settings.model_requests_per_second if model else None,
        graceful_shutdown_timeout=GRACE,
    )
    return (work, writing)


async def run_workers(settings: Settings) -> None:
    """Poll until SIGTERM or SIGINT, then let the batches in flight finish.

    Raises:
        MaintenanceError: a server is missing or refuses us.
        Exception: a worker ended by itself, which is fatal.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running_application(settings) as app:
        for warning in settings.warnings():
            logger.warning("setting_without_effect", explanation=warning)
        logger.info(
            "worker_started",
            temporal=app.stack.temporal_address,
            web_ui=app.stack.temporal_ui_url or settings.temporal_ui_url,
            writer=settings.llm_backend,
        )
        async with built_workers(app.client, settings, app.pool) as workers:
            await poll_until(stop, workers)
    logger.info("worker_stopped")


@asynccontextmanager
async def polling(client: Client, settings: Settings, pool: Pool) -> AsyncIterator[None]:
    """Let this process's workers poll while the body runs."""
    stop = asyncio.Event()
    async with built_workers(client, settings, pool) as workers:
        task = asyncio.create_task(poll_until(stop, workers))
        try:
            yield
        finally:
            stop.set()
            await task


async def poll_until(stop: asyncio.Event, workers: Sequence[Worker]) -> None:
    """Let *workers* poll until *stop* is set or one of them ends; stop them side by side."""
    polling = [asyncio.create_task(worker.run()) for worker in workers]
    told = asyncio.create_task(stop.wait())
    await asyncio.wait([*polling, told], return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    logger.info("worker_stopping", grace_seconds=GRACE.total_seconds())
    await asyncio.gather(*(worker.shutdown() for worker in workers))
    await asyncio.gather(*polling)

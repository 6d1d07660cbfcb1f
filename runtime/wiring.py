"""Where the parts of the application meet: settings, pool, workers of the library, activities."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg
import structlog
from temporalio.client import Client
from temporalio.runtime import Runtime

from activities.bulk import BulkActivities
from activities.operations import OperationActivities
from activities.planning import PlanningActivities
from activities.tasks import due_activities, unit_activities
from embedded.stack import Stack, running_database, running_stack
from embedded.temporal import PORT
from memory_maintenance.inspection.figures import reporting_figures
from memory_maintenance.settings import Settings
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import Pool, open_pool
from memory_maintenance.task import Tools
from memory_maintenance.tasks import tasks_with
from memory_maintenance.tenants.known import ensure_known
from memory_maintenance.writers.model.asking import open_model
from memory_maintenance.writers.model.embedder import Embedder, open_embedder
from memory_maintenance.writers.model.question import LanguageModel
from runtime.client import configured_address, connect, connect_patiently
from runtime.search_attributes import SearchAttributes
from runtime.stuck import reporting_late_workflows
from runtime.temporal_command import USUAL_ADDRESSES, temporal_command
from workflows.options import TASK_QUEUE

logger = structlog.get_logger(__name__)

Activity = Callable[..., Any]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Application:
    """What a process works with."""

    settings: Settings
    stack: Stack
    pool: Pool
    client: Client


@asynccontextmanager
async def running_stack_of(settings: Settings) -> AsyncIterator[Stack]:
    """Yield the addresses of the servers, starting those that no setting names.

    An embedded store is ours alone and is migrated here; a configured one only by `starter.py migrate`.
    """
    dsn, temporal_address = settings.database_dsn, configured_address(settings)
    if dsn is None:
        settings.ensure_may_embed("Postgres", "DATABASE_URL")
    if temporal_address is None:
        settings.ensure_may_embed("Temporal server", "TEMPORAL_ADDRESS")
    async with running_stack(
        home=settings.memory_maintenance_home.expanduser(),
        database_url=dsn.get_secret_value() if dsn else None,
        temporal_address=temporal_address,
    ) as stack:
        warn_of_another_port(stack)
        if dsn is None:
            await migrate(stack.database_url)
        yield stack


def warn_of_another_port(stack: Stack) -> None:
    """Log where the embedded Temporal server is if its usual port was taken: `temporal` asks the usual one."""
    if stack.temporal_ui_url is None or stack.temporal_address in USUAL_ADDRESSES:
        return
    address = stack.temporal_address
    words = ("workflow", "start", "--type", "MaintenanceWorkflow", "--task-queue", TASK_QUEUE)
    logger.warning(
        "temporal_port_taken",
        explanation=f"port {PORT} is in use, so the embedded Temporal server listens on {address}",
        start_a_run=temporal_command(address, "default", *words),
    )


@asynccontextmanager
async def running_database_of(settings: Settings) -> AsyncIterator[str]:
    """Yield the address of Postgres, started and migrated where no setting names one; Temporal is left alone."""
    dsn = settings.database_dsn
    if dsn is None:
        settings.ensure_may_embed("Postgres", "DATABASE_URL")
    home = settings.memory_maintenance_home.expanduser()
    async with running_database(home=home, database_url=dsn.get_secret_value() if dsn else None) as address:
        if dsn is None:
            await migrate(address)
        yield address


@asynccontextmanager
async def running_temporal(settings: Settings) -> AsyncIterator[str]:
    """Yield Temporal's address, started where no setting names one; Postgres is left alone."""
    async with running_temporal_stack(settings) as stack:
        yield stack.temporal_address


@asynccontextmanager
async def running_temporal_stack(settings: Settings) -> AsyncIterator[Stack]:
    """Yield what ``running_temporal`` does with the address of the Web UI; ``database_url`` is empty."""
    home, address = settings.memory_maintenance_home.expanduser(), configured_address(settings)
    if address is None:
        settings.ensure_may_embed("Temporal server", "TEMPORAL_ADDRESS")
    async with running_stack(home=home, database_url="", temporal_address=address) as stack:
        warn_of_another_port(stack)
        yield stack


@asynccontextmanager
async def running_store(settings: Settings) -> AsyncIterator[Pool]:
    """Yield a pool on the store, for what needs no Temporal."""
    async with running_database_of(settings) as address, running_pool(settings, address) as pool:
        yield pool


async def in_store(settings: Settings, ask: Callable[[Pool], Awaitable[Found]], *, tenant: str | None = None) -> Found:
    """Return what *ask* finds in the store.

    Raises:
        TenantNotFoundError: *tenant* is named, and the store does not know it.
    """
    async with running_store(settings) as pool:
        if tenant is not None:
            await ensure_known(pool, tenant)
        return await ask(pool)


@asynccontextmanager
async def running_pool(settings: Settings, address: str) -> AsyncIterator[asyncpg.Pool]:
    """Yield a pool on the store at *address*."""
    pool = await open_pool(address, size=settings.database_pool_size, timeout_seconds=settings.database_timeout_seconds)
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def running_model(settings: Settings, pool: Pool) -> AsyncIterator[LanguageModel | None]:
    """Yield the configured model, or None; Temporal retries, so it is not a patient one."""
    model = open_model(settings, pool)
    try:
        yield model
    finally:
        if model:
            await model.close()


@asynccontextmanager
async def running_embedder(settings: Settings, pool: Pool) -> AsyncIterator[Embedder | None]:
    """Yield the configured embedder, or None."""
    embedder = open_embedder(settings, pool)
    try:
        yield embedder
    finally:
        if embedder:
            await embedder.close()


@asynccontextmanager
async def running_application(
    settings: Settings, *, runtime: Runtime | None = None, patient: bool = False
) -> AsyncIterator[Application]:
    """Yield a process's surroundings: servers, pool and Temporal client; *patient*: wait for Temporal to be up."""
    connecting = connect_patiently if patient else connect
    async with running_stack_of(settings) as stack, running_pool(settings, stack.database_url) as pool:
        client = await connecting(stack.temporal_address, settings, runtime=runtime)
        with reporting_figures(pool, settings), reporting_late_workflows(client, settings):
            yield Application(settings, stack, pool, client)


def sql_activities(settings: Settings, pool: Pool, client: Client) -> Sequence[Activity]:
    """Return the activities of the queue ``memory-maintenance``."""
    ready = tasks_with(Tools(pool, settings))
    planning = PlanningActivities(pool, settings, ready, SearchAttributes(client).registered)
    operations = OperationActivities(pool)
    return (
        planning.open_cycle,
        planning.plan_page,
        planning.record_page,
        planning.close_cycle,
        planning.deliver_events,
        planning.foresee_costs,
        operations.look_up_tenant,
        operations.carry_out_order,
        BulkActivities({task.spec.name: task for task in ready}).maintain_tenants,
        *due_activities(ready),
        # Also of tasks that ask a model: a dry run asks none, so it waits for no rate and for no worker of that role.
        *unit_activities(ready),
    )


def model_activities(
    settings: Settings, pool: Pool, model: LanguageModel | None, embedder: Embedder | None
) -> Sequence[Activity]:
    """Return the activities of the queue ``memory-maintenance-llm``."""
    tasks = tasks_with(Tools(pool, settings, model, embedder))
    return unit_activities([task for task in tasks if task.spec.queue == "model"])

"""How much one worker process takes on at once: every number, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import PollerBehaviorAutoscaling, WorkerDeploymentConfig

from memory_maintenance.settings import Settings

Role = Literal["all", "workflows", "model"]
"""all: both task queues; workflows: workflows and SQL; model: the steps that may ask a model."""

SPARE_CONNECTIONS: Final = 2
"""For what holds a connection for milliseconds only: the model's steps between two calls, and /readyz."""

WORKFLOW_TASKS: Final = 16
"""At once: they share one interpreter lock, and one that waits for its turn longer than two seconds
counts as deadlocked. Sixteen of some 15 ms each are through in a quarter of a second."""

CACHED_WORKFLOWS: Final = 500
"""At the least; some 0.1 MB each."""

WORKFLOW_POLLERS: Final = PollerBehaviorAutoscaling(minimum=2, initial=4, maximum=16)
"""The server says when more or fewer are worth while: two hold an idle worker's queue open, and
more than there are slots would wait for one."""

ACTIVITY_POLLERS: Final = PollerBehaviorAutoscaling(minimum=1, initial=4, maximum=16)

GRACE: Final = timedelta(seconds=25)
"""A batch of decay takes some 20 seconds: on shutdown it may finish."""

FLUSHING: Final = timedelta(seconds=5)
"""After the grace, for cancelled batches to roll back and tell the server. Deployments allow 40 seconds in all."""

STICKY: Final = timedelta(seconds=2)
"""After kill -9 a cached workflow waits this long for the dead worker, not the default 10 seconds."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Activities at once, per task queue; 0: this worker does not poll it."""

    sql: int
    model: int


def slots(settings: Settings, role: Role) -> Slots:
    """Return how many activities a worker of *role* runs at once: no SQL step ever waits for a connection."""
    sql = max(1, settings.database_pool_size - SPARE_CONNECTIONS)
    return Slots(sql=0 if role == "model" else sql, model=0 if role == "workflows" else settings.model_concurrency)


def cached_workflows(settings: Settings) -> int:
    """Return how many workflows a worker keeps in memory: those of two cycles, daily and hourly, in their windows."""
    in_a_cycle = 1 + settings.maintenance_pages_at_once * (1 + settings.maintenance_tenants_at_once)
    return max(CACHED_WORKFLOWS, 2 * in_a_cycle)


def deployment(settings: Settings) -> WorkerDeploymentConfig | None:
    """Return the worker's version, None where workers have none.

    A run ends on the build it started on: its code then never has to replay what another wrote.
    """
    if settings.temporal_worker_deployment_name is None or settings.temporal_worker_build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(
            deployment_name=settings.temporal_worker_deployment_name, build_id=settings.temporal_worker_build_id
        ),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )

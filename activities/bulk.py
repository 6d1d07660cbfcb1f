"""The activity that does the work of many small tenants, one after the other."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from temporalio import activity

from activities.heartbeat import is_interrupted, remember
from activities.messages import BulkRequest, BulkResult
from memory_maintenance.cycles.bulk import maintain_small
from memory_maintenance.cycles.outcomes import SmallTenant
from memory_maintenance.task import AnyTask
from memory_maintenance.work import Run, TenantPlan

SECONDS: Final = 20.0
"""After this long a step begins no further tenant."""


@dataclass(frozen=True, slots=True)
class BulkActivities:
    """What is done for many tenants in one step."""

    tasks: Mapping[str, AnyTask]

    @activity.defn(name="maintain_tenants")
    async def maintain_tenants(self, request: BulkRequest) -> BulkResult:
        """Do small tenants' work, for some 20 seconds and at least one tenant; obey a cancellation between tenants.

        Safe to retry: the units are. A retry goes on at the tenant of the last heartbeat.
        """
        began, done = time.monotonic(), _done_before()
        finished = done.tenant_ids
        for plan in request.plans:
            if plan.tenant_id in finished:
                continue
            remember(done, plan.tenant_id)
            found, cancelled = await self._uninterrupted(plan, request.run)
            done = done.plus(found)
            if cancelled or time.monotonic() - began >= SECONDS:
                break
        return done

    async def _uninterrupted(self, plan: TenantPlan, run: Run) -> tuple[SmallTenant, bool]:
        """Return what became of a tenant, and whether the step was cancelled meanwhile."""
        work = asyncio.create_task(maintain_small(self.tasks, plan, run))
        try:
            return await asyncio.shield(work), False
        except asyncio.CancelledError:
            if is_interrupted():
                work.cancel()
                raise  # another attempt goes on at this tenant
            return await work, True


def _done_before() -> BulkResult:
    """Return what an earlier attempt had done by its last heartbeat."""
    details = activity.info().heartbeat_details
    return BulkResult.model_validate(details[0]) if details else BulkResult()

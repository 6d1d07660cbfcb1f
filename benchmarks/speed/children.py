"""The least that Temporal can do for a fleet: a child workflow per tenant, with one activity that does nothing.

Pages, windows and options are those of ``workflows/``; so what this takes is the price of a
child per tenant on this machine, whoever writes the workflows.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from workflows.options import PAGES_AT_ONCE, TENANTS_AT_ONCE, sql

QUEUE = "speed-children"


@activity.defn
async def nothing(tenant_id: str) -> str:
    """Do nothing."""
    return tenant_id


@workflow.defn
class EmptyTenantWorkflow:
    """One tenant: one activity that does nothing."""

    @workflow.run
    async def run(self, tenant_id: str) -> str:
        """Do it."""
        return await workflow.execute_activity(
            nothing, tenant_id, **sql(workflow.now() + timedelta(hours=1)) | {"task_queue": QUEUE}
        )


@workflow.defn
class EmptyPageWorkflow:
    """A page of tenants, some at once."""

    @workflow.run
    async def run(self, tenants: list[str]) -> int:
        """Start a child for each and return how many have ended."""
        slots = asyncio.Semaphore(TENANTS_AT_ONCE)

        async def one(tenant_id: str) -> str:
            async with slots:
                return await workflow.execute_child_workflow(
                    EmptyTenantWorkflow.run, tenant_id, id=f"{workflow.info().workflow_id}/{tenant_id}"
                )

        return len(await asyncio.gather(*map(one, tenants)))


@workflow.defn
class EmptyFleetWorkflow:
    """All pages, some at once."""

    @workflow.run
    async def run(self, pages: list[list[str]]) -> int:
        """Start a child for each and return how many tenants have ended."""
        slots = asyncio.Semaphore(PAGES_AT_ONCE)

        async def one(number: int, tenants: list[str]) -> int:
            async with slots:
                return await workflow.execute_child_workflow(
                    EmptyPageWorkflow.run, tenants, id=f"{workflow.info().workflow_id}/page-{number}"
                )

        return sum(await asyncio.gather(*(one(number, tenants) for number, tenants in enumerate(pages))))

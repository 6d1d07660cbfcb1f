"""Watching a run costs little: queries are Actions on Temporal Cloud."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

from temporalio.client import Client, Interceptor, OutboundInterceptor, QueryWorkflowInput
from temporalio.service import RPCError

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, transaction
from runtime.runs import Run, progress_of, start_run
from runtime.workers import polling
from tests.large_fleet import a_fleet
from workflows.messages import MaintenanceRequest


class Counting(Interceptor):
    """Counts the queries that a client sends, by name."""

    def __init__(self) -> None:
        self.queries: Counter[str] = Counter()

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        outer = self

        class Outbound(OutboundInterceptor):
            async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002
                outer.queries[input.query] += 1
                return await super().query_workflow(input)

        return Outbound(next)


async def _tenants_done(client: Client, run: Run) -> int:
    with suppress(RPCError):  # a page of the root that has not started yet
        return (await progress_of(client, run)).totals.tenants
    return 0


async def test_a_look_at_a_run_asks_the_root_twice_and_each_page_once(temporal, pool):
    tenants, counting, planned = await a_fleet(pool, 3), Counting(), dict[str, int]()
    client = Client(**{**temporal.config(), "interceptors": [counting]})
    async with polling(temporal, Settings(_env_file=None), pool):
        async with transaction(pool) as holding:
            await execute(holding, "INSERT INTO maintenance.tenants (tenant_id) VALUES ($1)", tenants[2])
            run = await start_run(client, MaintenanceRequest())
            async with asyncio.timeout(60):
                while await _tenants_done(client, run) < 2:
                    await asyncio.sleep(0.05)
            counting.queries.clear()
            looks = [await progress_of(client, run, planned) for _ in range(3)]
        await run.result()
    assert [(look.tenants_behind, look.waiting) for look in looks] == [(2, 1)] * 3
    assert counting.queries == {"progress": 6, "running_pages": 3, "planned": 1}

"""Cycles over a small fixed store on real servers, and the numbers that depend on the code alone.

Left out, as they depend on the machine or on chance: workflow tasks (how many completions arrive
together), rows read (the planner's choice), the rows of ``model_budgets`` (who is first to insert the
row that all share), what asyncpg asks once for each connection, and time.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio.client import Client

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import open_pool
from runtime.workers import polling
from scripted_endpoint.server import ScriptedEndpoint
from tests.agents import AS_OF, json_codec
from tests.counts.histories import counted, histories, payloads
from tests.counts.statements import rows_written, watched_pool
from tests.counts.store import fill
from tests.counts.table import Counts
from tests.model_path import honest
from workflows.options import TASK_QUEUE

PARTS: Final = ("tenants", "decay", "summarization", "dreaming", "embedding")
"""Of a cycle's statistics."""


async def measure_without_model(temporal: Client, url: str) -> Counts:
    """Return the numbers of four cycles whose texts are written without a model."""
    cycles = Cycles(temporal, url, Settings(_env_file=None, rae_llm_backend="extractive"))
    counts = await cycles.one("nobody there", AS_OF)
    await cycles.fill()
    counts |= await cycles.one("first night", AS_OF)
    counts |= await cycles.one("first night again", AS_OF)
    return counts | await cycles.one("next night", AS_OF + timedelta(days=1))


async def measure_with_model(temporal: Client, url: str, endpoint: ScriptedEndpoint) -> Counts:
    """Return the numbers of two cycles with a model that answers well, and how often it was asked."""
    endpoint.otherwise = honest
    chosen = {"rae_llm_backend": "openai", "openai_base_url": endpoint.base_url, "openai_api_key": "none"}
    cycles = Cycles(temporal, url, Settings.model_validate(chosen))
    await cycles.fill()
    counts: Counts = {}
    for name in ("model", "model again"):
        before = len(endpoint.requests)
        counts |= await cycles.one(name, AS_OF)
        counts[name, "model", "requests"] = len(endpoint.requests) - before
    return counts


class Cycles:
    """Cycles over one store, counted one by one."""

    def __init__(self, temporal: Client, url: str, settings: Settings) -> None:
        self._temporal = temporal
        self._url = url
        self._settings = settings
        self._number = 0

    async def fill(self) -> None:
        """Write the memories."""
        pool = await open_pool(self._url, size=1, timeout_seconds=30, init=json_codec)
        await fill(pool)
        await pool.close()

    async def one(self, name: str, as_of: datetime) -> Counts:
        """Run a cycle as of *as_of* and return its numbers, each under *name*."""
        self._number += 1
        workflow_id = f"cycle-{self._number}"
        rows = await rows_written(self._url)
        async with watched_pool(self._url) as (pool, sent), polling(self._temporal, self._settings, pool):
            stats = await self._temporal.execute_workflow(
                "MaintenanceWorkflow", {"as_of": as_of.isoformat()}, id=workflow_id, task_queue=TASK_QUEUE
            )
        rows = await rows_written(self._url) - rows
        kinds = {"did": _done(stats), "rows": rows, "sql": sent, **await self._kept(workflow_id)}
        return {(name, kind, what): count for kind, counts in kinds.items() for what, count in counts.items() if count}

    async def _kept(self, workflow_id: str) -> dict[str, Mapping[str, int]]:
        kept: Counter[str] = Counter()
        sizes: dict[str, list[int]] = {}
        async for history in histories(self._temporal, workflow_id):
            kept += counted(history)
            for what, size in payloads(history):
                sizes.setdefault(what, []).append(size)
        largest = {what: max(each) for what, each in sizes.items() if len(each) > 1}
        return {"temporal": kept, "bytes": {what: sum(each) for what, each in sizes.items()}, "largest bytes": largest}


def _done(stats: dict[str, Any]) -> dict[str, int]:
    return {
        f"{part} {name}": count
        for part in PARTS
        for name, count in stats[part].items()
        if isinstance(count, int) and not isinstance(count, bool)
    }

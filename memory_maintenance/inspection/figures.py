"""The figures of the store that every scrape asks for: few, and cheap however many memories there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import asyncpg

from memory_maintenance.cycles.outcomes import CycleTotals
from memory_maintenance.inspection.model_answers import newest_answers
from memory_maintenance.inspection.preflight import latest_findings
from memory_maintenance.inspection.successes import last_successes
from memory_maintenance.observability.store_metrics import PoolFigures, StoreCollector, StoreFigures, registered
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor, Pool, fetch, fetch_row, fetch_value, snapshot
from memory_maintenance.summarization.takeover import failed_night
from memory_maintenance.tasks import TASKS
from memory_maintenance.writers.model.budget import DEPLOYMENT, used

NEWEST_TOTALS: Final = """
-- inspection.NEWEST_TOTALS: what the newest completed daily cycle over the whole fleet came to.
SELECT totals::text AS totals FROM maintenance.cycles
WHERE kind = 'daily' AND status = 'completed' AND config->>'named_tenants' IS NULL AND completed_at <= now()
ORDER BY completed_at DESC LIMIT 1
"""

DECAYED_LONGEST_AGO: Final = """
-- inspection.DECAYED_LONGEST_AGO: tenants that decay is on for, by the age of their last decay in seconds.
-- A tenant without memories stays in the table for ever: the caller looks for the first that has some.
SELECT tenant_id, greatest(extract(epoch FROM now() - decay_completed_as_of)::float8, 0) AS age
FROM maintenance.tenants
WHERE decay_completed_as_of IS NOT NULL AND decay_off_since IS NULL
      AND NOT maintenance.is_paused(paused, paused_until)
      AND to_regclass('memories') IS NOT NULL
ORDER BY decay_completed_as_of, tenant_id
LIMIT 100
"""

HAS_MEMORIES: Final = """
-- inspection.HAS_MEMORIES: whether a tenant has any.
--   $1 tenant_id  its own type
SELECT EXISTS (SELECT FROM memories WHERE tenant_id = $1)
"""

OPEN_BREAKERS: Final = """
-- inspection.OPEN_BREAKERS: how many endpoints every process leaves alone for now.
SELECT count(*)::integer FROM maintenance.model_breaker WHERE opened_until > now()
"""


async def store_figures(pool: Pool, settings: Settings) -> StoreFigures:
    """Return what the store says, as of one instant."""
    async with snapshot(pool) as db:
        totals = await newest_totals(db)
        return StoreFigures(
            last_success={one.kind: one.completed_at.timestamp() for one in await last_successes(db)},
            decay_lag_seconds=await _decay_lag(db) if settings.memory_importance_decay_enabled else None,
            left_undone=left_undone(totals) if totals else {},
            budget_left=await _budget_left(db, settings) if settings.llm_backend == "openai" else {},
            open_breakers=await fetch_value(db, OPEN_BREAKERS),
            model_unusable=(await newest_answers(db)).shares if settings.llm_backend == "openai" else {},
            fallback_takeover=await failed_night(db, settings) is not None,
            findings=[
                (cycle.kind, one.check, one.severity) for cycle in await latest_findings(db) for one in cycle.findings
            ],
        )


async def _decay_lag(db: Executor) -> float | None:
    for row in await fetch(db, DECAYED_LONGEST_AGO):
        if await fetch_value(db, HAS_MEMORIES, row["tenant_id"]):
            return float(row["age"])
    return None


async def newest_totals(db: Executor) -> CycleTotals | None:
    """Return what the newest completed daily cycle over the whole fleet came to; None where no such cycle exists."""
    row = await fetch_row(db, NEWEST_TOTALS)
    return CycleTotals.model_validate_json(row["totals"]) if row and row["totals"] else None


def left_undone(totals: CycleTotals) -> dict[str, int]:
    """Return how many tenants, and units of each task, a cycle left to the next one, by unit."""
    tenants = sum(totals.statuses.get(status, 0) for status in ("failed", "page_failed", "out_of_time"))
    return {"tenant": tenants} | {task.spec.unit: task.left_undone(totals.of(task.spec.name)) for task in TASKS}


async def _budget_left(db: Executor, settings: Settings) -> dict[str, float]:
    tokens, cost = await used(db, DEPLOYMENT)
    return {"tokens": _left(tokens, settings.model_daily_tokens), "money": _left(cost, settings.model_daily_cost)}


def _left(taken: Any, limit: Any) -> float:
    return max(0.0, float(1 - taken / limit)) if limit else 0.0


@contextmanager
def reporting_figures(pool: asyncpg.Pool, settings: Settings) -> Iterator[None]:
    """Let scrapes of this process read the figures of the store meanwhile; to be entered in the pool's loop."""
    read, loop = partial(store_figures, pool, settings), asyncio.get_running_loop()
    with registered(StoreCollector(read, partial(_lent, pool), loop)):
        yield


def _lent(pool: asyncpg.Pool) -> PoolFigures:
    return PoolFigures(in_use=pool.get_size() - pool.get_idle_size(), most=pool.get_max_size())

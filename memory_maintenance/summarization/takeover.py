"""Who writes fallbacks: RAE's text, until a model has failed for a whole night."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor, fetch_value
from memory_maintenance.writers.model.next_steps import NEXT_STEPS
from memory_maintenance.writers.model.openai_errors import FORBIDDEN_REASONS

FAILED_NIGHT: Final = """
-- summarization.FAILED_NIGHT: the newest daily cycle over the fleet before a run in which a model failed at sessions,
-- unless it has given a usable text from that cycle's start on to the start of the run.
--   $1 cycle_id  uuid    the run; without a row, or NULL: what starts now
--   $2 reasons   text[]  why a model fails
--   $3 model     text    the one that is asked
-- Everything it reads was written before the run started, so that a run gets one answer, however often it asks.
WITH run AS (
    SELECT coalesce((SELECT started_at FROM maintenance.cycles WHERE cycle_id = $1), now()) AS started_at
),
night AS (
    SELECT c.started_at FROM maintenance.cycles c CROSS JOIN run
    WHERE c.kind = 'daily' AND c.status = 'completed' AND c.completed_at <= run.started_at
          AND c.config->>'named_tenants' IS NULL AND c.totals->'summarization'->'reasons' ?| $2::text[]
    ORDER BY c.started_at DESC LIMIT 1
)
SELECT night.started_at FROM night CROSS JOIN run
WHERE NOT EXISTS (
    SELECT FROM maintenance.model_calls m
    WHERE m.state = 'accepted' AND m.purpose <> 'embedding' AND m.model = $3
          AND m.answered_at >= night.started_at AND m.answered_at < run.started_at
)
"""

_FAILS: Final = sorted(NEXT_STEPS.keys() - FORBIDDEN_REASONS)
"""Quota and credentials leave sessions due: there is no fallback to take over."""


async def failed_night(db: Executor, settings: Settings, cycle_id: UUID | None = None) -> datetime | None:
    """Return when the night began in which the model failed at everything; None: it did not, or has succeeded since.

    Args:
        db: of the store.
        settings: of the deployment or a tenant, whose model it is; None too where they switch the takeover off.
        cycle_id: the run that asks; None: what would start now.
    """
    if not settings.summarization_fallback_takeover or settings.llm_backend != "openai":
        return None
    started: datetime | None = await fetch_value(db, FAILED_NIGHT, cycle_id, _FAILS, settings.model_of_summaries)
    return started

"""Which projects have something to dream about, as planning and the runs ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from memory_maintenance.dreaming.due_statements import DREAM_COUNTS, DUE_PROJECTS, LAST_EVENT
from memory_maintenance.dreaming.policy import DreamRule
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor, fetch, fetch_value


async def planned_dreams(
    db: Executor, tenant_ids: Sequence[str], as_of: datetime, *, settings: Settings, few: int
) -> dict[str, int | list[str]]:
    """Return how many projects of each tenant can dream, or up to *few* of them which, by name.

    Tenants without one are left out.
    """
    rows = await fetch(db, DREAM_COUNTS, *_arguments(tenant_ids, as_of, settings), few)
    return {row["tenant_id"]: row["projects"] if row["names"] is None else row["names"] for row in rows}


async def due_projects(
    db: Executor, tenant_id: str, *, as_of: datetime, settings: Settings, after: str | None = None, limit: int = 100
) -> list[str]:
    """Return a tenant's next projects after *after* that can dream, by name; fewer than *limit* are the last ones."""
    rows = await fetch(db, DUE_PROJECTS, *_arguments([tenant_id], as_of, settings), after, limit)
    return [row["project"] for row in rows]


def _arguments(tenant_ids: Sequence[str], as_of: datetime, settings: Settings) -> tuple[Any, ...]:
    rule = DreamRule.of(settings)
    chosen = (rule.lookback, settings.dreaming, rule.min_importance, rule.max_samples)
    return list(tenant_ids), as_of, *chosen, list(settings.derivation_excluded_classes), rule.gate


async def last_event_within(db: Executor, tenant_id: str, as_of: datetime, gate: timedelta) -> datetime | None:
    """Return the time of a tenant's last event where it is younger than *gate*; None: it may dream."""
    found: datetime | None = await fetch_value(db, LAST_EVENT, tenant_id, as_of, gate) if gate else None
    return found

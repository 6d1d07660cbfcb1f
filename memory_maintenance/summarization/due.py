"""Which sessions are due, as planning and the runs ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor, fetch
from memory_maintenance.summarization.due_statements import DUE_COUNTS, DUE_SESSIONS
from memory_maintenance.summarization.policy import DueRule, SessionKey
from memory_maintenance.work import Run
from memory_maintenance.writers.model.backend import deployment_backend

PAGE: Final = 100
_EVER: Final = timedelta(days=365_000)


async def due_session_counts(db: Executor, tenant_ids: Sequence[str], run: Run, settings: Settings) -> dict[str, int]:
    """Return how many sessions of each tenant are due in *run*; tenants without one are left out."""
    found = await planned_sessions(db, tenant_ids, run, settings, few=0)
    return {tenant_id: due if isinstance(due, int) else len(due) for tenant_id, due in found.items()}


async def planned_sessions(
    db: Executor, tenant_ids: Sequence[str], run: Run, settings: Settings, *, few: int
) -> dict[str, int | list[SessionKey]]:
    """Return how many sessions of each tenant are due in *run*, or up to *few* of them which, by project and id.

    *settings* are the deployment's: the statement applies the overrides of each tenant.
    """
    rule = DueRule.of(settings, daily=run.daily, backfill_days=run.backfill_days)
    rows = await fetch(db, DUE_COUNTS, *due_arguments(tenant_ids, run.as_of, rule, settings, run.project), few)
    return {row["tenant_id"]: row["sessions"] if row["projects"] is None else _sessions(row) for row in rows}


def _sessions(row: Any) -> list[SessionKey]:
    both = zip(row["projects"], row["session_ids"], strict=True)
    return [SessionKey(row["tenant_id"], project, session_id) for project, session_id in both]


async def due_sessions(
    db: Executor,
    tenant_id: str,
    run: Run,
    settings: Settings,
    *,
    after: SessionKey | None = None,
    limit: int = PAGE,
) -> list[SessionKey]:
    """Return a tenant's next due sessions after *after*, by project and id; fewer than *limit* are the last ones."""
    rule = DueRule.of(settings, daily=run.daily, backfill_days=run.backfill_days)
    return await _page(db, tenant_id, run.as_of, rule, settings, run.project, after, limit)


async def long_sessions(
    db: Executor,
    tenant_id: str,
    project: str | None,
    *,
    as_of: datetime,
    event_threshold: int,
    after: SessionKey | None = None,
    settings: Settings,
) -> list[SessionKey]:
    """Return a project's next sessions of at least *event_threshold* new events, however old."""
    hourly = DueRule.of(settings, daily=False)
    rule = replace(hourly, min_events=event_threshold, idle=timedelta(0), backfill=_EVER, reach=None)
    always = settings.model_copy(update={"summarization_enabled": True})
    return await _page(db, tenant_id, as_of, rule, always, project, after, PAGE)


async def _page(
    db: Executor,
    tenant_id: str,
    as_of: datetime,
    rule: DueRule,
    settings: Settings,
    project: str | None,
    after: SessionKey | None,
    limit: int,
) -> list[SessionKey]:
    start = (after.project_name, after.session_id) if after else (None, None)
    rows = await fetch(db, DUE_SESSIONS, *due_arguments([tenant_id], as_of, rule, settings, project), *start, limit)
    return [SessionKey(tenant_id, row["project"], row["session_id"]) for row in rows]


def due_arguments(
    tenant_ids: Sequence[str], as_of: datetime, rule: DueRule, settings: Settings, project: str | None = None
) -> tuple[Any, ...]:
    """Return the parameters $1 to $15 of the statements about due sessions."""
    threshold = rule.event_threshold if rule.daily else None
    return (
        list(tenant_ids),
        as_of,
        settings.summarization_enabled,
        rule.idle,
        rule.min_events,
        threshold,
        rule.backfill,
        deployment_backend(settings),
        project,
        settings.model_daily_tokens_per_tenant,
        settings.model_daily_cost_per_tenant,
        rule.since(as_of),
        list(settings.derivation_excluded_classes),
        list(settings.model_excluded_classes),
        rule.gate,
    )

"""What the texts that a dry run foresees take of a model, and whether today's budgets have it."""

from __future__ import annotations

from decimal import Decimal

from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome
from memory_maintenance.cycles.preview import PreviewCosts
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor
from memory_maintenance.tenants.control import load_tenant
from memory_maintenance.writers.model.budget import DEPLOYMENT, daily_limits, prices, tenant_scope, used


async def preview_costs(db: Executor, settings: Settings, totals: CycleTotals) -> PreviewCosts:
    """Return what *totals*, those of a dry run, take at most. Reads only."""
    read, written, cost = _taken(settings, totals)
    limits, (tokens, spent) = daily_limits(settings), await used(db, DEPLOYMENT)
    over = [one.tenant_id for one in totals.foreseen if not await _suffices(db, settings, one)]
    return PreviewCosts(
        input_tokens=read,
        output_tokens=written,
        cost=float(cost),
        tokens_left=max(0, limits.tokens - tokens),
        cost_left=float(max(Decimal(0), limits.cost - spent)),
        tenants_over_budget=tuple(over),
    )


def _taken(settings: Settings, done: CycleTotals | TenantOutcome) -> tuple[int, int, Decimal]:
    """Return tokens read and written, and what they cost."""
    embedded = done.of("embedding").input_tokens
    embedding_cost = prices(settings, settings.embedding_model).cost(embedded, 0)
    read = sum(counts.input_tokens for counts in done.by_task.values())
    written = sum(counts.output_tokens for counts in done.by_task.values())
    return read, written, prices(settings).cost(read - embedded, written) + embedding_cost


async def _suffices(db: Executor, settings: Settings, outcome: TenantOutcome) -> bool:
    read, written, cost = _taken(settings, outcome)
    if not read:  # no model is asked; unreadable overrides have failed the tenant already
        return True
    limits = daily_limits((await load_tenant(db, outcome.tenant_id, settings)).settings)
    tokens, spent = await used(db, tenant_scope(outcome.tenant_id))
    return tokens + read + written <= limits.tenant_tokens and spent + cost <= limits.tenant_cost

"""What the texts that a dry run foresees take of a model, and whether today's budgets have it."""

from __future__ import annotations

from decimal import Decimal

from memory_maintenance.cycles.outcomes import ByTask, CycleTotals, TenantOutcome
from memory_maintenance.cycles.preview import PreviewCosts
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor
from memory_maintenance.tenants.control import load_tenant
from memory_maintenance.writers.model.budget import DEPLOYMENT, daily_limits, prices, tenant_scope, used


async def preview_costs(db: Executor, settings: Settings, totals: CycleTotals) -> PreviewCosts:
    """Return what *totals*, those of a dry run, take at most. Reads only.

    What the tenants named take is priced by the models of their own overrides.
    """
    read, written, cost = _taken(settings, totals)
    limits, (tokens, spent) = daily_limits(settings), await used(db, DEPLOYMENT)
    over = []
    for outcome in totals.foreseen:
        if not sum(_taken(settings, outcome)[:2]):  # no model is asked; unreadable overrides have failed the tenant
            continue
        own = (await load_tenant(db, outcome.tenant_id, settings)).settings
        cost += _taken(own, outcome)[2] - _taken(settings, outcome)[2]
        if not await _suffices(db, own, outcome):
            over.append(outcome.tenant_id)
    return PreviewCosts(
        input_tokens=read,
        output_tokens=written,
        cost=float(cost),
        tokens_left=max(0, limits.tokens - tokens),
        cost_left=float(max(Decimal(0), limits.cost - spent)),
        tenants_over_budget=tuple(over),
    )


def _taken(settings: Settings, done: ByTask) -> tuple[int, int, Decimal]:
    """Return tokens read and written, and what they cost: each task at the prices of its model."""
    models = {
        "summarization": settings.model_of_summaries,
        "dreaming": settings.model_of_dreams,
        "embedding": settings.embedding_model or settings.rae_llm_model_default,
    }
    read = written = 0
    cost = Decimal(0)
    for task, counts in done.by_task.items():
        read += counts.input_tokens
        written += counts.output_tokens
        price = prices(settings, models.get(task, settings.rae_llm_model_default))
        cost += price.cost(counts.input_tokens, counts.output_tokens)
    return read, written, cost


async def _suffices(db: Executor, own: Settings, outcome: TenantOutcome) -> bool:
    read, written, cost = _taken(own, outcome)
    limits = daily_limits(own)
    tokens, spent = await used(db, tenant_scope(outcome.tenant_id))
    return tokens + read + written <= limits.tenant_tokens and spent + cost <= limits.tenant_cost

"""Who writes: a model, the extractive writer, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # policies use this, and load no settings
    from memory_maintenance.settings import Settings

Backend = Literal["openai", "extractive", "none"]


def backend_of(settings: Settings) -> Backend:
    """Return who writes for a tenant with these settings: a budget of nothing means the extractive writer."""
    budget = (settings.model_daily_tokens_per_tenant, settings.model_daily_cost_per_tenant)
    backend = deployment_backend(settings)
    return "extractive" if backend == "openai" and 0 in budget else backend


def deployment_backend(settings: Settings) -> Backend:
    """Return who writes for tenants that may use something."""
    budgets = (settings.model_daily_tokens, settings.model_daily_cost)
    return "extractive" if settings.llm_backend == "openai" and 0 in budgets else settings.llm_backend

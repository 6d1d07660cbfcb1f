"""Who writes: a model, the extractive writer, or nobody."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Protocol

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.writers.model.asking import PatientModel, open_model
from memory_maintenance.writers.model.question import LanguageModel

Backend = Literal["openai", "extractive", "none"]


class OwnBudget(Protocol):
    """What a tenant may use in a UTC day where that differs from the deployment's settings; None: it does not."""

    @property
    def daily_tokens(self) -> int | None:
        """Tokens of both directions."""
        ...

    @property
    def daily_cost(self) -> Decimal | None:
        """Money, in the currency of the prices."""
        ...


def backend_of(settings: Settings, own: OwnBudget | None = None) -> Backend:
    """Return who writes for a tenant with the budget *own*: a budget of nothing means the extractive writer."""
    tokens, cost = (own.daily_tokens, own.daily_cost) if own else (None, None)
    budget = (
        settings.model_daily_tokens_per_tenant if tokens is None else tokens,
        settings.model_daily_cost_per_tenant if cost is None else cost,
    )
    backend = deployment_backend(settings)
    return "extractive" if backend == "openai" and 0 in budget else backend


def deployment_backend(settings: Settings) -> Backend:
    """Return who writes for tenants that may use something."""
    budgets = (settings.model_daily_tokens, settings.model_daily_cost)
    return "extractive" if settings.llm_backend == "openai" and 0 in budgets else settings.llm_backend


def own_model(settings: Settings, pool: Pool) -> LanguageModel:
    """Return the configured model for a caller without Temporal: it waits as told.

    Raises:
        SettingsError: the settings name no model.
    """
    model = open_model(settings, pool)
    if model is None:
        raise SettingsError("no model is configured: set OPENAI_BASE_URL or OPENAI_API_KEY")
    return PatientModel(model)

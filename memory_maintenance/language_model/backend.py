"""Who writes: a model, the extractive writer, or nobody."""

from __future__ import annotations

from typing import Literal

from memory_maintenance.database.pool import Pool
from memory_maintenance.errors import SettingsError
from memory_maintenance.language_model.asking import PatientModel, open_model
from memory_maintenance.language_model.question import LanguageModel
from memory_maintenance.settings import Settings

Backend = Literal["openai", "extractive", "none"]


def backend_of(settings: Settings) -> Backend:
    """Return who writes under *settings*: a budget of nothing means the extractive writer."""
    budgets = (
        settings.model_daily_tokens,
        settings.model_daily_tokens_per_tenant,
        settings.model_daily_cost,
        settings.model_daily_cost_per_tenant,
    )
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

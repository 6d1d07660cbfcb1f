"""RAE's DreamingWorker."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from memory_maintenance.dreaming.outcome import skipped
from memory_maintenance.dreaming.policy import DreamRule
from memory_maintenance.dreaming.task import Dreaming
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import load_tenant
from memory_maintenance.work import Run
from memory_maintenance.writers.model.asking import patient_model
from memory_maintenance.writers.model.question import LanguageModel


class DreamingWorker:
    """Reflects on a project's recent important memories.

    A sample is dreamt about once, however often and by however many this is called.

    Args:
        pool: connections to the store.
        settings: unset, those of the environment.
        model: unset, the one that the settings name.
    """

    def __init__(self, pool: Pool, settings: Settings | None = None, model: LanguageModel | None = None) -> None:
        settings = settings or load_settings()
        self._task = Dreaming(Tools(pool, settings, model or patient_model(settings, pool)))

    async def run_dreaming_cycle(
        self,
        tenant_id: str,
        project_id: str | None,
        lookback_hours: float = 24,
        min_importance: float = 0.6,
        max_samples: int = 20,
    ) -> list[dict[str, str]]:
        """Dream for one project; return the ids of what was stored: one entry, or none.

        ``strategy_id`` is there only where the reflection came with a strategy.
        """
        pool, settings = self._task.tools.pool, self._task.tools.settings
        tenant = await load_tenant(pool, tenant_id, settings)
        if tenant.paused:
            return []
        if reason := self._task.off(tenant.settings):
            skipped(tenant_id, project_id, reason)
            return []
        run = Run(cycle_id=uuid4(), as_of=await checked_as_of(pool, None))
        rule = DreamRule(timedelta(hours=lookback_hours), min_importance, max_samples)
        outcome = await self._task.dream(tenant, project_id, run, rule=rule)
        ids = {"reflection_id": outcome.reflection_id, "strategy_id": outcome.strategy_id}
        found = {name: str(one) for name, one in ids.items() if one}
        return [found] if outcome.status == "stored" else []

"""RAE's DreamingWorker."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import structlog

from memory_maintenance.dreaming.outcome import skipped
from memory_maintenance.dreaming.policy import DreamRule
from memory_maintenance.dreaming.task import Dreaming
from memory_maintenance.errors import InvalidRequestError, StoreError
from memory_maintenance.rae.engine import ReflectionEngineV2
from memory_maintenance.rae.projects import chosen_project
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.control import load_tenant
from memory_maintenance.work import Run
from memory_maintenance.writers.model.question import LanguageModel

logger = structlog.get_logger(__name__)


class DreamingWorker:
    """Reflects on a project's recent important memories.

    A sample is dreamt about once, however often and by however many this is called.

    Args:
        pool: connections to the store.
        settings: unset, those of the environment.
        model: unset, the one that the settings name.
        reflection_engine: RAE's argument, in place of settings and model.

    Raises:
        InvalidRequestError: the engine is not this library's own class.
    """

    def __init__(
        self,
        pool: Pool,
        settings: Settings | None = None,
        model: LanguageModel | None = None,
        *,
        reflection_engine: ReflectionEngineV2 | None = None,
    ) -> None:
        if reflection_engine is None:
            reflection_engine = ReflectionEngineV2(pool, settings, model)
        elif type(reflection_engine) is not ReflectionEngineV2:
            # Its tools are used, not its methods: those of another class, or of a subclass, would be ignored.
            raise InvalidRequestError("reflection_engine: give a memory_maintenance.ReflectionEngineV2, or a model")
        self._task = Dreaming(replace(reflection_engine.tools, pool=pool))

    async def run_dreaming_cycle(
        self,
        tenant_id: str,
        project_id: str | None = None,
        lookback_hours: float = 24,
        min_importance: float = 0.6,
        max_samples: int = 20,
        *,
        project: str | None = None,
    ) -> list[dict[str, str | None]]:
        """Dream for one project; return the ids of the reflections that were stored or updated.

        ``strategy_id`` is None where a reflection has no strategy. A model that fails, also with an
        exception of its own, gives none.

        Raises:
            InvalidRequestError: two different projects were given.
        """
        project_id = chosen_project(project_id, project)
        pool, settings = self._task.tools.pool, self._task.tools.settings
        tenant = await load_tenant(pool, tenant_id, settings)
        if tenant.paused:
            return []
        if reason := self._task.off(tenant.settings):
            skipped(tenant_id, project_id, reason)
            return []
        run = Run(cycle_id=uuid4(), as_of=await checked_as_of(pool, None))
        rule = DreamRule(timedelta(hours=lookback_hours), min_importance, max_samples)
        try:
            outcome = await self._task.dream(tenant, project_id, run, rule=rule)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  RAE's worker returns nothing whatever its model raises
            error_type = type(error).__name__
            logger.warning("dreaming_cycle_failed", tenant_id=tenant_id, project=project_id, error_type=error_type)
            return []
        return [
            {"reflection_id": str(one.id), "strategy_id": None if one.strategy_id is None else str(one.strategy_id)}
            for one in outcome.reflections
        ]

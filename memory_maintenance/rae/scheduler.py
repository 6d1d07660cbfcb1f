"""RAE's MaintenanceScheduler."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.rae.returned import MaintenanceStatistics
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.pool import Pool


class MaintenanceScheduler:
    """RAE's scheduler: ``MaintenanceScheduler(pool).run_daily_maintenance()``. Unset settings are the environment's."""

    def __init__(self, pool: Pool, settings: Settings | None = None) -> None:
        self._pool = pool
        self._settings = settings or load_settings()

    async def run_daily_maintenance(
        self, tenant_ids: Sequence[str] | None = None, *, as_of: datetime | None = None, dry_run: bool = False
    ) -> MaintenanceStatistics:
        """Do the daily maintenance of every tenant or those given, as ``run_maintenance``; return RAE's statistics."""
        stats = await run_maintenance(self._pool, self._settings, tenant_ids=tenant_ids, as_of=as_of, dry_run=dry_run)
        return _as_rae(stats)

    async def run_hourly_maintenance(
        self, *, as_of: datetime | None = None, dry_run: bool = False
    ) -> MaintenanceStatistics:
        """Summarize idle sessions of every tenant; return the same shape."""
        return _as_rae(await run_maintenance(self._pool, self._settings, kind="hourly", as_of=as_of, dry_run=dry_run))


def _as_rae(stats: dict[str, Any]) -> MaintenanceStatistics:
    """Return *stats* with ``skipped`` in ``dreaming`` as RAE has it: True where dreaming is off, and absent elsewhere.

    What a run calls ``skipped`` there, how many dreams were left out, is ``dreams_skipped``. A tenant whose
    override lets it dream makes dreaming on.
    """
    dreams = dict(stats["dreaming"])
    dreams["dreams_skipped"] = dreams.pop("skipped")
    dreamt = dreams["reflections_generated"] or dreams["failed"] or dreams["dreams_skipped"]
    if not stats["config"]["dreaming_enabled"] and not dreamt:
        dreams |= {"skipped": True, "reason": "disabled_by_config"}
    return cast(MaintenanceStatistics, stats | {"dreaming": dreams})

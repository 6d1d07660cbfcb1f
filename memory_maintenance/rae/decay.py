"""RAE's DecayWorker."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import structlog

from memory_maintenance.decay.batch import DecayBatch
from memory_maintenance.decay.policy import DecayRule
from memory_maintenance.decay.rule import RuleArguments, decay_rule
from memory_maintenance.decay.task import Decay
from memory_maintenance.errors import InvalidRequestError, MaintenanceError
from memory_maintenance.preflight.check import Surroundings
from memory_maintenance.preflight.checks import ensure_fit
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import Tenant, all_tenants, load_tenant
from memory_maintenance.tenants.known import ensure_known
from memory_maintenance.work import Run

logger = structlog.get_logger(__name__)

_EARLIEST_YEAR: Final = 1970


class DecayWorker:
    """Lowers importance by time and access, each memory by exactly what the rule says.

    Args:
        pool: connections to the store.
        settings: unset, those of the environment.
        scoring_service: RAE's argument; only None is taken.

    Raises:
        InvalidRequestError: a scoring service was given.
    """

    def __init__(self, pool: Pool, settings: Settings | None = None, *, scoring_service: object = None) -> None:
        if scoring_service is not None:
            raise InvalidRequestError(
                "scoring_service: importance is computed in Postgres; choose MEMORY_DECAY_POLICY and "
                "MEMORY_BASE_DECAY_RATE instead, or give run_decay_cycle a decay_rate"
            )
        self._task = Decay(Tools(pool, settings or load_settings()))

    async def run_decay_cycle(
        self,
        tenant_ids: Sequence[str | UUID] | None = None,
        decay_rate: float | None = None,
        consider_access_stats: bool | None = None,
        *,
        as_of: datetime | None = None,
    ) -> dict[str, int]:
        """Decay tenants one after the other; a failing or paused one does not stop the others.

        Args:
            tenant_ids: None: all.
            decay_rate: share lost per day, in [0, 1), for this call; None: each tenant's rule.
            consider_access_stats: whether access changes the speed, for this call; None: the rule's.
            as_of: the instant to reckon from; None: the database's clock.

        Returns:
            ``total_tenants`` that were asked for, also those that failed or were left out, as RAE counts; and
            ``total_updated`` memories.

        Raises:
            InvalidRequestError: an argument out of its range.
            AsOfInFutureError: *as_of* is more than five minutes ahead of the database's clock.
            PreflightError: the store is not fit for it: hidden rows, a standby, a wrong clock.
        """
        began, arguments = time.monotonic(), RuleArguments(decay_rate, consider_access_stats)
        if isinstance(tenant_ids, str):
            raise InvalidRequestError("tenant_ids: give a list, also of one tenant")
        if as_of is not None and (as_of.tzinfo is None or as_of.year < _EARLIEST_YEAR):
            raise InvalidRequestError(f"as_of {as_of.isoformat()}: give a time with its zone, from {_EARLIEST_YEAR} on")
        pool = self._task.tools.pool
        await ensure_fit(pool, Surroundings(self._task.tools.settings))
        run = Run(cycle_id=uuid4(), as_of=await checked_as_of(pool, as_of))
        off = self._task.off(self._task.tools.settings)
        if off:
            logger.info("decay_cycle_skipped", reason=off)
        if tenant_ids is None:
            chosen = [control.tenant_id for control in await all_tenants(pool)]
        else:
            chosen = list(dict.fromkeys(map(str, tenant_ids)))
        stats, decayed = {"total_tenants": len(chosen), "total_updated": 0}, 0
        for tenant_id in chosen:
            try:
                batch = await self._decay(tenant_id, run, arguments)
            except MaintenanceError as error:
                logger.error("tenant_decay_failed", tenant_id=tenant_id, error_type=type(error).__name__)  # noqa: TRY400
                continue
            decayed += batch is not None and batch.status == "done"
            stats["total_updated"] += batch.counts["updated"] if batch else 0
        if not off or decayed:
            logger.info("decay_cycle_completed", stats=stats, total_duration_seconds=time.monotonic() - began)
        return stats

    async def _decay(self, tenant_id: str, run: Run, arguments: RuleArguments) -> DecayBatch | None:
        """Decay a tenant to its last memory and return what became of it; None: it is paused, or decay is off."""
        pool, settings = self._task.tools.pool, self._task.tools.settings
        await ensure_known(pool, tenant_id)
        tenant = await load_tenant(pool, tenant_id, settings)
        off = self._task.off(tenant.settings)
        if off:
            await self._task.note_off([tenant], run)
        if off or tenant.paused:
            if not (off and self._task.off(settings)):  # else the cycle has said so
                logger.info("tenant_decay_skipped", tenant_id=tenant_id, reason=off or "paused")
            return None
        return await self._task.decay(tenant, run, _rule(tenant, arguments), seconds=math.inf)


def _rule(tenant: Tenant, arguments: RuleArguments) -> DecayRule:
    rule = decay_rule(tenant.settings)
    chosen = arguments.applied_to(rule)
    if chosen != rule:
        logger.warning(
            "decay_arguments_differ_from_rule",
            tenant_id=tenant.tenant_id,
            decay_rate=chosen.rate,
            rule_decay_rate=rule.rate,
            consider_access_stats=chosen.use_access,
            rule_consider_access_stats=rule.use_access,
        )
    return chosen

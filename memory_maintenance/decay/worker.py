"""Decay of one tenant in batches, and of all tenants in a cycle."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from memory_maintenance.decay.batch import BatchInProgress, Beat, DecayBatch, ForeseenBatch, Status
from memory_maintenance.decay.policy import DecayRule
from memory_maintenance.decay.progress import kept, switched_off
from memory_maintenance.decay.rule import RuleArguments, decay_is_on, tenant_rule
from memory_maintenance.errors import InvalidRequestError, MaintenanceError
from memory_maintenance.observability.metrics import DECAY_SECONDS, DECAY_UPDATED, tenant_label
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.control import all_tenants, known_control_of

__all__ = ["DecayBatch", "DecayWorker"]

logger = structlog.get_logger(__name__)

_BY_THE_RULE: Final = RuleArguments()
_EARLIEST_YEAR: Final = 1970


def ignore(_cursor: str | None) -> None:
    """Tell nobody how far a batch is."""


class DecayWorker:
    """Lowers importance by time and access, each memory by exactly what the rule says.

    Args:
        pool: connections to the store.
        settings: unset, those of the environment.
    """

    def __init__(self, pool: Pool, settings: Settings | None = None) -> None:
        self._pool = pool
        self._settings = settings or load_settings()

    async def decay_batch(
        self,
        tenant_id: str,
        as_of: datetime,
        *,
        after: UUID | None = None,
        run_id: UUID | None = None,
        seconds: float = 20,
        beat: Beat = ignore,
    ) -> DecayBatch:
        """Decay pages of a tenant's memories for up to *seconds*, at least one; each is committed by itself.

        Safe to repeat: the base decides the value, so twice is once.

        Args:
            tenant_id: as stored.
            as_of: the instant the run reckons from, the same in all batches of one run.
            after: ``cursor`` of the batch before; None begins.
            run_id: a name for the run. With one, its batches go on by themselves where the last committed
                page ended, also after a crash, and count what the whole run did; *after* is not needed.
            seconds: after this long no further page is begun.
            beat: called with the last id seen after each page; what it raises ends the batch.

        Raises:
            AsOfInFutureError: *as_of* is more than five minutes ahead of the database's clock.
            InvalidRequestError: *as_of* has no time zone.
            TenantNotFoundError: no memory and no control row has this tenant id.
            StoreError: Postgres could not do it; ``retryable`` says whether it may later.
        """
        await self._checked(as_of)
        return await self._decay(tenant_id, as_of, _BY_THE_RULE, after, seconds, beat, run_id)

    async def foresee_batch(
        self,
        tenant_id: str,
        as_of: datetime,
        *,
        after: UUID | None = None,
        seconds: float = 20,
        beat: Beat = ignore,
    ) -> DecayBatch:
        """Count what ``decay_batch`` would write, and write nothing: no row, no lock, no start of a run.

        Arguments and errors are those of ``decay_batch``; the counts are of this batch alone, and what
        other transactions hold counts as written.
        """
        await self._checked(as_of)
        control = await known_control_of(self._pool, tenant_id)
        if not decay_is_on(self._settings, control.overrides):
            return DecayBatch(after, "disabled")
        rule = tenant_rule(self._settings, control.overrides)
        batch = await self._begun(ForeseenBatch, tenant_id, as_of, rule, after).run(seconds, beat)
        logger.info("tenant_decay_foreseen", tenant_id=tenant_id, count=batch.updated, status=batch.status)
        return batch

    async def run_decay_cycle(
        self,
        tenant_ids: Sequence[str | UUID] | None = None,
        decay_rate: float | None = None,
        consider_access_stats: bool | None = None,
        *,
        as_of: datetime | None = None,
    ) -> dict[str, int]:
        """Decay tenants one after the other; a failing or paused one does not keep the others from it.

        Args:
            tenant_ids: None: all.
            decay_rate: share lost per day, in [0, 1), for this call; None: each tenant's rule.
            consider_access_stats: whether access changes the speed, for this call; None: the rule's.
            as_of: the instant to reckon from; None: the database's clock.

        Returns:
            ``total_tenants`` that were decayed to their last memory, and ``total_updated`` memories.

        Raises:
            InvalidRequestError: an argument out of its range.
            AsOfInFutureError: *as_of* is more than five minutes ahead of the database's clock.
        """
        began = time.monotonic()
        arguments = RuleArguments(decay_rate, consider_access_stats)
        chosen = _chosen(tenant_ids)
        as_of = await self._checked(as_of)
        stats = {"total_tenants": 0, "total_updated": 0}
        if not self._settings.memory_importance_decay_enabled:
            await self.note_disabled(as_of)
            return stats
        for tenant_id in await self._all_ids() if chosen is None else chosen:
            batch = await self._decay_or_log(tenant_id, as_of, arguments)
            stats["total_tenants"] += batch is not None and batch.status == "done"
            stats["total_updated"] += batch.updated if batch else 0
        logger.info("decay_cycle_completed", stats=stats, total_duration_seconds=time.monotonic() - began)
        return stats

    async def note_disabled(self, as_of: datetime) -> None:
        """Remember that decay is off for every tenant: the run that follows begins a new base. Twice is once."""
        await switched_off(self._pool, await self._all_ids(), as_of)
        logger.info("decay_cycle_skipped", reason="disabled_by_config")

    async def _all_ids(self) -> list[str]:
        return [tenant.tenant_id for tenant in await all_tenants(self._pool)]

    async def _checked(self, as_of: datetime | None) -> datetime:
        if as_of is not None and (as_of.tzinfo is None or as_of.year < _EARLIEST_YEAR):
            raise InvalidRequestError(f"as_of {as_of.isoformat()}: give a time with its zone, from {_EARLIEST_YEAR} on")
        return await checked_as_of(self._pool, as_of)

    async def _decay_or_log(self, tenant_id: str, as_of: datetime, arguments: RuleArguments) -> DecayBatch | None:
        try:
            return await self._decay(tenant_id, as_of, arguments, None, math.inf, ignore)
        except MaintenanceError as error:
            logger.error("tenant_decay_failed", tenant_id=tenant_id, error_type=type(error).__name__)  # noqa: TRY400
            return None

    async def _decay(
        self,
        tenant_id: str,
        as_of: datetime,
        arguments: RuleArguments,
        after: UUID | None,
        seconds: float,
        beat: Beat,
        run_id: UUID | None = None,
    ) -> DecayBatch:
        began = time.monotonic()
        rule = await self._rule_or_halt(tenant_id, as_of, arguments)
        if not isinstance(rule, DecayRule):
            logger.info("tenant_decay_skipped", tenant_id=tenant_id, reason=rule)
            counts = await kept(self._pool, tenant_id, run_id) if run_id else {}
            return DecayBatch(after, rule, invalid_ids=(), **counts)
        progress = self._begun(BatchInProgress, tenant_id, as_of, rule, after, run_id)
        batch = await progress.run(seconds, beat)
        self._report(tenant_id, batch, written=batch.updated - progress.already, seconds=time.monotonic() - began)
        return batch

    def _begun(
        self,
        kind: type[BatchInProgress],
        tenant_id: str,
        as_of: datetime,
        rule: DecayRule,
        after: UUID | None,
        run_id: UUID | None = None,
    ) -> BatchInProgress:
        size, tolerance = self._settings.memory_decay_page_size, self._settings.memory_decay_tolerance
        return kind(self._pool, tenant_id, as_of, rule, size, tolerance, after, run_id)

    async def _rule_or_halt(self, tenant_id: str, as_of: datetime, arguments: RuleArguments) -> DecayRule | Status:
        control = await known_control_of(self._pool, tenant_id)
        if not decay_is_on(self._settings, control.overrides):
            await switched_off(self._pool, [tenant_id], as_of)
            return "disabled"
        if control.paused:
            return "paused"
        rule = tenant_rule(self._settings, control.overrides)
        chosen = arguments.applied_to(rule)
        if chosen != rule:
            logger.warning(
                "decay_arguments_differ_from_rule",
                tenant_id=tenant_id,
                decay_rate=chosen.rate,
                rule_decay_rate=rule.rate,
                consider_access_stats=chosen.use_access,
                rule_consider_access_stats=rule.use_access,
            )
        return chosen

    def _report(self, tenant_id: str, batch: DecayBatch, *, written: int, seconds: float) -> None:
        label = tenant_label(tenant_id, self._settings.metrics_max_tenants)
        DECAY_UPDATED.labels(label).inc(written)
        DECAY_SECONDS.labels(label).observe(seconds)
        log = logger.bind(tenant_id=tenant_id)
        if batch.invalid:
            log.warning("invalid_memories_left_alone", count=batch.invalid, first_ids=list(map(str, batch.invalid_ids)))
        event = "tenant_decay_completed" if batch.status == "done" else "tenant_decay_interrupted"
        log.info(event, updated_count=batch.updated, busy_count=batch.busy, duration_seconds=seconds)


def _chosen(tenant_ids: Sequence[str | UUID] | None) -> list[str] | None:
    if isinstance(tenant_ids, str):
        raise InvalidRequestError("tenant_ids: give a list, also of one tenant")
    return None if tenant_ids is None else list(dict.fromkeys(map(str, tenant_ids)))

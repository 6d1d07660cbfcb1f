"""The task of decay: a tenant's memories in batches of some seconds, one after the other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import structlog
from pydantic import Field

from memory_maintenance.decay.batch import BatchInProgress, DecayBatch
from memory_maintenance.decay.policy import DecayRule
from memory_maintenance.decay.progress import adopt, due_tenants, kept, switched_off
from memory_maintenance.decay.rule import decay_rule
from memory_maintenance.observability.metrics import DECAY_SECONDS, DECAY_UPDATED, tenant_label
from memory_maintenance.settings import Settings
from memory_maintenance.task import Listed, Task
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, TaskSpec, Unit

logger = structlog.get_logger(__name__)

BATCH_SECONDS: Final = 20.0
"""After this long a batch begins no further page."""

SMALL: Final = 10_000
"""Memories of a tenant that are decayed within about half a second, so in one batch."""

_COUNTED: Final = ("seen", "updated", "invalid", "busy")


class DecayUnit(Unit):
    """The next batch of a tenant's memories. How far a run is, the store knows; a dry run goes on ``after``."""

    after: UUID | None = None
    counted: dict[str, int] = Field(default_factory=dict)
    """What earlier batches of the run have counted already: the store keeps the counts of the whole run."""


class Decay(Task[DecayUnit]):
    """Lowers importance by time and access, each memory by exactly what the rule says.

    Safe to repeat: the base decides the value, so decaying twice changes nothing. A retry goes on after the last
    page that was committed, and counts also what the lost call had done.
    """

    spec = TaskSpec(
        name="decay",
        activity="decay_batch",
        unit="memory",
        units="memories",
        results="memories decayed",
        done=("updated",),
        metric_outcomes={"updated": "decayed"},
        left=("invalid", "busy"),
        first={},
        chain=True,
    )
    unit = DecayUnit

    def off(self, settings: Settings) -> str | None:
        """Decay is off where MEMORY_IMPORTANCE_DECAY_ENABLED or the tenant's override says so."""
        return None if settings.memory_importance_decay_enabled else "disabled_by_config"

    async def note_off(self, tenants: Sequence[Tenant], run: Run) -> None:
        """Remember since when decay is off: the run that follows begins a new base."""
        await switched_off(self.tools.pool, sorted(tenant.tenant_id for tenant in tenants), run.as_of)

    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int | Listed[DecayUnit]]:
        """Every tenant has one batch due, unless a run as of this instant or a later one has been through.

        That of a small tenant is quick.
        """
        if run.narrowed:
            return {}
        ids = [tenant.tenant_id for tenant in tenants]
        due = await due_tenants(self.tools.pool, ids, run.as_of, small=SMALL)
        if due and not run.dry_run:
            await adopt(self.tools.pool, run.as_of)  # once here, so that tenants do not wait for each other
        quick = Listed((DecayUnit(),), quick=True)
        return {tenant_id: quick if small else 1 for tenant_id, small in due.items()}

    async def do(self, tenant: Tenant, unit: DecayUnit, run: Run) -> Done:
        """Decay pages for some 20 seconds, at least one, each committed by itself."""
        batch = await self.decay(tenant, run, decay_rule(tenant.settings), after=unit.after, counted=unit.counted)
        if batch.status != "more":
            return _ended(batch.counts, unit, batch.status)
        counted = {} if run.dry_run else {name: batch.counts[name] for name in _COUNTED}
        return Done(counts=_counts(batch.counts, unit), next=DecayUnit(after=batch.cursor, counted=counted))

    async def stopped(self, tenant: Tenant, unit: DecayUnit, run: Run, reason: str) -> Done:
        """Count also what a lost call of this run did before the tenant was paused or decay switched off."""
        logger.info("tenant_decay_skipped", tenant_id=tenant.tenant_id, reason=reason)
        counts = {} if run.dry_run else await kept(self.tools.pool, tenant.tenant_id, run.cycle_id)
        return _ended(Counter(counts or unit.counted), unit, reason)

    async def decay(
        self,
        tenant: Tenant,
        run: Run,
        rule: DecayRule,
        *,
        after: UUID | None = None,
        counted: Mapping[str, int] | None = None,
        seconds: float = BATCH_SECONDS,
    ) -> DecayBatch:
        """Decay a tenant's memories by *rule*, for up to *seconds* and at least one page.

        Args:
            tenant: whose memories, and their page size and tolerance.
            run: its id names the run; batches of one run go on where the last committed page ended.
            rule: the tenant's own, or what a caller asks for.
            after: the last id that earlier batches have seen. The store knows it too, unless this is a dry run or
                another run has begun since.
            counted: what those have counted, to go on from.
            seconds: after this long no further page is begun.

        Raises:
            StoreError: Postgres could not do it; ``retryable`` says whether it may later.
        """
        began, own = time.monotonic(), tenant.settings
        pages = BatchInProgress(
            pool=self.tools.pool,
            tenant_id=tenant.tenant_id,
            run=run,
            rule=rule,
            page_size=own.memory_decay_page_size,
            tolerance=own.memory_decay_tolerance,
            cursor=after,
            counts=Counter(counted or {}),
        )
        batch = await pages.write(seconds)
        if run.dry_run:
            logger.info("tenant_decay_foreseen", tenant_id=tenant.tenant_id, count=batch.counts["updated"])
            return batch
        took, label = time.monotonic() - began, tenant_label(tenant.tenant_id, own.metrics_max_tenants)
        DECAY_UPDATED.labels(label).inc(batch.written)
        DECAY_SECONDS.labels(label).observe(took)
        log = logger.bind(tenant_id=tenant.tenant_id)
        if batch.invalid_ids:
            first_ids = list(map(str, batch.invalid_ids))
            log.warning("invalid_memories_left_alone", count=batch.counts["invalid"], first_ids=first_ids)
        if batch.counts["altered"]:
            advice = "a trigger changes importance: MEMORY_DECAY_TOLERANCE of its step spares writing it every night"
            log.warning("importance_altered_by_store", count=batch.counts["altered"], advice=advice)
        log.info(
            "tenant_decay_completed" if batch.status == "done" else "tenant_decay_interrupted",
            updated_count=batch.counts["updated"],
            busy_count=batch.counts["busy"],
            duration_seconds=took,
        )
        return batch


def _ended(of_run: Counter[str], unit: DecayUnit, why: str) -> Done:
    counts = _counts(of_run, unit)
    if why in ("done", "paused", "cancelled"):
        return Done(counts=counts, paused=why == "paused")
    return Done(counts=counts.plus(Counts(reasons={why: 1})))


def _counts(of_run: Counter[str], unit: DecayUnit) -> Counts:
    """Return what this batch adds to the counts that earlier batches of the run have given."""
    return Counts(**{name: of_run[name] - unit.counted.get(name, 0) for name in _COUNTED})


TASK: Final = Decay

"""The task of expiry: what falls out of a tenant's memories is archived or deleted, and the archive is purged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import structlog
from pydantic import Field

from memory_maintenance.expiry.batch import BATCH, PAGE, ExpiryBatch
from memory_maintenance.expiry.rule import as_json, expiry_rule
from memory_maintenance.expiry.statements import PLAN
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch
from memory_maintenance.task import Listed, Task
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, TaskSpec, Unit

logger = structlog.get_logger(__name__)

_WRITTEN: Final = ("archived", "deleted", "purged")


class ExpiryUnit(Unit):
    """The next batch of a tenant's memories that fall out."""

    after: UUID | None = None
    """The last id that earlier batches have looked at."""
    counted: dict[str, int] = Field(default_factory=dict)
    """What earlier batches of the run have counted already: the audit rows have the counts of the whole run."""


class Expiry(Task[ExpiryUnit]):
    """Takes out of the store what is past its time or over a project's budget.

    Safe to repeat: a page is out with its audit row or still in, and what is out is not found a second time. A retry
    counts also what the lost call had done.
    """

    spec = TaskSpec(
        name="expiry",
        activity="expire_batch",
        unit="expired_memory",
        units="expired memories",
        results="memories archived",
        done=("archived", "deleted", "purged"),
        left=("busy", "skipped", "failed"),
        first={},
        chain=True,
        opt_in=True,
    )
    unit = ExpiryUnit

    def off(self, settings: Settings) -> str | None:
        """Expiry is off until MEMORY_EXPIRY, a retention or a budget is set, for the deployment or the tenant."""
        return None if expiry_rule(settings).is_on else "disabled_by_config"

    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int | Listed[ExpiryUnit]]:
        """A tenant has a batch due where anything falls out or is to be purged. A small one is quick."""
        if run.narrowed:
            return {}
        rules = {tenant.tenant_id: expiry_rule(tenant.settings) for tenant in tenants}
        ids = list(rules)
        texts = [as_json(rule, run.as_of) for rule in rules.values()]
        budgets = [rule.keep or None for rule in rules.values()]
        retains = any(rule.created_before(run.as_of) for rule in rules.values())
        rows = await fetch(self.tools.pool, PLAN, ids, ids, texts, budgets, run.as_of, retains)
        quick = Listed((ExpiryUnit(),), quick=True)
        return {row["tenant_id"]: quick if row["memories"] <= PAGE else 1 for row in rows}

    async def do(self, tenant: Tenant, unit: ExpiryUnit, run: Run) -> Done:
        """Take out up to ``BATCH`` memories, ``PAGE`` in a transaction; after the last ones purge the archive."""
        batch = ExpiryBatch(self.tools.pool, tenant.tenant_id, run, expiry_rule(tenant.settings))
        due = await batch.due(unit.after)
        more, busy = len(due) == BATCH, 0
        after = due[-1].id if due else unit.after
        if run.dry_run:
            actions = Counter(f"{batch.rule.action(one.reason)}d" for one in due)
            purged = 0 if more else await batch.purgeable()
            return Done(counts=Counts(**actions, purged=purged), next=ExpiryUnit(after=after) if more else None)
        busy = await batch.take(due)
        if not more:
            more = await batch.purge()
        counted = await batch.counted()
        counts = _added(counted, unit, busy)
        if counts:
            logger.info(
                "tenant_memories_expired", tenant_id=tenant.tenant_id, **counts.model_dump(exclude_defaults=True)
            )
        return Done(counts=counts, next=ExpiryUnit(after=after, counted=counted) if more else None)

    async def stopped(self, tenant: Tenant, unit: ExpiryUnit, run: Run, reason: str) -> Done:
        """Count also what a lost call of this run did before the tenant was paused or expiry switched off."""
        batch = ExpiryBatch(self.tools.pool, tenant.tenant_id, run, expiry_rule(tenant.settings))
        counts = Counts() if run.dry_run else _added(await batch.counted(), unit, 0)
        if reason not in ("paused", "cancelled"):
            counts = counts.plus(Counts(reasons={reason: 1}))
        return Done(counts=counts, paused=reason == "paused")


def _added(of_run: Mapping[str, int], unit: ExpiryUnit, busy: int) -> Counts:
    """Return what this batch adds to the counts that earlier batches of the run have given."""
    new = {name: of_run.get(name, 0) - unit.counted.get(name, 0) for name in (*_WRITTEN, "only_source")}
    only = new.pop("only_source")
    return Counts(reasons={"only_source_removed": only} if only else {}, busy=busy, **new)


TASK: Final = Expiry

"""Decay as an activity."""

from dataclasses import dataclass

from temporalio import activity

from activities.messages import DecayBatchRequest, DecayBatchResult
from memory_maintenance.decay.worker import DecayWorker


@dataclass(frozen=True, slots=True)
class DecayActivities:
    """Decay steps that need Postgres."""

    decay: DecayWorker

    @activity.defn(name="decay_batch")
    async def decay_batch(self, request: DecayBatchRequest) -> DecayBatchResult:
        """Decay pages of a tenant's memories for some 20 seconds, each committed.

        Safe to retry: the base decides the value, so twice is once. A retry goes on after
        the last page that was committed, and reports what was done before it too. A dry run
        counts the same pages and writes none.
        """
        tenant_id, as_of, beat = request.tenant_id, request.as_of, activity.heartbeat
        if request.dry_run:
            return DecayBatchResult.of(await self.decay.foresee_batch(tenant_id, as_of, after=request.after, beat=beat))
        return DecayBatchResult.of(await self.decay.decay_batch(tenant_id, as_of, run_id=request.cycle_id, beat=beat))

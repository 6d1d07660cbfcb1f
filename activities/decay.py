"""Decay as an activity."""

from dataclasses import dataclass
from uuid import UUID

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
        the last page that a heartbeat reported.
        """
        beaten: tuple[str | None, ...] = tuple(activity.info().heartbeat_details)
        cursor = UUID(beaten[0]) if beaten and beaten[0] else request.cursor
        batch = await self.decay.decay_batch(request.tenant_id, request.as_of, after=cursor, beat=activity.heartbeat)
        return DecayBatchResult(
            status=batch.status,
            cursor=batch.cursor,
            seen=batch.seen,
            updated=batch.updated,
            invalid=batch.invalid,
            busy=batch.busy,
        )

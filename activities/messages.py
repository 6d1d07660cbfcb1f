"""What is sent to and comes back from activities: ids, numbers, times; never text of a memory.

Fields are only ever added, with defaults, so that a running workflow survives a deploy.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from annotated_types import Len, Predicate
from pydantic import BaseModel, ConfigDict

from memory_maintenance.cycles.outcomes import TASKS, CycleTotals, Task, TenantOutcome

MOST_ID_BYTES = 900
"""Of a tenant's id: Temporal takes workflow ids of 1000 bytes, and ours put something before it."""


def fits_a_workflow_id(tenant_id: str) -> bool:
    """Return whether a workflow can be named after a tenant."""
    return len(tenant_id.encode()) <= MOST_ID_BYTES


TenantId = Annotated[str, Len(1, 255), Predicate(fits_a_workflow_id)]
Kind = Literal["daily", "hourly"]


class Message(BaseModel):
    """One payload. Its errors do not repeat what was sent: they end up in a history."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    @classmethod
    def of(cls, result: object) -> Self:
        """Return the message that holds what *result* has as attributes of the same names."""
        return cls.model_validate(result, from_attributes=True)


class OpenCycleRequest(Message):
    """``as_of`` None means the database's clock, ``named_tenants`` None the fleet. A dry run is not recorded."""

    cycle_id: UUID
    kind: Kind
    as_of: datetime | None = None
    tasks: tuple[Task, ...] = TASKS
    named_tenants: int | None = None
    dry_run: bool = False


class OpenCycleResult(Message):
    """What the cycle goes by, fixed at its start whatever is configured later."""

    as_of: datetime
    deadline_minutes: int
    fail_ratio: float
    config: dict[str, Any]
    search_attributes: bool = False
    """Whether the server knows our search attributes."""


class PlanPageRequest(Message):
    """``tenants`` None means the fleet, from ``after`` on; ``backfill_days`` None the setting."""

    as_of: datetime
    kind: Kind
    tasks: tuple[Task, ...] = TASKS
    tenants: tuple[TenantId, ...] | None = None
    after: str | None = None
    limit: int = 200
    backfill_days: int | None = None
    dry_run: bool = False


class TenantPlan(Message):
    """One tenant with work."""

    tenant_id: str
    decay: bool = False
    sessions: int = 0
    dreams: int = 0
    embeddings: int = 0


class PlanPageResult(Message):
    """``cursor`` is None when the fleet's end is reached."""

    plans: tuple[TenantPlan, ...]
    cursor: str | None
    looked_at: int
    paused: int


class DecayBatchRequest(Message):
    """The next batch of a tenant's memories; how far a cycle is stands in the store, a dry run goes on ``after``."""

    tenant_id: str
    as_of: datetime
    cycle_id: UUID
    dry_run: bool = False
    after: UUID | None = None


class DecayBatchResult(Message):
    """``status`` is more, done, paused, superseded or disabled; counts are the cycle's, of a dry run the batch's."""

    status: str
    cursor: UUID | None = None
    seen: int
    updated: int
    invalid: int = 0
    busy: int = 0


class SessionRef(Message):
    """One session of a tenant; ``project`` None stands for memories without one."""

    project: str | None
    session_id: str


class DueSessionsRequest(Message):
    """The next due sessions after ``after``, which is None at the beginning."""

    tenant_id: str
    as_of: datetime
    kind: Kind
    after: SessionRef | None = None
    limit: int = 100
    backfill_days: int | None = None


class DueSessionsResult(Message):
    """Fewer than ``limit`` sessions are the last ones."""

    sessions: tuple[SessionRef, ...]


class SummarizeSessionRequest(Message):
    """``min_events`` None means the setting."""

    tenant_id: str
    session: SessionRef
    as_of: datetime
    cycle_id: UUID
    min_events: int | None = None
    dry_run: bool = False


class SummarizeSessionResult(Message):
    """What became of a session; the summary itself stays in the store."""

    status: str
    reason: str | None = None
    summary_id: UUID | None = None
    events: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class DueDreamsRequest(Message):
    """The next projects with something to dream about, after ``after``."""

    tenant_id: str
    as_of: datetime
    after: str | None = None
    limit: int = 100


class DueDreamsResult(Message):
    """Projects by name; ``default`` stands for memories without one."""

    projects: tuple[str, ...]


class GenerateReflectionRequest(Message):
    """One dream of a project."""

    tenant_id: str
    project: str
    as_of: datetime
    cycle_id: UUID
    dry_run: bool = False


class GenerateReflectionResult(Message):
    """What became of a dream; the reflection itself stays in the store."""

    status: str
    reason: str | None = None
    reflection_id: UUID | None = None
    strategy_id: UUID | None = None
    sources: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class DueEmbeddingsRequest(Message):
    """The next derived memories without a vector, after ``after``."""

    tenant_id: str
    after: UUID | None = None


class DueEmbeddingsResult(Message):
    """At most one batch; none are left when it is empty."""

    memories: tuple[UUID, ...]


class EmbedDerivedRequest(Message):
    """One batch of derived memories."""

    tenant_id: str
    memories: tuple[UUID, ...]
    cycle_id: UUID
    dry_run: bool = False


class EmbedDerivedResult(Message):
    """What became of them; the vectors stay in the store."""

    status: str
    embedded: int = 0
    skipped: int = 0
    failed: int = 0
    reasons: dict[str, int] = {}
    input_tokens: int = 0


class RecordPageRequest(Message):
    """What a page's tenants came to."""

    cycle_id: UUID
    page: int
    outcomes: tuple[TenantOutcome, ...]


class CloseCycleRequest(Message):
    """``status`` is completed, failed or cancelled."""

    cycle_id: UUID
    status: str
    totals: CycleTotals


class ForeseeCostsRequest(Message):
    """What a dry run came to."""

    totals: CycleTotals


class TenantOrder(Message):
    """An operator's word about a tenant. Pause and resume stand in its row; a cancel ends what runs now."""

    tenant_id: TenantId
    action: Literal["pause", "resume", "cancel"]
    by: Annotated[str, Len(0, 200)] | None = None
    reason: Annotated[str, Len(0, 500)] | None = None
    until: datetime | None = None

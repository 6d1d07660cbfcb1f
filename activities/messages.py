"""What is sent to and comes back from activities: ids, numbers, times; never text of a memory.

Fields are only ever added, with defaults, so that a running workflow survives a deploy.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from annotated_types import Len
from pydantic import Field

from memory_maintenance.cycles.outcomes import CycleTotals, SmallTenant, TenantOutcome
from memory_maintenance.preflight.finding import Finding
from memory_maintenance.work import Kind, Message, Run, TaskSpec, TenantPlan, UnitJson

TenantId = Annotated[str, Len(1, 2700)]
"""An index of Postgres takes 2704 bytes."""


class OpenCycleRequest(Message):
    """``as_of`` None means the database's clock, ``tasks`` None all of the kind, ``named_tenants`` None the fleet."""

    cycle_id: UUID
    kind: Kind
    as_of: datetime | None = None
    tasks: tuple[str, ...] | None = None
    named_tenants: int | None = None
    schedule: str | None = Field(default=None, exclude_if=lambda given: given is None)
    """The group of tenants that the cycle is for; None: every tenant, or those named."""
    dry_run: bool = False
    """A dry run is not recorded."""


class OpenCycleResult(Message):
    """The settings of the cycle: fixed at its start, whatever is configured later."""

    as_of: datetime
    deadline_minutes: int
    fail_ratio: float
    config: dict[str, Any]
    tasks: tuple[TaskSpec, ...]
    search_attributes: bool = False
    """Whether the server knows our search attributes."""
    findings: tuple[Finding, ...] = ()
    """What the preflight found that does not stop the cycle."""
    pages_at_once: int = 4
    tenants_at_once: int = 50
    """In each page."""
    child_for_every_tenant: bool = False
    """Whether small tenants of a large fleet have workflows of their own, too."""


class PlanPageRequest(Message):
    """``tenants`` None means the fleet, from ``after`` on."""

    run: Run
    tasks: tuple[str, ...]
    tenants: tuple[TenantId, ...] | None = None
    after: str | None = None
    limit: int = 200


class PlanPageResult(Message):
    """``cursor`` is None when the fleet's end is reached."""

    plans: tuple[TenantPlan, ...]
    cursor: str | None
    looked_at: int
    paused: int


class DueRequest(Message):
    """A tenant's next due units behind ``after``, which is None at the beginning."""

    tenant_id: str
    run: Run
    after: UnitJson | None = None
    limit: int = 100


class DueResult(Message):
    """Fewer than ``limit`` units are the last ones."""

    units: tuple[UnitJson, ...]


class UnitRequest(Message):
    """One unit of a task, of one tenant."""

    tenant_id: str
    unit: UnitJson
    run: Run


class BulkRequest(Message):
    """Small tenants with all of their work."""

    run: Run
    plans: tuple[TenantPlan, ...]


class BulkResult(Message):
    """What became of small tenants. Those that are in neither list are still to be done."""

    outcomes: tuple[TenantOutcome, ...] = ()
    own_run: tuple[TenantOutcome, ...] = ()
    """What was done of tenants that need a run of their own, which counts it too."""

    @property
    def tenant_ids(self) -> frozenset[str]:
        """Return whom it is about."""
        return frozenset(outcome.tenant_id for outcome in (*self.outcomes, *self.own_run))

    def plus(self, tenant: SmallTenant) -> "BulkResult":
        """Return the result with what became of one more tenant."""
        name = "own_run" if tenant.needs_own_run else "outcomes"
        return self.model_copy(update={name: (*getattr(self, name), tenant.outcome)})


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
    daily: bool = False
    """Whether the ledger is searched for answers about what is gone."""


class CloseCycleResult(Message):
    """What is left to do after a cycle was recorded; where there is nothing, ``close_cycle`` returns None."""

    waiting_events: int
    """Events that webhooks have still to send."""


class DeliverEventsRequest(Message):
    """The cycle that ended; what is sent is in the outbox."""

    cycle_id: UUID


class DeliverEventsResult(Message):
    """How many events receivers took, and how many they refused."""

    delivered: int
    rejected: int


class ForeseeCostsRequest(Message):
    """What a dry run came to."""

    totals: CycleTotals


class TenantOrder(Message):
    """An operator's order about a tenant. Pause and resume are kept in its row; a cancel ends what runs now."""

    tenant_id: TenantId
    action: Literal["pause", "resume", "cancel"]
    by: Annotated[str, Len(0, 200)] | None = None
    reason: Annotated[str, Len(0, 500)] | None = None
    until: datetime | None = None


class LookUpTenantRequest(Message):
    """The tenant that an operator's update names."""

    tenant_id: TenantId


class TenantState(Message):
    """Whether a tenant is paused, and what was said when it was."""

    paused: bool
    by: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def in_words(self) -> str:
        """Return "was paused by ana since 2026-11-24 14:02 UTC (restore)"; of an active tenant "was active"."""
        if not self.paused:
            return "was active"
        by, reason = f" by {self.by}" if self.by else "", f" ({self.reason})" if self.reason else ""
        since, until = (
            f" {word} {time:%Y-%m-%d %H:%M} UTC" if time else ""
            for word, time in (("since", self.since), ("until", self.until))
        )
        return f"was paused{by}{since}{until}{reason}"

"""What is sent to and comes back from workflows. Fields are only ever added, with defaults."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from activities.messages import Kind, Message, SessionRef, TenantId, TenantPlan
from memory_maintenance.cycles.outcomes import CycleTotals, Step, Task, TenantOutcome


class CycleScope(Message):
    """What all runs of a cycle go by, whatever part of the fleet they work on."""

    cycle_id: UUID
    kind: Kind
    as_of: datetime
    deadline: datetime
    project: str | None = None
    session: str | None = None
    min_events: int | None = None
    backfill_days: int | None = None
    search_attributes: bool = False
    """Whether the server knows our search attributes."""
    dry_run: bool = False

    @property
    def dry_run_id(self) -> UUID | None:
        """Return what keeps the workflow ids of a dry run apart from all others; None: it is none."""
        return self.cycle_id if self.dry_run else None


class CycleProgress(Message):
    """What a cycle carries over when it continues as new. Not for people."""

    scope: CycleScope
    started_at: datetime
    fail_ratio: float
    config: dict[str, Any]
    cursor: str | None
    pages: int
    totals: CycleTotals
    cancelled: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()


class MaintenanceRequest(Message):
    """Everything may be left out: then it is one daily run over all tenants, as of now."""

    kind: Kind = "daily"
    tasks: tuple[Task, ...] | None = None
    """None: all three on a daily run, summaries on an hourly one."""
    tenants: tuple[TenantId, ...] | None = None
    """None: every tenant."""
    project: str | None = None
    """With one tenant: only this project's sessions and dreams."""
    session: str | None = None
    """With one tenant: only this session, due or not."""
    min_events: int | None = Field(default=None, ge=1)
    """With a session: the fewest new events; None: the setting."""
    backfill_days: int | None = Field(default=None, ge=0, le=36_500)
    """Sessions that ended up to so many days before adoption are due, too; None: the setting."""
    as_of: datetime | None = None
    """The instant the run reckons from; None: the schedule's nominal time, else the database's clock."""
    dry_run: bool = False
    """Say what a run would do, with what it takes of a model at most; write nothing and ask nobody."""
    progress: CycleProgress | None = None

    def chosen_tasks(self) -> tuple[Task, ...]:
        """Return the tasks of this run."""
        everything: tuple[Task, ...] = ("decay", "summarization", "dreaming")
        return self.tasks if self.tasks is not None else everything if self.kind == "daily" else ("summarization",)


class PageRequest(Message):
    """Some 200 tenants with work, of one cycle."""

    scope: CycleScope
    page: int
    plans: tuple[TenantPlan, ...]
    cancelled: tuple[str, ...] = ()


class TenantProgress(Message):
    """Where a tenant's run stands: the task it is at, the cursor in it, and what was done."""

    task: Step | None = None
    decay_cursor: UUID | None = None
    session_cursor: SessionRef | None = None
    dream_cursor: str | None = None
    embedding_cursor: UUID | None = None
    outcome: TenantOutcome
    started_at: datetime


class TenantRequest(Message):
    """One tenant's work in one cycle."""

    scope: CycleScope
    plan: TenantPlan
    progress: TenantProgress | None = None

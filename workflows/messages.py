"""What is sent to and comes back from workflows. Fields are only ever added, with defaults."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from annotated_types import Len
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from temporalio.exceptions import ApplicationError

from activities.messages import TenantId
from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome
from memory_maintenance.preflight.finding import Finding
from memory_maintenance.work import Kind, Message, Run, TaskSpec, TenantPlan, UnitJson
from workflows.options import PAGES_AT_ONCE, TENANTS_AT_ONCE


class CycleScope(Message):
    """What all workflows of a cycle go by, whatever part of the fleet they work on."""

    run: Run
    deadline: datetime
    tasks: tuple[TaskSpec, ...]
    """The tasks of this cycle, in their order."""
    search_attributes: bool = False
    """Whether the server knows our search attributes."""

    @property
    def dry_run_id(self) -> UUID | None:
        """Return what keeps the workflow ids of a dry run apart from all others; None where it is not a dry run."""
        return self.run.cycle_id if self.run.dry_run else None

    def for_tenant(self, plan: TenantPlan) -> Self:
        """Return the scope with the tasks that a tenant with *plan* may need."""
        needed = [task for task in self.tasks if task.name in plan.units or plan.units.keys() & set(task.follows)]
        return self.model_copy(update={"tasks": tuple(needed)})


class CycleProgress(Message):
    """What a cycle carries over when it continues as new. Not for people."""

    scope: CycleScope
    started_at: datetime
    fail_ratio: float
    config: dict[str, Any]
    cursor: str | None
    """Of the fleet, the last tenant that was planned; of tenants that were named, how many were."""
    planned: bool = False
    """Whether every tenant is planned."""
    pages: int
    totals: CycleTotals
    cancelled: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    """What the preflight found."""
    pages_at_once: int = PAGES_AT_ONCE
    tenants_at_once: int = TENANTS_AT_ONCE
    child_for_every_tenant: bool = False


MOST_NAMED_TENANTS = 10_000
"""Tenants that one run may name: a request of that many is some 400 kB; Temporal takes 2 MB."""

Names = Annotated[tuple[TenantId, ...], AfterValidator(lambda names: tuple(dict.fromkeys(names)))]


class MaintenanceRequest(Message):
    """Everything may be left out: then it is one daily run over all tenants, as of now."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = "daily"
    tasks: tuple[str, ...] | None = None
    """None: decay, summarization and dreaming on a daily run, summarization on an hourly one."""
    tenants: Annotated[Names, Len(1, MOST_NAMED_TENANTS)] | None = None
    """None: every tenant."""
    project: str | None = None
    """With one tenant: only this project's sessions and dreams."""
    session: str | None = None
    """With one tenant: only this session, due or not."""
    min_events: int | None = Field(default=None, ge=1)
    """With a session: the fewest new events; None: the setting."""
    backfill_days: int | None = Field(default=None, ge=0, le=36_500)
    """Sessions that ended up to so many days before adoption are due, too; None: the setting."""
    as_of: AwareDatetime | None = None
    """The instant the run reckons from; None: the schedule's nominal time, else the database's clock."""
    schedule: Annotated[str, Len(1, 400)] | None = Field(default=None, exclude_if=lambda given: given is None)
    """The tenants of one Schedule: `default`, or daily times of their own as `0 3 * * * Europe/Warsaw`; None: all."""
    dry_run: bool = False
    """Say what a run would do, with what it takes of a model at most; write nothing and ask no model."""
    progress: CycleProgress | None = None

    @model_validator(mode="after")
    def _names_go_together(self) -> Self:
        for name in ("session", "project"):
            if getattr(self, name) is not None and (self.tenants is None or len(self.tenants) != 1):
                raise ValueError(f"{name}: name the one tenant it belongs to in `tenants`")
        if self.schedule is not None and (self.tenants is not None or self.kind != "daily"):
            raise ValueError("schedule: it stands for its own tenants, on a daily run: leave `tenants` out")
        if self.min_events is not None and self.session is None:
            raise ValueError("min_events: name the session in `session`")
        return self


def understood(given: Any) -> MaintenanceRequest:
    """Return what was *given* as a request; nothing given is a request for everything.

    Raises:
        ApplicationError: one line that names each field that is wrong, and repeats no value.
    """
    if isinstance(given, MaintenanceRequest):
        return given
    if given is not None and not isinstance(given, dict):
        raise _refused(f"give an object with fields among {_FIELDS}, or nothing")
    try:
        return MaintenanceRequest.model_validate(given or {})
    except ValidationError as error:
        raise _refused("; ".join(_in_words(fault) for fault in error.errors()[:5])) from None


_FIELDS = ", ".join(name for name in MaintenanceRequest.model_fields if name != "progress")


def _in_words(fault: ErrorDetails) -> str:
    where = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"{where}: no such field; the fields are {_FIELDS}"
    said = fault["msg"].removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def _refused(why: str) -> ApplicationError:
    return ApplicationError(f"the request was not understood: {why}", type="InvalidRequestError", non_retryable=True)


class PageRequest(Message):
    """Some 200 tenants with work, of one cycle."""

    scope: CycleScope
    page: int
    plans: tuple[TenantPlan, ...]
    cancelled: tuple[str, ...] = ()
    tenants_at_once: int = TENANTS_AT_ONCE
    bulk: bool = False
    """Whether it is of a large fleet: small tenants are done many in a step, without a workflow of their own, and a
    tenant whose work fits into one step has one."""


class TenantProgress(Message):
    """Where a tenant's run stands: the task it is at, the cursor in it, and what was done."""

    task: str | None = None
    cursor: UnitJson | None = None
    """Of a chain the unit to go on with, else the last unit of the units that were listed."""
    outcome: TenantOutcome
    started_at: datetime


class TenantRequest(Message):
    """One tenant's work in one cycle."""

    scope: CycleScope
    plan: TenantPlan
    progress: TenantProgress | None = None
    one_step: bool = Field(default=False, exclude_if=lambda given: not given)
    """Whether the units that the plan lists are done in one step."""

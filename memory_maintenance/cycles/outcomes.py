"""What a run did, as numbers: one tenant's outcome, and the totals of a cycle.

Pure values: the run in this process and the workflows add up with the same code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from pydantic import ConfigDict, Field

from memory_maintenance.work import Counts, Message, TaskSpec, summed

TenantStatus = Literal[
    "completed",
    "failed",  # a step failed for good; the others were done
    "paused",
    "cancelled",
    "out_of_time",
    "already_running",  # another cycle works on this tenant: what is left is done by the next run
    "page_failed",  # its page was lost before it reported
]

FAILED: Final = ("failed", "page_failed")
"""Statuses of a tenant that needs an operator's attention."""


class ByTask(Message):
    """A field for each task that did anything, of type ``Counts``."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Counts] = Field(init=False)

    def of(self, task: str) -> Counts:
        """Return what a task did."""
        return self.__pydantic_extra__.get(task, Counts())

    @property
    def by_task(self) -> dict[str, Counts]:
        """Return what each task did, by its name."""
        return dict(self.__pydantic_extra__)


class TenantOutcome(ByTask):
    """What one cycle did for one tenant."""

    tenant_id: str
    status: TenantStatus = "completed"
    error_type: str | None = None
    seconds: float = 0
    changes: int = 0
    """Memories that were, or would be, written."""

    def adding(self, task: TaskSpec, counts: Counts) -> Self:
        """Return the outcome with what *task* did besides."""
        written = counts.of(*task.done, *task.also_written)
        return self.model_copy(update={task.name: self.of(task.name).plus(counts), "changes": self.changes + written})

    def left_to(self, task: TaskSpec, tasks: Iterable[TaskSpec]) -> int:
        """Return how many memories those of *tasks* wrote that *task* follows; of a dry run, would write."""
        return sum(self.of(one.name).of(*one.done, *one.also_written) for one in tasks if one.name in task.follows)

    @property
    def failed(self) -> bool:
        """Return whether this tenant needs an operator's attention."""
        return self.status in FAILED


@dataclass(frozen=True, slots=True)
class SmallTenant:
    """What became of a tenant that was to be done in one go."""

    outcome: TenantOutcome
    needs_own_run: bool = False
    """Whether a unit failed or was larger than planned: a run of the tenant's own retries and takes its time."""


class CycleFailure(Message):
    """Why a cycle failed as a whole. ``message`` is in our own words, or names a place: never text of a memory."""

    error_type: str
    message: str = ""


NAMED_FAILURES = 50
"""Failed tenants that a result names; the rest is counted, and listed in ``maintenance.tenant_runs``."""

NAMED_PREVIEW = 20
"""Tenants of a dry run that its result names: they are listed nowhere else."""


class CycleTotals(ByTask):
    """The sum over a cycle's tenants."""

    looked_at: int = 0
    """Tenants the planner saw, idle ones among them."""
    left_paused: int = 0
    """Tenants that were left out because they were paused."""
    tenants: int = 0
    """Tenants with work."""
    statuses: dict[str, int] = Field(default_factory=dict)
    decayed_tenants: int = 0
    """Tenants with a memory that decay looked at."""
    failures: tuple[str, ...] = ()
    foreseen: tuple[TenantOutcome, ...] = ()
    """Of a dry run: the tenants with most to change, the most first."""
    failure: CycleFailure | None = None
    """What ended the cycle before its time."""

    def with_outcomes(self, outcomes: Iterable[TenantOutcome], *, dry_run: bool = False) -> CycleTotals:
        """Return the totals with *outcomes* added; of a dry run they are also named."""
        total = self
        for outcome in outcomes:
            total = total.plus(_totals_of(outcome, dry_run=dry_run))
        return total

    def plus(self, other: CycleTotals) -> CycleTotals:
        """Return the sum of both; failures are named up to ``NAMED_FAILURES``, others up to ``NAMED_PREVIEW``."""
        tasks = self.by_task.keys() | other.by_task.keys()
        largest = sorted(self.foreseen + other.foreseen, key=lambda outcome: (-outcome.changes, outcome.tenant_id))
        return CycleTotals(
            looked_at=self.looked_at + other.looked_at,
            left_paused=self.left_paused + other.left_paused,
            tenants=self.tenants + other.tenants,
            statuses=summed(self.statuses, other.statuses),
            decayed_tenants=self.decayed_tenants + other.decayed_tenants,
            failures=(self.failures + other.failures)[:NAMED_FAILURES],
            foreseen=tuple(largest[:NAMED_PREVIEW]),
            failure=self.failure or other.failure,
            **{task: self.of(task).plus(other.of(task)) for task in sorted(tasks)},
        )

    @property
    def tokens(self) -> int:
        """Return the tokens of both directions that all tasks took."""
        return sum(counts.input_tokens + counts.output_tokens for counts in self.by_task.values())

    @property
    def failed(self) -> int:
        """Return how many tenants failed, alone or with their page."""
        return self.statuses.get("failed", 0) + self.statuses.get("page_failed", 0)

    @property
    def failed_share(self) -> float:
        """Return the share of tenants that failed, in [0, 1]."""
        return self.failed / self.tenants if self.tenants else 0.0


def failure_of(status: str, totals: CycleTotals | None, config: dict[str, Any]) -> CycleFailure | None:
    """Return why a cycle failed as a whole; None where it did not fail, or no reason was recorded.

    Args:
        status: of the cycle.
        totals: what it came to; None: it was not closed.
        config: what it went by, as it recorded it.
    """
    if status != "failed" or totals is None:
        return None
    if totals.failure or totals.failed_share <= config.get("fail_ratio", 1.0):
        return totals.failure
    share = f"{totals.failed_share:.0%} of the tenants failed, above MAINTENANCE_FAIL_RATIO"
    return CycleFailure(error_type="TooManyTenantsFailed", message=share)


def _totals_of(outcome: TenantOutcome, *, dry_run: bool) -> CycleTotals:
    tasks: dict[str, Any] = outcome.by_task
    return CycleTotals(
        tenants=1,
        statuses={outcome.status: 1},
        decayed_tenants=int(outcome.of("decay").of("seen") > 0),
        failures=(outcome.tenant_id,) if outcome.failed else (),
        foreseen=(outcome,) if dry_run else (),
        **tasks,
    )

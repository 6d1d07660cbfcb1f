"""What a run did, as numbers: one tenant's outcome, and the totals of a cycle in RAE's shape.

Pure values: the library's scheduler and the workflows add up with the same code.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

Task = Literal["decay", "summarization", "dreaming"]
TASKS: tuple[Task, ...] = ("decay", "summarization", "dreaming")

Step = Literal["decay", "summarization", "dreaming", "embedding"]
STEPS: tuple[Step, ...] = (*TASKS, "embedding")
"""The order of a tenant's run: what its tasks wrote is embedded at the end."""

TenantStatus = Literal[
    "completed",
    "failed",  # a step failed for good; the others were done
    "paused",
    "cancelled",
    "out_of_time",
    "already_running",  # another cycle works on this tenant: decay, summaries and dreams catch up
    "page_failed",  # its page was lost before it reported
]

NAMED_FAILURES = 50
"""Failed tenants that a result names; the rest is counted, and listed in ``maintenance.tenant_runs``."""

NAMED_FORESEEN = 20
"""Tenants of a dry run that its result names: nothing of it is listed anywhere else."""


class Counts(BaseModel):
    """Numbers that add up: integers by sum, reasons by reason."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def of(cls, result: object) -> Self:
        """Return the counts that *result* has as attributes of the same names."""
        return cls.model_validate(result, from_attributes=True)

    def plus(self, other: Self) -> Self:
        """Return the sum of both."""
        return type(self)(**{name: _sum(getattr(self, name), getattr(other, name)) for name in type(self).model_fields})


def _sum(a: Any, b: Any) -> Any:
    if isinstance(a, dict):
        return {key: a.get(key, 0) + b.get(key, 0) for key in sorted(a.keys() | b.keys())}
    return a + b


class DecayCounts(Counts):
    """Memories of decay: looked at, written, and why some were left."""

    seen: int = 0
    updated: int = 0
    invalid: int = 0
    busy: int = 0


class SummaryCounts(Counts):
    """Sessions that were due, by what became of them."""

    stored: int = 0
    updated: int = 0
    fallbacks: int = 0
    skipped: int = 0
    failed: int = 0
    reasons: dict[str, int] = {}
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def written(self) -> int:
        """Return how many summaries have a new text."""
        return self.stored + self.updated + self.fallbacks


class DreamCounts(Counts):
    """Projects that could dream, by what became of them."""

    reflections: int = 0
    strategies: int = 0
    skipped: int = 0
    failed: int = 0
    reasons: dict[str, int] = {}
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def written(self) -> int:
        """Return how many memories were stored."""
        return self.reflections + self.strategies


class EmbeddingCounts(Counts):
    """Derived memories that vector search could not find, by what became of them."""

    embedded: int = 0
    skipped: int = 0
    failed: int = 0
    reasons: dict[str, int] = {}
    input_tokens: int = 0


class TenantOutcome(BaseModel):
    """What one cycle did for one tenant. Holds ids and numbers only, never text of a memory."""

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    status: TenantStatus = "completed"
    decay: DecayCounts = DecayCounts()
    summarization: SummaryCounts = SummaryCounts()
    dreaming: DreamCounts = DreamCounts()
    embedding: EmbeddingCounts = EmbeddingCounts()
    error_type: str | None = None
    seconds: float = 0

    @property
    def failed(self) -> bool:
        """Return whether this tenant needs somebody's attention."""
        return self.status in ("failed", "page_failed")

    @property
    def changes(self) -> int:
        """Return how many memories were, or would be, written."""
        return self.decay.updated + self.summarization.written + self.dreaming.written + self.embedding.embedded


class CycleFailure(BaseModel):
    """Why a cycle failed as a whole. ``message`` is in our own words, or names a place: never text of a memory."""

    model_config = ConfigDict(frozen=True)

    error_type: str
    message: str = ""


class CycleTotals(BaseModel):
    """The sum over a cycle's tenants."""

    model_config = ConfigDict(frozen=True)

    looked_at: int = 0
    """Tenants the planner saw, idle ones among them."""
    left_paused: int = 0
    """Tenants that were paused before the cycle came to them."""
    tenants: int = 0
    """Tenants with work."""
    statuses: dict[str, int] = {}
    decay: DecayCounts = DecayCounts()
    decayed_tenants: int = 0
    summarization: SummaryCounts = SummaryCounts()
    dreaming: DreamCounts = DreamCounts()
    embedding: EmbeddingCounts = EmbeddingCounts()
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
        """Return the sum of both; failures are named up to ``NAMED_FAILURES``, others up to ``NAMED_FORESEEN``."""
        return CycleTotals(
            looked_at=self.looked_at + other.looked_at,
            left_paused=self.left_paused + other.left_paused,
            tenants=self.tenants + other.tenants,
            statuses=_sum(self.statuses, other.statuses),
            decay=self.decay.plus(other.decay),
            decayed_tenants=self.decayed_tenants + other.decayed_tenants,
            summarization=self.summarization.plus(other.summarization),
            dreaming=self.dreaming.plus(other.dreaming),
            embedding=self.embedding.plus(other.embedding),
            failures=(self.failures + other.failures)[:NAMED_FAILURES],
            foreseen=_largest(self.foreseen + other.foreseen),
            failure=self.failure or other.failure,
        )

    @property
    def left_out(self) -> int:
        """Return how many paused tenants no outcome tells of.

        A session or project that is named is planned whoever is paused: that tenant has an outcome, too. Of
        all looked at, more than there are would then be with work or left out.
        """
        return self.left_paused - max(0, self.tenants + self.left_paused - self.looked_at)

    @property
    def failed(self) -> int:
        """Return how many tenants failed, alone or with their page."""
        return self.statuses.get("failed", 0) + self.statuses.get("page_failed", 0)

    @property
    def failed_share(self) -> float:
        """Return the share of tenants that failed, in [0, 1]."""
        return self.failed / self.tenants if self.tenants else 0.0

    def as_stats(self, *, started_at: datetime, completed_at: datetime, config: dict[str, Any]) -> dict[str, Any]:
        """Return RAE's statistics of a maintenance run, with what it did not count beside it."""
        return {
            "decay": {"total_tenants": self.decayed_tenants, "total_updated": self.decay.updated, **_more(self.decay)},
            "summarization": self.summarization.model_dump(),
            "dreaming": {
                "tenants_processed": self.tenants,
                "reflections_generated": self.dreaming.reflections,
                **self.dreaming.model_dump(exclude={"reflections"}),
            },
            "embedding": self.embedding.model_dump(),
            "tenants": {
                "looked_at": self.looked_at,
                "left_paused": self.left_out,
                "with_work": self.tenants,
                **self.statuses,
            },
            "failed_tenants": list(self.failures),
            "started_at": started_at.isoformat(),
            "completed_at": completed_at.isoformat(),
            "config": config,
        }


def _more(decay: DecayCounts) -> dict[str, int]:
    return decay.model_dump(exclude={"updated"})


def _largest(outcomes: tuple[TenantOutcome, ...]) -> tuple[TenantOutcome, ...]:
    return tuple(sorted(outcomes, key=lambda outcome: (-outcome.changes, outcome.tenant_id))[:NAMED_FORESEEN])


def _totals_of(outcome: TenantOutcome, *, dry_run: bool) -> CycleTotals:
    return CycleTotals(
        tenants=1,
        statuses={outcome.status: 1},
        decay=outcome.decay,
        decayed_tenants=int(outcome.decay.seen > 0),
        summarization=outcome.summarization,
        dreaming=outcome.dreaming,
        embedding=outcome.embedding,
        failures=(outcome.tenant_id,) if outcome.failed else (),
        foreseen=(outcome,) if dry_run else (),
    )

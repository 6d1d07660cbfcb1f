"""The words in which work is planned, done and counted: plain values, safe to send through Temporal.

They hold ids, numbers and names from closed sets, never text of a memory. Fields are only ever
added, with defaults, so that a running workflow survives a deploy.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
)

Kind = Literal["daily", "hourly"]


class Message(BaseModel):
    """One payload. Its errors do not repeat what was sent: they end up in a history."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Lean(Message):
    """A payload that is sent without the fields that have their default value: histories are paid for by size."""

    @model_serializer(mode="wrap")
    def _without_defaults(self, full: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {name: value for name, value in full(self).items() if getattr(self, name) != fields[name].default}


class Unit(Message):
    """One piece of a tenant's work, as small as a retry should be; each task has its own fields."""


def _json_of(value: object) -> object:
    return value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, Unit) else value


UnitJson = Annotated[dict[str, JsonValue], BeforeValidator(_json_of)]
"""A unit as workflows hold it: they pass it on and do not look inside."""


def as_json(unit: Unit) -> UnitJson:
    """Return *unit* as workflows hold it."""
    return unit.model_dump(mode="json", exclude_defaults=True)


class Counts(Message):
    """What became of some units, as numbers that add up.

    Besides the three fields, a task counts under names of its own, those of its ``TaskSpec.counts``.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int] = Field(init=False)

    reasons: dict[str, int] = {}
    """Why units were skipped, failed or got less than the best, by a word from a closed set."""
    input_tokens: int = 0
    output_tokens: int = 0

    def of(self, *names: str) -> int:
        """Return the sum of the counts *names*; a count that nothing was added to is 0."""
        return sum(self.__pydantic_extra__.get(name, 0) for name in names)

    def plus(self, other: Counts) -> Counts:
        """Return the sum of both."""
        own, more = self.__pydantic_extra__, other.__pydantic_extra__
        return Counts(
            reasons=summed(self.reasons, other.reasons),
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            **summed(own, more),
        )

    def __bool__(self) -> bool:
        """Return whether anything was counted."""
        return bool(self.reasons or self.input_tokens or self.output_tokens or any(self.__pydantic_extra__.values()))


def summed(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    """Return the sum of two sets of counts, by name."""
    return {name: a.get(name, 0) + b.get(name, 0) for name in sorted(a.keys() | b.keys())}


class Done(Lean):
    """What became of one unit."""

    counts: Counts = Counts()
    """What this call adds; also after a crash, nothing is counted twice."""
    next: UnitJson | None = None
    """The unit to continue with; None: there is no more."""
    paused: bool = False
    """Whether the tenant is paused, so that nothing was done."""


class TaskSpec(Lean):
    """What workflows, metrics and tables must know of a task. It travels as data: a deploy changes no running cycle."""

    name: str
    """In plans, counts, settings of a run, metrics, tables and logs: ``summarization``."""
    activity: str
    """The Temporal activity that does one unit: ``summarize_session``."""
    unit: str
    """A unit, as metrics call it: ``session``."""
    units: str
    """Units, as people call them: ``sessions``."""
    results: str
    """What done units are, as people call them: ``summaries``."""
    done: tuple[str, ...]
    """Counts of units that came to a new result; the first is the usual one."""
    also_written: tuple[str, ...] = ()
    """Counts of further memories that were written."""
    left: tuple[str, ...] = ("skipped", "failed")
    """Counts of units that came to none."""
    metric_outcomes: dict[str, str] = {}
    """Counts that metrics call by another word."""
    queue: Literal["sql", "model"] = "sql"
    """``model``: a unit may ask a model, so the server limits how many start in a second."""
    cycles: tuple[Kind, ...] = ("daily",)
    """The kinds of run that the task belongs to."""
    due_activity: str = ""
    """The activity that lists due units; empty: a tenant's first unit is always ``first``."""
    first: UnitJson | None = None
    chain: bool = False
    """Whether each unit names the next one, so that they are done one after the other."""
    many: str | None = None
    """The field of a unit that lists what it stands for; None: a unit counts as one."""
    follows: tuple[str, ...] = ()
    """Tasks that leave work to this one: it runs whenever they do, and is not chosen by itself."""

    opt_in: bool = False
    """Whether the task may do nothing by default: lines leave it out where it did nothing."""

    @property
    def always_shown(self) -> bool:
        """Return whether lines show the task also where it did nothing."""
        return not (self.follows or self.opt_in)

    @property
    def counts(self) -> tuple[str, ...]:
        """Return the names of every count."""
        return (*self.done, *self.also_written, *self.left)

    def outcomes(self) -> dict[str, str]:
        """Return what metrics call the counts of units, by the count's name."""
        return {count: self.metric_outcomes.get(count, count) for count in (*self.done, *self.left)}

    def size(self, unit: UnitJson) -> int:
        """Return how many things *unit* stands for."""
        things = unit.get(self.many) if self.many else None
        return len(things) if isinstance(things, list) else 1

    def failed(self, unit: UnitJson, reason: str) -> Counts:
        """Return the counts of a *unit* that failed for good."""
        return self._not_done("failed", unit, reason)

    def skipped(self, unit: UnitJson, reason: str) -> Counts:
        """Return the counts of a *unit* that was not done.

        Of a tenant that is paused, or whose run was cancelled, the tenant's status is the reason.
        """
        counts = self._not_done("skipped", unit, reason)
        return counts.model_copy(update={"reasons": {}}) if reason in ("paused", "cancelled") else counts

    def _not_done(self, count: str, unit: UnitJson, reason: str) -> Counts:
        size = self.size(unit)
        return Counts(reasons={reason: size}, **({count: size} if count in self.left else {}))


class Run(Lean):
    """What every step of a run needs, whatever tenant it is for."""

    cycle_id: UUID
    as_of: datetime
    """The instant the run reckons from."""
    kind: Kind = "daily"
    dry_run: bool = False
    """Count what would be done; write nothing and ask no model."""
    project: str | None = None
    """Only this project of the tenants named, due or not."""
    session: str | None = None
    """Only this session of the tenants named, due or not."""
    min_events: int | None = None
    """Fewest new events of a session that is named; None: the setting."""
    backfill_days: int | None = None
    """Sessions that ended up to so many days before adoption are due, too; None: the setting."""
    schedule: str | None = None
    """The group of tenants that a Schedule is for, ``default`` or daily times of their own; None: every tenant."""

    @property
    def daily(self) -> bool:
        """Return whether this is the daily run."""
        return self.kind == "daily"

    @property
    def narrowed(self) -> bool:
        """Return whether an operator named a project or a session: that is done, due or not."""
        return self.project is not None or self.session is not None


class TenantPlan(Lean):
    """One tenant with work: how many units of each task are due."""

    tenant_id: str
    units: dict[str, int] = {}
    due: dict[str, tuple[UnitJson, ...]] = {}
    """By task the units themselves, where they are few: the tenant's run need not list them."""
    bulk: bool = False
    """Whether the units in ``due`` are all of the tenant's work, and so quick that many tenants fit into one step."""
    one_step: bool = False
    """Whether they are several, as quick, and one is of a task that gives its tenants a workflow of their own."""

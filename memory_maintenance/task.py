"""The contract that every maintenance task fulfils; ``tasks.py`` lists them, docs/contributing.md adds one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, TypeVar

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Counts, Done, Run, TaskSpec, Unit
from memory_maintenance.writers.model.embedder import Embedder
from memory_maintenance.writers.model.question import LanguageModel

UnitT = TypeVar("UnitT", bound=Unit)

LISTED_AT_MOST: Final = 4
"""Units of a task that a tenant's plan lists; of more it has only the number."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What tasks work with.

    ``model`` and ``embedder`` are None where none is configured, and where nothing is asked.
    """

    pool: Pool
    settings: Settings
    """The deployment's; those that hold for a tenant come with the tenant."""
    model: LanguageModel | None = None
    embedder: Embedder | None = None

    @property
    def asked_model(self) -> LanguageModel:
        """Return the model, for a step that has to ask it.

        Raises:
            SettingsError: the settings name none.
        """
        if self.model is None:
            raise SettingsError("no model is configured: set OPENAI_BASE_URL or OPENAI_API_KEY")
        return self.model


@dataclass(frozen=True, slots=True)
class Listed(Generic[UnitT]):
    """All of a tenant's due units of a task, where they are few."""

    units: Sequence[UnitT]
    quick: bool = False
    """Whether all of them together take about a second at most and ask no model. In a large fleet the units of many
    tenants are then done in one step, each tenant's for itself; a tenant with a unit of a task that may ask a model
    keeps its own workflow, which does all of its units in one step."""


class Task(ABC, Generic[UnitT]):
    """One kind of maintenance: which units of it are due, and how one is done.

    ``plan`` and ``due`` get only tenants for which ``off`` returns None.
    """

    spec: ClassVar[TaskSpec]
    unit: ClassVar[type[Unit]]

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    @abstractmethod
    def off(self, settings: Settings) -> str | None:
        """Return why *settings*, a tenant's or the deployment's, switch the task off; None: it is on."""

    async def unavailable(self) -> str | None:
        """Return why no tenant can have the task, whatever its overrides say; None: one may."""
        return None

    async def note_off(self, tenants: Sequence[Tenant], run: Run) -> None:
        """Remember that the task is off for *tenants*. Not called in a dry run."""

    @abstractmethod
    async def plan(self, tenants: Sequence[Tenant], run: Run) -> Mapping[str, int | Listed[UnitT]]:
        """Return what is due, by tenant id, for a page of tenants, in few set-based statements.

        That is a number of units. Up to ``LISTED_AT_MOST`` may be listed instead: then ``due`` is not called for them.
        """

    async def due(self, tenant: Tenant, run: Run, after: UnitT | None, limit: int) -> Sequence[UnitT]:
        """Return the tenant's next due units behind *after*; fewer than *limit* are the last ones. Reads only.

        Not called for a task whose ``spec`` says what the first unit is.
        """
        raise NotImplementedError(f"{self.spec.name} names no first unit, so it has to list what is due")

    @abstractmethod
    async def do(self, tenant: Tenant, unit: UnitT, run: Run) -> Done:
        """Do one unit. Safe to repeat; in a dry run count what would be done, and write nothing.

        Raises:
            MaintenanceError: ``retryable`` says whether the same call may succeed later.
        """

    async def repair(self, tenant: Tenant, run: Run) -> None:
        """Write again, without a model, what the task derived from memories that are gone, or remove it.

        Also for a tenant that is paused or has the task off: an erasure waits for neither. Twice is once.
        """

    async def stopped(self, tenant: Tenant, unit: UnitT, run: Run, reason: str) -> Done:  # noqa: ARG002
        """Return what is counted of a unit that is not done: the tenant is ``paused``, or the task is off for it."""
        unit_json = unit.model_dump(mode="json")
        return Done(counts=self.spec.skipped(unit_json, reason), paused=reason == "paused")

    @classmethod
    def left_undone(cls, counts: Counts) -> int:
        """Return how many units of a cycle are left to the next one and should worry an operator."""
        return counts.of("failed") + counts.reasons.get("budget_exhausted", 0)


AnyTask = Task[Any]

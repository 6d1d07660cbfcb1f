"""What cycles did, as metrics. Labels come from closed sets, whatever happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from memory_maintenance.cycles.outcomes import TenantOutcome
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.observability.cycle_metrics import CYCLE_SECONDS, CYCLES, REASONS, TENANT_SECONDS, UNITS
from memory_maintenance.tasks import TASKS

DEFECT: Final = "defect"
"""What an error is called that this project does not define: the log and the row have its name."""


def count_cycle(kind: str, status: str, seconds: float, *, lost: int = 0) -> None:
    """Count a cycle that was closed, and the *lost* tenants whose page never reported."""
    CYCLES.labels(kind=kind, status=status).inc()
    CYCLE_SECONDS.labels(kind=kind).observe(seconds)
    UNITS.labels(unit="tenant", outcome="page_failed").inc(lost)


def count_outcomes(outcomes: Iterable[TenantOutcome]) -> None:
    """Count what a page's tenants came to."""
    for outcome in outcomes:
        TENANT_SECONDS.observe(outcome.seconds)
        for unit, what, number in _units(outcome):
            if number:
                UNITS.labels(unit=unit, outcome=what).inc(number)
        for unit, reason, number in _reasons(outcome):
            REASONS.labels(unit=unit, reason=reason).inc(number)


def _units(outcome: TenantOutcome) -> Iterator[tuple[str, str, int]]:
    yield "tenant", outcome.status, 1
    for task in TASKS:
        counts = outcome.of(task.spec.name)
        for name, label in task.spec.outcomes().items():
            yield task.spec.unit, label, counts.of(name)


def _reasons(outcome: TenantOutcome) -> Iterator[tuple[str, str, int]]:
    if outcome.error_type:
        yield "tenant", outcome.error_type if outcome.error_type in _ours() else DEFECT, 1
    for task in TASKS:
        for reason, number in outcome.of(task.spec.name).reasons.items():
            yield task.spec.unit, reason, number


def _ours() -> frozenset[str]:
    return frozenset(kind.__name__ for kind in _tree(MaintenanceError))


def _tree(kind: type[MaintenanceError]) -> Iterator[type[MaintenanceError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


# A series that begins with its first failure hides it: Prometheus sees no increase. So all of them begin at 0.
for _task in TASKS:
    for _label in _task.spec.outcomes().values():
        UNITS.labels(unit=_task.spec.unit, outcome=_label)

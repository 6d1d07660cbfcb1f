"""A check of the preflight, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from memory_maintenance.preflight.finding import Finding, Severity
from memory_maintenance.settings import Settings


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What checks compare the store with."""

    settings: Settings
    temporal_clock: datetime | None = None
    """What Temporal's clock says now; None: the run is not one of Temporal's."""
    own_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    """This process's clock."""


Arguments = Callable[[Surroundings], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class PreflightCheck:
    """One thing that may be wrong with a store.

    The statement returns a row where it is wrong. ``found`` and ``advice`` are filled with that row's columns.
    """

    name: str
    severity: Severity
    statement: str
    found: str
    advice: str
    fine: str
    """What ``doctor`` says where nothing is wrong."""
    arguments: Arguments = lambda _: ()
    """Of the statement."""
    refusal: str | None = None
    """What it means that Postgres refuses the statement; None: that is no finding but an error."""

    def finding(self, row: dict[str, Any]) -> Finding:
        """Return what the row that the statement returned says."""
        found, advice = self.found.format_map(row), self.advice.format_map(row)
        return Finding(check=self.name, severity=self.severity, found=found, advice=advice)

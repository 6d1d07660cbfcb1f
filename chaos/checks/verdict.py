"""What a check says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

NAMED: Final = 8
"""Violations that are shown in full; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One invariant: how many things were looked at, and what is wrong with which of them."""

    invariant: str
    checked: int
    violations: Sequence[str] = ()
    note: str = ""

    @property
    def holds(self) -> bool:
        """Return whether it holds, of something at all: a check that looked at nothing has failed."""
        return self.checked > 0 and not self.violations

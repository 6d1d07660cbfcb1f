"""What the preflight finds: plain values that travel through Temporal and are stored with the cycle."""

from __future__ import annotations

from typing import Literal

from memory_maintenance.work import Message

Severity = Literal["stop", "warning"]
"""stop: the run would do nothing, or harm, so it ends; warning: it goes on, and needs attention."""


class Finding(Message):
    """One thing that is wrong with the store. It names tables, roles and tenants, and holds no text of a memory."""

    check: str
    """The name of the check: a word of a closed set, fit for a metric label."""
    severity: Severity
    found: str
    advice: str

    def __str__(self) -> str:
        return f"{self.check}: {self.found} → {self.advice}"

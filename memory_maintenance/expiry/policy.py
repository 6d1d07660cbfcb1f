"""What falls out of a store: the rule, without clock or database. ``maintenance.falls_out`` says the same in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from memory_maintenance.store.memory import known_time

Action = Literal["archive", "delete"]
Reason = Literal["expired", "retention", "budget"]

FOR_GOOD: Final = 1_000_000
"""Days that a rule of 0 days means: longer than any memory is old."""


@dataclass(frozen=True, slots=True)
class ExpiryRule:
    """What leaves one tenant's store. By default nothing does."""

    expired: Action | None = None
    """What becomes of a memory whose ``expires_at`` has passed; None: it stays."""
    grace_days: int = 30
    """Days after ``expires_at`` before it is deleted. Archiving needs none: it can be restored."""
    days: int = 0
    """Days since its creation that a memory is kept; 0: for good."""
    layers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """The same by a layer's stored spelling, in place of ``days``; 0: for good."""
    tags: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """The same by tag, in place of both; of several tags the longest holds."""
    keep: int = 0
    """Memories that each project keeps, the most important ones; 0: all."""
    fallen: Action = "archive"
    """What becomes of a memory that is past its retention or over the budget."""
    archive_days: int = 90
    """Days that the archive keeps a memory; 0: until it is restored."""
    protected: frozenset[str] = frozenset()
    """A memory with one of these tags never falls out."""

    @property
    def is_on(self) -> bool:
        """Return whether anything can fall out."""
        return bool(self.expired or self.days or any((*self.layers.values(), *self.tags.values())) or self.keep)

    def action(self, reason: Reason) -> Action:
        """Return what becomes of a memory that falls out for *reason*."""
        return self.expired or self.fallen if reason == "expired" else self.fallen

    def expired_before(self, as_of: datetime) -> datetime | None:
        """Return the latest ``expires_at`` that takes a memory away; None: none does."""
        if self.expired is None:
            return None
        return as_of if self.expired == "archive" else as_of - timedelta(days=self.grace_days)

    def created_before(self, as_of: datetime) -> datetime | None:
        """Return since when a memory is past no retention at all; None where there is no such instant."""
        shortest = min(filter(None, (self.days, *self.layers.values(), *self.tags.values())), default=None)
        return as_of - timedelta(days=shortest) if shortest else None

    def purge_after(self, as_of: datetime) -> datetime | None:
        """Return when the archive deletes what enters it as of *as_of*; None: never."""
        return as_of + timedelta(days=self.archive_days) if self.archive_days else None

    def kept_days(self, layer: str | None, tags: Collection[str]) -> int:
        """Return how many days after its creation such a memory is kept."""
        tagged = [days or FOR_GOOD for tag, days in self.tags.items() if tag in tags]
        return max(tagged) if tagged else (self.layers.get(layer or "", self.days) or FOR_GOOD)

    def falls_out(
        self,
        as_of: datetime,
        *,
        expires_at: datetime | None = None,
        created_at: datetime | None = None,
        layer: str | None = None,
        tags: Collection[str] = (),
        derived: bool = False,
    ) -> Reason | None:
        """Return why a memory falls out; None: it stays. The budget is another question: it compares memories.

        Args:
            as_of: the instant the run reckons from.
            expires_at: when the agent said that it ends.
            created_at: when it was created; None: unknown.
            layer: as it is stored.
            tags: its own.
            derived: whether maintenance wrote it. Then it follows its sources, and only ``expires_at`` ends it.
        """
        if self.protected & set(tags):
            return None
        ended, expires_at, created_at = self.expired_before(as_of), known_time(expires_at), known_time(created_at)
        if ended is not None and expires_at is not None and expires_at <= ended:
            return "expired"
        if derived or created_at is None:
            return None
        return "retention" if (as_of - created_at) > timedelta(days=self.kept_days(layer, tags)) else None

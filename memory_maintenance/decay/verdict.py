"""What a run makes of one memory: whether it decays, from which base, and what is left; without clock or database.

``statements.py`` decides the same in SQL. This is for explaining a memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from memory_maintenance.decay.policy import DecayRule, DecayRun, decayed, demoted, undemoted
from memory_maintenance.store.memory import known_time

ADOPTED_AGE: Final = timedelta(days=1)
"""How old a memory counts at most when the store meets decay for the first time."""

EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""A base time outside these (infinity among them) makes a row invalid, and so does any time at or after the latter."""


@dataclass(frozen=True, slots=True)
class RowState:
    """The columns of a memory that decay reads."""

    importance: float | None
    base: float | None = None
    base_at: datetime | None = None
    decayed: float | None = None
    created_at: datetime | None = None
    last_accessed_at: datetime | None = None
    layer: str | None = None
    tags: frozenset[str] = frozenset()
    demotion: float | None = None
    """Factor in (0, 1] of a memory that another one replaces; None: 1."""

    @property
    def is_valid(self) -> bool:
        """Whether importance and base are in [0, 1], demotion in (0, 1], and every time of the calendar, or unknown."""
        times = filter(None, (self.created_at, self.last_accessed_at, self.base_at))
        return (
            self.importance is not None
            and 0 <= self.importance <= 1
            and (self.base is None or 0 <= self.base <= 1)
            and (self.base_at is None or self.base_at >= EARLIEST)
            and (self.demotion is None or 0 < self.demotion <= 1)
            and all(instant < LATEST for instant in times)
        )

    @property
    def known_creation(self) -> datetime | None:
        """Return when the memory was created; None where that is unknown."""
        return known_time(self.created_at)

    @property
    def known_access(self) -> datetime | None:
        """Return when the memory was last accessed, else created; None where both are unknown."""
        return known_time(self.last_accessed_at) or self.known_creation


Verdict = Literal["invalid", "future", "protected", "negligible", "first_sight", "set_by_agent", "resumed", "known"]
REBASED: Final = frozenset[Verdict]({"first_sight", "set_by_agent", "resumed"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run makes of a row; base, time and importance are None where it leaves the row as it is."""

    verdict: Verdict
    base: float | None = None
    base_at: datetime | None = None
    last_access: datetime | None = None
    importance: float | None = None


def verdict(row: RowState, run: DecayRun, rule: DecayRule) -> Verdict:
    """Say which case a row is: the first that holds of those in ``Verdict``."""
    if not row.is_valid or row.importance is None:
        return "invalid"
    if row.created_at is not None and row.created_at > run.as_of:
        return "future"
    if row.tags & rule.protected_tags:
        return "protected"
    if row.base is None or row.base_at is None:
        return "first_sight" if row.importance > rule.floor else "negligible"
    if row.importance != row.decayed:
        return "set_by_agent"
    if row.base <= rule.floor:
        return "negligible"
    return "resumed" if run.resumed_at is not None and row.base_at < run.resumed_at else "known"


def judge(row: RowState, run: DecayRun, rule: DecayRule) -> Outcome:
    """Say what a run makes of a row; whether a known row is written is up to the tolerance."""
    rule = rule.for_run(run)
    case = verdict(row, run, rule)
    base, base_at = _base(case, row, run)
    if base is None or base_at is None:
        return Outcome(case)
    last_access = row.known_access or base_at
    left = decayed(base, base_at, last_access, run.as_of, rule, row.layer)
    return Outcome(case, base, base_at, last_access, demoted(left, row.demotion))


def _base(case: Verdict, row: RowState, run: DecayRun) -> tuple[float | None, datetime | None]:
    match case:
        case "first_sight":
            earliest = max(run.adopted_at - ADOPTED_AGE, run.resumed_at or EARLIEST)
            return row.importance, max(row.known_creation or run.as_of, earliest)
        case "set_by_agent" | "resumed" if row.importance is not None:
            since = run.as_of if case == "set_by_agent" else run.resumed_at
            return undemoted(row.importance, row.demotion), since
        case "known":
            return row.base, row.base_at
        case _:
            return None, None

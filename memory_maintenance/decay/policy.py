"""What decay makes of a memory: the rule, without clock or database.

The importance after a run is a pure function of the base (what the agent last said),
the instant it was said, the last access and ``as_of``; never of the last result.
``statements.py`` computes the very same in SQL; ``judge`` is its one decision in Python,
for whoever explains a memory or foresees a run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import Final, Literal

PolicyName = Literal["staged", "bounded"]

PROTECTED_FOR: Final = timedelta(days=7)
STALE_AFTER: Final = timedelta(days=30)
ADOPTED_AGE: Final = timedelta(days=1)
"""How old a memory counts at most when the store meets decay for the first time."""

RETAINED: Final = 0.7
"""Share of the base that no time takes: under ``bounded``, and under ``staged`` in a store that begins with it."""

KNOWN_SINCE: Final = datetime(2001, 1, 2, tzinfo=UTC)
"""A creation or an access before this is unknown: it is the zero of a clock (1970, 1980, 2000, 2001) or of a type
(year 1, 1601, 1900), in whatever time zone. Taken for true it would make a memory decades stale in its first night."""

EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""A base time outside these (infinity among them) makes a row invalid, and so does any time at or after the latter."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1) // _MICROSECOND
_PROTECTED: Final = PROTECTED_FOR // _MICROSECOND
_STALE: Final = STALE_AFTER // _MICROSECOND
_EXPONENT_LIMIT: Final = 700.0
_LEAST_DEMOTION: Final = 1e-30
"""A product with less may be too small for a column of type real, which Postgres refuses."""


@dataclass(frozen=True, slots=True)
class DecayRule:
    """How one tenant's memories decay.

    The share ``retained`` of the base stays for good, the rest is lost over time: importance is
    base x (retained + (1 - retained) x exp(-hazard x exposure)). The policies differ in hazard and exposure.

    ``staged``: a share ``rate`` is lost per day, at half speed within 7 days of the last access, at full
    speed until 30 days, then ever faster.
    ``bounded``: half is lost every ``half_life_days`` since the last access.
    """

    policy: PolicyName = "staged"
    rate: float = 0.001
    """Share lost per day at multiplier 1, in [0, 1); staged only."""
    use_access: bool = True
    """Whether the days since the last access change the speed."""
    floor: float = 0.01
    """Memories do not decay below this; those whose base is not above it are left alone."""
    retained_share: float | None = None
    """What staged leaves of the base after any time, in [0, 1]; None: what the store does (``for_run``)."""
    half_life_days: float = 90.0
    layers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Speed per stored spelling of a layer; 1 where it is not named."""
    protected_tags: frozenset[str] = frozenset()
    """A memory with one of these tags is never decayed."""

    @property
    def hazard(self) -> float:
        """Return the exponent's share per day of exposure."""
        return -math.log1p(-self.rate) if self.policy == "staged" else math.log(2) / self.half_life_days

    @property
    def retained(self) -> float:
        """Return the share of the base that no exposure takes."""
        return RETAINED if self.policy == "bounded" or self.retained_share is None else self.retained_share

    def for_run(self, run: DecayRun) -> DecayRule:
        """Return the rule with what the store decides where no setting does."""
        return self if self.retained_share is not None else replace(self, retained_share=run.retained_share)

    def speed(self, layer: str | None) -> float:
        """Return the multiplier of a layer."""
        return self.layers.get(layer, 1.0) if layer is not None else 1.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time at one stage; ``multiplier`` is the mean over it, exact."""

    stage: Literal["protected", "regular", "stale"]
    length: timedelta
    multiplier: Fraction

    @property
    def exposure(self) -> Fraction:
        """Return length times multiplier, in days."""
        return Fraction(self.length // _MICROSECOND, _DAY) * self.multiplier


def multiplier(since_access: timedelta, rule: DecayRule) -> float:
    """Return the speed at which a memory decays that was last accessed so long ago.

    0.5 before the 7th day, 1 to the 30th, then 1 + days/30. Source: RAE background workers.
    """
    if not rule.use_access:
        return 1.0
    if rule.policy == "bounded":
        return float(since_access >= timedelta(0))
    if since_access < PROTECTED_FOR:
        return 0.5
    return 1.0 if since_access <= STALE_AFTER else 1.0 + since_access / STALE_AFTER


def segments(base_at: datetime, last_access: datetime, as_of: datetime, rule: DecayRule) -> tuple[Segment, ...]:
    """Cut the time from *base_at* to *as_of* by how long ago the last access was.

    Time before the last access counts as protected: a recalled memory recovers. Cut as instants
    and summed as lengths, because the difference of two antiderivatives loses eight digits.
    Empty when *as_of* is not after *base_at*.
    """
    start, access, stop = (_microseconds(instant) for instant in (base_at, last_access, as_of))
    if stop <= start:
        return ()
    if not rule.use_access:
        return _present(("regular", stop - start, Fraction(1)))
    if rule.policy == "bounded":
        recalled = _within(start, access, stop)
        return _present(("protected", recalled - start, Fraction(0)), ("regular", stop - recalled, Fraction(1)))
    regular, stale = _within(start, access + _PROTECTED, stop), _within(start, access + _STALE, stop)
    return _present(
        ("protected", regular - start, Fraction(1, 2)),
        ("regular", stale - regular, Fraction(1)),
        ("stale", stop - stale, 1 + Fraction((stale - access) + (stop - access), 2 * _STALE)),
    )


def _present(*cut: tuple[Literal["protected", "regular", "stale"], int, Fraction]) -> tuple[Segment, ...]:
    return tuple(Segment(stage, length * _MICROSECOND, mean) for stage, length, mean in cut if length)


def _within(low: int, value: int, high: int) -> int:
    return min(max(low, value), high)


def _microseconds(instant: datetime) -> int:
    # Integers since the epoch: aware datetimes of one zone compare and subtract by the wall clock.
    return (instant - _EPOCH) // _MICROSECOND


def exposure_days(parts: tuple[Segment, ...]) -> float:
    """Return the days of exposure that *parts* add up to, correctly rounded."""
    return float(sum((part.exposure for part in parts), Fraction(0)))


def factor(days: float, rule: DecayRule) -> float:
    """Return the share of the base that *days* of exposure leave, in [0, 1]."""
    return rule.retained + (1.0 - rule.retained) * math.exp(-min(rule.hazard * days, _EXPONENT_LIMIT))


def demoted(importance: float, demotion: float | None) -> float:
    """Return *importance* times *demotion*, in (0, 1]; None is 1."""
    return importance * _demotion(demotion)


def _demotion(demotion: float | None) -> float:
    return max(1.0 if demotion is None else demotion, _LEAST_DEMOTION)


def decayed(
    base: float, base_at: datetime, last_access: datetime, as_of: datetime, rule: DecayRule, layer: str | None = None
) -> float:
    """Return what is left of *base* at *as_of*.

    Computed from the base, never from the last result: applying it twice changes
    nothing, so a retried batch cannot decay a memory twice.

    Args:
        base: importance when it was last set, in [0, 1].
        base_at: since when it holds; at or after *as_of* nothing is lost.
        last_access: when the memory was last recalled; may be before *base_at* or after *as_of*.
        as_of: the instant the run reckons from.
        rule: the tenant's.
        layer: as stored, in either spelling.
    """
    days = exposure_days(segments(base_at, last_access, as_of, rule)) * rule.speed(layer)
    return min(base, max(rule.floor, base * factor(days, rule)))


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
        return _known(self.created_at)

    @property
    def known_access(self) -> datetime | None:
        """Return when the memory was last accessed, else created; None where both are unknown."""
        return _known(self.last_accessed_at) or self.known_creation


def _known(instant: datetime | None) -> datetime | None:
    return instant if instant is not None and instant >= KNOWN_SINCE else None


@dataclass(frozen=True, slots=True)
class DecayRun:
    """What a run brings to every row of a tenant."""

    as_of: datetime
    adopted_at: datetime
    """``as_of`` of the store's first decay run."""
    resumed_at: datetime | None = None
    """``as_of`` of the first run after decay had been off for the tenant."""
    retained_share: float = RETAINED
    """What ``staged`` leaves where no setting says: 0 in a store that decayed before there was a choice."""


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
        case "set_by_agent":
            return _undemoted(row), run.as_of
        case "resumed":
            return _undemoted(row), run.resumed_at
        case "known":
            return row.base, row.base_at
        case _:
            return None, None


def _undemoted(row: RowState) -> float | None:
    """Return the base of the importance that *row* has: what an agent saw and set is the demoted value."""
    if row.importance is None or row.demotion is None:
        return row.importance
    return min(1.0, row.importance / _demotion(row.demotion))

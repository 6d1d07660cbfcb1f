"""What time leaves of a memory's importance: the rule, without clock or database.

The importance after a run is a pure function of the base (what the agent last said),
the instant it was said, the last access and ``as_of``; never of the last result.
``maintenance.decayed`` computes the same in SQL. Which memories decay, and from which base: ``verdict.py``.
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

RETAINED: Final = 0.7
"""Share of the base that no time takes: under ``bounded``, and under ``staged`` in a store that begins with it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1) // _MICROSECOND
_PROTECTED: Final = PROTECTED_FOR // _MICROSECOND
_STALE: Final = STALE_AFTER // _MICROSECOND
_EXPONENT_LIMIT: Final = 700.0
_LEAST_DEMOTION: Final = 1e-30
"""A product with less may be too small for a column of type real, which Postgres refuses."""


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


def undemoted(importance: float, demotion: float | None) -> float:
    """Return the base of a demoted *importance*, at most 1: what an agent saw and set is the demoted value."""
    return min(1.0, importance / _demotion(demotion))


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

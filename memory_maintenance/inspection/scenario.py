"""What a simulation is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from memory_maintenance.decay.policy import DecayRule, PolicyName
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.inspection.distribution import Distribution
from memory_maintenance.inspection.ordering import OrderChange
from memory_maintenance.settings import Settings

MOST_DAYS: Final = 36_500


@dataclass(frozen=True, slots=True)
class Scenario:
    """The rule to try. None leaves it to each tenant's own.

    Raises:
        InvalidRequestError: a rate outside [0, 1), a share outside [0, 1], or days outside [1, 36500].
    """

    policy: PolicyName | None = None
    rate: float | None = None
    """Share lost per day, brought within the deployment's bounds as a run would."""
    days: int = 365
    retained: float | None = None
    """Share of the base that staged leaves for good."""

    def __post_init__(self) -> None:
        if self.rate is not None and not 0 <= self.rate < 1:
            raise InvalidRequestError(f"rate {self.rate!r}: give the share lost per day, at least 0 and below 1")
        if self.retained is not None and not 0 <= self.retained <= 1:
            raise InvalidRequestError(f"retained {self.retained!r}: give a share of what the agent said, from 0 to 1")
        if not 1 <= self.days <= MOST_DAYS:
            raise InvalidRequestError(f"{self.days} days: give a number from 1 to {MOST_DAYS}")

    def applied_to(self, rule: DecayRule, settings: Settings) -> DecayRule:
        """Return *rule* with what the scenario changes."""
        rate = rule.rate if self.rate is None else settings.bounded_decay_rate(self.rate)
        retained = rule.retained_share if self.retained is None else self.retained
        return replace(rule, policy=self.policy or rule.policy, rate=rate, retained_share=retained)


@dataclass(frozen=True, slots=True)
class Repricing:
    """What the changed rule does, in the night of the switch, to memories that have a base already.

    Compared with the same night by the present rule.
    """

    known: int = 0
    raised: int = 0
    lowered: int = 0
    largest_rise: float = 0.0
    largest_fall: float = 0.0


@dataclass(frozen=True, slots=True)
class Stop:
    """The 10 %, 50 % and 90 % quantiles on one day, by the rule that is tried and by the present one."""

    day: float
    tried: tuple[float | None, ...]
    present: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """Today against the last day, if no agent touches anything. Memories that are invalid are only counted."""

    as_of: datetime
    days: int
    policy: PolicyName | None
    rate: float | None
    """The one asked for, within its bounds."""
    retained: float | None
    """The share asked for."""
    tenants: int
    switched_off: int
    """Tenants whose decay is off now; by the present rule their memories stay as they are."""
    verdicts: dict[str, int]
    """Rows by what tonight's run finds."""
    to_write: int
    """Rows that tonight's run writes."""
    today: Distribution
    tonight: Distribution
    later: Distribution
    later_by_present_rule: Distribution
    order: OrderChange
    """Pairs within a tenant, today against the last day."""
    order_by_present_rule: OrderChange
    sampled: int
    """Tenants too large to compare every pair: of those, ``order`` counts a random sample of 1,000,000 memories."""
    repricing: Repricing
    course: tuple[Stop, ...]
